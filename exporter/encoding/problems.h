/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The problems of one or several files, sorted by file and position.
 *
 * Adding never fails: beyond PROBLEMS_MAX, or without memory, problems are only
 * counted. The same message at the same position counts once, because several jobs
 * may read the same part of a file, also through an alias.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

#define PROBLEMS_MAX 100

struct place {
    size_t line, column; /* both from 1 */
    size_t alias_line;   /* of the alias that copied the value; 0: none */
    const char *file;    /* of several; NULL: the only one. Not owned */
};

struct problem {
    struct place place;
    const char *message;
};

struct problems {
    struct arena *arena;
    struct problem items[PROBLEMS_MAX];
    size_t count;
    size_t uncounted; /* problems without room */
    const char *file; /* of places without one: set while one of several files is read */
};

#define PROBLEMS_INIT(memory) \
    {                         \
        .arena = (memory)     \
    }

/* Always returns false, so that callers can write `return problems_add(...)`. */
bool problems_add(struct problems *problems, struct place place, const char *fmt, ...) PRINTF(3, 4);

size_t problems_total(const struct problems *problems);

/* Appends a line "file:line:column: message" for each problem. The message of a value that an alias
 * copied names the alias, too. */
void problems_print(const struct problems *problems, const char *file, struct buf *out);

#define PLACE_TEXT_BYTES ((size_t)512)

/* Writes "line 3" for a place in the file of `from`, else "FILE:3:1"; returns `out`. */
const char *place_text(struct place place, struct place from, char out[PLACE_TEXT_BYTES]);

/* Logs each line of `printed` as an error. */
void problems_log(const struct buf *printed);
