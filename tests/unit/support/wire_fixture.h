/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages put together by hand, and not by the code that reads them, and what a test of such code
 * needs.
 */
#ifndef WIRE_FIXTURE_H
#define WIRE_FIXTURE_H

#include "base/arena.h"
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LIMIT_BYTES ((size_t)64 << 10)

static inline void put_varint(struct buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        buf_append_char(out, (char)(value | 0x80));
    buf_append_char(out, (char)value);
}

static inline void put_number(struct buf *out, unsigned field, int64_t value)
{
    put_varint(out, field << 3);
    put_varint(out, (uint64_t)value);
}

static inline void put_bytes(struct buf *out, unsigned field, const char *data, size_t size)
{
    put_varint(out, field << 3 | 2);
    put_varint(out, size);
    buf_append(out, data, size);
}

static inline void put_text(struct buf *out, unsigned field, const char *text)
{
    put_bytes(out, field, text, strlen(text));
}

/* Puts `part` into `out` and empties it. */
static inline void put_part(struct buf *out, unsigned field, struct buf *part)
{
    put_bytes(out, field, part->data, part->size);
    buf_clear(part);
}

static inline void put_time(struct buf *out, unsigned field, int64_t seconds, int64_t nanos)
{
    CLEANUP(buf_deinit) struct buf time = BUF_INIT(LIMIT_BYTES);

    put_number(&time, 1, seconds);
    put_number(&time, 2, nanos);
    put_part(out, field, &time);
}

static inline void put_pair(struct buf *out, unsigned field, const char *key, const char *value)
{
    CLEANUP(buf_deinit) struct buf pair = BUF_INIT(LIMIT_BYTES);

    put_text(&pair, 1, key);
    put_text(&pair, 2, value);
    put_part(out, field, &pair);
}

/* What a test needs: a message, a part of it, and where the answer goes. */
struct fixture {
    struct buf message, part;
    struct arena arena;
    struct error err;
};

static inline int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    fixture->message.limit_bytes = fixture->part.limit_bytes = LIMIT_BYTES;
    fixture->arena.limit_bytes = LIMIT_BYTES;
    *state = fixture;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *fixture = *state;

    buf_deinit(&fixture->message);
    buf_deinit(&fixture->part);
    arena_deinit(&fixture->arena);
    free(fixture);
    return 0;
}

#endif
