/* SPDX-License-Identifier: Apache-2.0 */
#include "command/terminal/flags.h"
#include "os/file.h"

#include <string.h>

#define FILE_LIMIT_BYTES ((size_t)64 << 10)

static bool add(struct arguments *arguments, char *text, struct error *err)
{
    if (arguments->count == ARGUMENTS_MAX)
        return error_set(err, ERROR_INVALID, "at most %d arguments", ARGUMENTS_MAX);
    arguments->items[arguments->count++] = text;
    arguments->items[arguments->count] = NULL;
    return true;
}

static bool add_line(struct arguments *arguments, const char *line, size_t size,
                     struct arena *arena, struct error *err)
{
    char *copy;

    if (size > 0 && line[size - 1] == '\r')
        size--;
    if (size == 0 || line[0] == '#')
        return true;
    if (line[0] == '@')
        return error_set(err, ERROR_INVALID, "\"%.*s\": a file names no other file", (int)size,
                         line);
    copy = arena_strndup(arena, line, size);
    return copy ? add(arguments, copy, err) : arena_ok(arena, err);
}

static bool add_file(struct arguments *arguments, const char *path, struct arena *arena,
                     struct error *err)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(FILE_LIMIT_BYTES);

    if (!file_read(path, &text, err))
        return false;
    if (text.size > 0 && memchr(text.data, '\0', text.size))
        return error_set(err, ERROR_INVALID, "%s: not a text", path);
    for (const char *line = text.data; line && *line;) {
        size_t size = strcspn(line, "\n");

        if (!add_line(arguments, line, size, arena, err))
            return error_wrap(err, "%s", path);
        line += size + (line[size] == '\n');
    }
    return true;
}

bool arguments_expand(struct arguments *arguments, int argc, char **argv, struct arena *arena,
                      struct error *err)
{
    bool expands = true;

    *arguments = (struct arguments){0};
    for (int i = 0; i < argc; i++) {
        bool file = expands && i > 0 && argv[i][0] == '@' && argv[i][1];

        expands = expands && strcmp(argv[i], "--") != 0;
        if (!(file ? add_file(arguments, argv[i] + 1, arena, err) : add(arguments, argv[i], err)))
            return false;
    }
    return true;
}
