/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mistakes of one file, kept in the order of the file however they are found.
 *
 * Reporting never fails: beyond PROBLEMS_MAX, or without memory, mistakes are only
 * counted. The same mistake at the same place counts once, so that a part of the
 * file which several jobs read may be checked by each of them.
 */
#ifndef ENCODING_PROBLEMS_H
#define ENCODING_PROBLEMS_H

#include "base/arena.h"
#include "base/buf.h"

#define PROBLEMS_MAX 100

struct place { /* both from 1 */
    size_t line, column;
};

struct problem {
    struct place place;
    const char *message;
};

struct problems {
    struct arena *arena;
    struct problem items[PROBLEMS_MAX];
    size_t count;
    size_t uncounted; /* mistakes for which there was no room */
};

#define PROBLEMS_INIT(memory) \
    {                         \
        .arena = (memory)     \
    }

/* Returns false, always, so that callers can write `return problems_add(...)`. */
bool problems_add(struct problems *problems, struct place place, const char *fmt, ...) PRINTF(3, 4);

size_t problems_total(const struct problems *problems);

/* Appends a line "file:line:column: message" for each. */
void problems_print(const struct problems *problems, const char *file, struct buf *out);

/* Logs what was printed as errors, line by line. */
void problems_log(const struct buf *printed);

#endif
