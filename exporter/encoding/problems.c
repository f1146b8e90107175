/* SPDX-License-Identifier: Apache-2.0 */
/* Problems are few, so an array sorted by insertion is enough. */
#include "encoding/problems.h"

#include "base/log.h"
#include "base/redact.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_LIMIT_BYTES ((size_t)768)

static int compare_files(struct place a, struct place b)
{
    return strcmp(a.file ? a.file : "", b.file ? b.file : "");
}

static bool is_before(struct place a, struct place b)
{
    int files = compare_files(a, b);

    if (files != 0)
        return files < 0;
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

static bool is_known(const struct problems *problems, struct place place, const char *message)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *known = &problems->items[i];

        if (compare_files(known->place, place) == 0 && known->place.line == place.line &&
            known->place.column == place.column && strcmp(known->message, message) == 0)
            return true;
    }
    return false;
}

static void insert(struct problems *problems, struct place place, const char *message)
{
    size_t at = problems->count++;

    for (; at > 0 && is_before(place, problems->items[at - 1].place); at--)
        problems->items[at] = problems->items[at - 1];
    problems->items[at] = (struct problem){place, message};
}

bool problems_add(struct problems *problems, struct place place, const char *fmt, ...)
{
    char raw[MESSAGE_LIMIT_BYTES], text[MESSAGE_LIMIT_BYTES];
    const char *message;
    va_list args;

    va_start(args, fmt);
    vsnprintf(raw, sizeof(raw), fmt, args);
    va_end(args);
    if (!place.file)
        place.file = problems->file;
    /* Messages quote the file, which may contain secrets and line breaks. */
    redact_clean(text, sizeof(text), raw);
    if (is_known(problems, place, text))
        return false;
    message = problems->count < PROBLEMS_MAX ? arena_strdup(problems->arena, text) : NULL;
    if (message)
        insert(problems, place, message);
    else
        problems->uncounted++;
    return false;
}

size_t problems_total(const struct problems *problems)
{
    return problems->count + problems->uncounted;
}

void problems_print(const struct problems *problems, const char *file, struct buf *out)
{
    struct place last = {1, 1};

    for (size_t i = 0; i < problems->count; i++) {
        last = problems->items[i].place;
        buf_printf(out, "%s:%zu:%zu: %s", last.file ? last.file : file, last.line, last.column,
                   problems->items[i].message);
        if (last.alias_line)
            buf_printf(out, " (used by the alias at line %zu)", last.alias_line);
        buf_append_char(out, '\n');
    }
    if (problems->uncounted > 0)
        buf_printf(out, "%s:%zu:%zu: and %zu more problems\n", last.file ? last.file : file,
                   last.line, last.column, problems->uncounted);
}

const char *place_text(struct place place, struct place from, char out[PLACE_TEXT_BYTES])
{
    if (compare_files(place, from) == 0)
        snprintf(out, PLACE_TEXT_BYTES, "line %zu", place.line);
    else
        snprintf(out, PLACE_TEXT_BYTES, "%s:%zu:%zu", place.file ? place.file : "", place.line,
                 place.column);
    return out;
}

void problems_log(const struct buf *printed)
{
    const char *line = printed->data;

    while (line && *line) {
        const char *end = strchrnul(line, '\n');

        log_error("%.*s", (int)(end - line), line);
        line = *end ? end + 1 : end;
    }
}
