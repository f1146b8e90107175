/* SPDX-License-Identifier: Apache-2.0 */
#include "command/terminal/flags.h"

#include "base/text.h"
#include "encoding/suggest.h"
#include "os/file.h"

#include <string.h>

#define HINT_LIMIT_BYTES ((size_t)256)
#define FILE_LIMIT_BYTES ((size_t)64 << 10)

bool flag_is_flag(const struct flag *flag)
{
    return flag->type != FLAG_HEADING && flag->type != FLAG_WORDS;
}

bool flag_is_switch(const struct flag *flag)
{
    return flag->type == FLAG_ACTION || flag_is_negatable(flag);
}

bool flag_is_negatable(const struct flag *flag)
{
    return flag->type == FLAG_SWITCH || flag->type == FLAG_STATE;
}

const struct flag *flag_find(const struct flag *flags, const char *name, size_t length)
{
    for (; flags->name; flags++)
        if (flag_is_flag(flags) && strlen(flags->name) == length &&
            strncmp(flags->name, name, length) == 0)
            return flags;
    return NULL;
}

static void set_switch(const struct flag *flag, bool on)
{
    if (flag->type == FLAG_STATE)
        *(enum flag_state *)flag->value = on ? FLAG_ON : FLAG_OFF;
    else
        *(bool *)flag->value = on;
}

static bool store_switch(const struct flag *flag, const char *value, struct error *err)
{
    bool on = strcmp(value, "on") == 0 || strcmp(value, "true") == 0;

    if (flag->type == FLAG_ACTION)
        return error_set(err, ERROR_INVALID, "flag --%s takes no value", flag->name);
    if (!on && strcmp(value, "off") != 0 && strcmp(value, "false") != 0)
        return error_set(err, ERROR_INVALID,
                         "invalid value \"%s\" of flag --%s: expected on or off", value,
                         flag->name);
    set_switch(flag, on);
    return true;
}

static bool store_choice(const struct flag *flag, const char *value, struct error *err)
{
    struct suggest_words words = {0};
    CLEANUP(buf_deinit) struct buf known = BUF_INIT(HINT_LIMIT_BYTES);

    for (const char *const *choice = flag->choices; *choice; choice++) {
        if (strcmp(*choice, value) == 0) {
            *(const char **)flag->value = *choice;
            return true;
        }
        suggest_add(&words, *choice);
    }
    suggest(&words, value, &known);
    return error_set(err, ERROR_INVALID, "invalid value \"%s\" of flag --%s%s", value, flag->name,
                     known.data ? known.data : "");
}

static bool store_item(const struct flag *flag, const char *value, struct error *err)
{
    struct flag_list *list = flag->value;

    if (list->count == FLAG_VALUES_MAX)
        return error_set(err, ERROR_INVALID, "%s%s: given more than %d times",
                         flag->type == FLAG_LIST ? "flag --" : "", flag->name, FLAG_VALUES_MAX);
    list->items[list->count++] = value;
    return true;
}

static bool store(const struct flag *flag, const char *value, struct error *err)
{
    switch (flag->type) {
    case FLAG_STRING:
        *(const char **)flag->value = value;
        return true;
    case FLAG_CHOICE:
        return store_choice(flag, value, err);
    case FLAG_UINT:
        return text_uint(value, flag->value, err) || error_wrap(err, "flag --%s", flag->name);
    case FLAG_LIST:
    case FLAG_WORDS:
        return store_item(flag, value, err);
    default:
        return store_switch(flag, value, err);
    }
}

struct line {
    const struct flag *flags;
    int argc, at;
    char **argv;
};

/* A value that looks like a flag needs the form --name=value: usually the value is missing. */
static bool take_next(struct line *line, const struct flag *flag, struct error *err)
{
    const char *next = line->at + 1 < line->argc ? line->argv[line->at + 1] : NULL;

    if (!next || (next[0] == '-' && next[1]))
        return error_set(err, ERROR_INVALID, "expected argument for flag '--%s'", flag->name);
    line->at++;
    return store(flag, next, err);
}

/* Finds the flag of "name" or, for a switch, of "no-name". */
static const struct flag *find_long(const struct flag *flags, const char *name, size_t length,
                                    bool *negated)
{
    const struct flag *flag = flag_find(flags, name, length);

    *negated = false;
    if (flag || length <= 3 || !text_starts_with(name, "no-"))
        return flag;
    flag = flag_find(flags, name + 3, length - 3);
    *negated = flag && flag_is_negatable(flag);
    return *negated ? flag : NULL;
}

static bool reject_long(const struct flag *flags, const char *name, int length, struct error *err)
{
    CLEANUP(buf_deinit) struct buf wrong = BUF_INIT(HINT_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf hint = BUF_INIT(HINT_LIMIT_BYTES);
    struct suggest_words words = {0};

    for (; flags->name; flags++)
        if (flag_is_flag(flags))
            suggest_add(&words, flags->name);
    buf_printf(&wrong, "%.*s", length, name);
    if (wrong.data && length > 0)
        suggest_close(&words, wrong.data, &hint);
    return error_set(err, ERROR_INVALID, "unknown long flag '--%.*s', try --help%s", length, name,
                     hint.data ? hint.data : "");
}

static bool parse_long(struct line *line, struct error *err)
{
    const char *name = line->argv[line->at] + 2;
    size_t length = strcspn(name, "=");
    bool negated;
    const struct flag *flag = find_long(line->flags, name, length, &negated);

    if (!flag)
        return reject_long(line->flags, name, (int)length, err);
    if (name[length] == '=' && negated)
        return error_set(err, ERROR_INVALID, "flag --no-%s takes no value", flag->name);
    if (name[length] == '=')
        return store(flag, name + length + 1, err);
    if (!flag_is_switch(flag))
        return take_next(line, flag, err);
    set_switch(flag, !negated);
    return true;
}

/* "-n value" or "-nvalue" */
static bool parse_short(struct line *line, struct error *err)
{
    const char *word = line->argv[line->at];

    for (const struct flag *flag = line->flags; flag->name; flag++) {
        if (!flag->letter || flag->letter != word[1])
            continue;
        if (!flag_is_switch(flag))
            return word[2] ? store(flag, word + 2, err) : take_next(line, flag, err);
        if (word[2])
            break;
        set_switch(flag, true);
        return true;
    }
    return error_set(err, ERROR_INVALID, "unknown short flag '%s', try --help", word);
}

static bool take_word(const struct flag *flags, const char *word, struct error *err)
{
    for (; flags->name; flags++)
        if (flags->type == FLAG_WORDS)
            return store(flags, word, err);
    return error_set(err, ERROR_INVALID, "unexpected argument \"%s\", try --help", word);
}

bool flags_parse(const struct flag *flags, int argc, char **argv, struct error *err)
{
    struct line line = {flags, argc, 1, argv};
    bool only_words = false;

    for (; line.at < argc; line.at++) {
        const char *word = argv[line.at];
        bool ok = true;

        if (only_words || word[0] != '-')
            ok = take_word(flags, word, err);
        else if (strcmp(word, "--") == 0)
            only_words = true;
        else if (word[1] == '-')
            ok = parse_long(&line, err);
        else
            ok = parse_short(&line, err);
        if (!ok)
            return false;
    }
    return true;
}

static bool add_argument(struct arguments *arguments, char *text, struct error *err)
{
    if (arguments->count == ARGUMENTS_MAX)
        return error_set(err, ERROR_INVALID, "too many arguments: the limit is %d", ARGUMENTS_MAX);
    arguments->items[arguments->count++] = text;
    arguments->items[arguments->count] = NULL;
    return true;
}

static bool add_argument_line(struct arguments *arguments, const char *line, size_t size,
                              struct arena *arena, struct error *err)
{
    char *copy;

    if (size > 0 && line[size - 1] == '\r')
        size--;
    if (size == 0 || line[0] == '#')
        return true;
    if (line[0] == '@')
        return error_set(err, ERROR_INVALID, "\"%.*s\": an argument file must not name another one",
                         (int)size, line);
    copy = arena_strndup(arena, line, size);
    return copy ? add_argument(arguments, copy, err) : arena_ok(arena, err);
}

static bool add_argument_file(struct arguments *arguments, const char *path, struct arena *arena,
                              struct error *err)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(FILE_LIMIT_BYTES);

    if (!file_read(path, &text, err))
        return false;
    if (text.size > 0 && memchr(text.data, '\0', text.size))
        return error_set(err, ERROR_INVALID, "%s: found a NUL byte, expected text", path);
    for (const char *line = text.data; line && *line;) {
        size_t size = strcspn(line, "\n");

        if (!add_argument_line(arguments, line, size, arena, err))
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
        if (!(file ? add_argument_file(arguments, argv[i] + 1, arena, err)
                   : add_argument(arguments, argv[i], err)))
            return false;
    }
    return true;
}
