/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as protobuf writes them: seven bits per byte, the lowest first, with the top bit set in
 * every byte but the last. Inline, because both the /metrics page and the list of a content store
 * consist of them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define VARINT_BYTES_MAX 10

/* Writes at most VARINT_BYTES_MAX bytes and returns their end. */
static inline char *varint_write(char *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (char)(value | 0x80);
    *at++ = (char)value;
    return at;
}

/* Returns the end of the number, or NULL if it does not end before `end` or within
 * VARINT_BYTES_MAX bytes. Like other readers of protobuf, it drops bits above the 64th. */
static inline const char *varint_read(const char *at, const char *end, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && at < end; shift += 7) {
        uint8_t byte = (uint8_t)*at++;

        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return at;
    }
    return NULL;
}
