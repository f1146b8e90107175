/* SPDX-License-Identifier: Apache-2.0 */
/* Fills {node}, {probe} and {timestamp} in an image or a tag. */
#include "probe/placeholder.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define FILLED_MAX_BYTES ((size_t)1024)

#define NODE      "node"
#define PROBE     "probe"
#define TIMESTAMP "timestamp"

bool placeholder_in(const char *text, const char *name)
{
    size_t size = strlen(name);

    for (text = strchr(text, '{'); text; text = strchr(text + 1, '{'))
        if (strncmp(text + 1, name, size) == 0 && text[1 + size] == '}')
            return true;
    return false;
}

/* Appends lower-case letters and digits, separated by single characters of "._-": valid in a
 * repository and in a tag. */
static void add_clean(struct buf *out, const char *text)
{
    char between = '\0';
    bool first = true;

    for (; *text; text++) {
        char c = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) {
            between = !between && strchr("._-", c) ? c : '-';
            continue;
        }
        if (between && !first)
            buf_append_char(out, between);
        buf_append_char(out, c);
        between = '\0';
        first = false;
    }
}

static void add_timestamp(struct buf *out, int64_t unix_seconds)
{
    time_t seconds = (time_t)unix_seconds;
    struct tm utc;
    char text[32];

    gmtime_r(&seconds, &utc);
    strftime(text, sizeof(text), "%Y%m%d-%H%M%S", &utc);
    buf_append_str(out, text);
}

static bool is_word(const char *name, size_t size, const char *word)
{
    return size == strlen(word) && strncmp(name, word, size) == 0;
}

static bool add_value(struct buf *out, const char *name, size_t size,
                      const struct placeholders *values, struct error *err)
{
    if (is_word(name, size, NODE))
        add_clean(out, values->node);
    else if (is_word(name, size, PROBE))
        add_clean(out, values->probe);
    else if (is_word(name, size, TIMESTAMP))
        add_timestamp(out, values->unix_seconds);
    else
        return error_set(err, ERROR_INVALID,
                         "unknown placeholder \"{%.*s}\": expected {" NODE "}, {" PROBE
                         "} or {" TIMESTAMP "}",
                         size > 64 ? 64 : (int)size, name);
    return true;
}

static bool fill(struct buf *out, const char *text, const struct placeholders *values,
                 struct error *err)
{
    for (;;) {
        size_t plain = strcspn(text, "{");
        const char *name = text + plain + 1, *end;

        buf_append(out, text, plain);
        if (!text[plain])
            return buf_ok(out, err);
        end = strchr(name, '}');
        if (!end)
            return error_set(err, ERROR_INVALID,
                             "\"{\" without \"}\": expected {" NODE "}, {" PROBE "} or {" TIMESTAMP
                             "}");
        if (!add_value(out, name, (size_t)(end - name), values, err))
            return false;
        text = end + 1;
    }
}

const char *placeholder_fill(const char *text, const struct placeholders *values,
                             struct arena *arena, struct error *err)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(FILLED_MAX_BYTES);
    const char *brace = strchr(text, '{'), *slash = strchr(text, '/');
    const char *filled;

    if (!brace)
        return text;
    if (slash && brace < slash) {
        error_set(err, ERROR_INVALID,
                  "the registry, before the first \"/\", must not contain a placeholder");
        return NULL;
    }
    if (!fill(&out, text, values, err))
        return NULL;
    filled = arena_strdup(arena, out.data ? out.data : "");
    return arena_ok(arena, err) ? filled : NULL;
}
