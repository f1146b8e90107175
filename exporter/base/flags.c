/* SPDX-License-Identifier: Apache-2.0 */
#include "base/flags.h"

#include "base/text.h"

#include <inttypes.h>
#include <string.h>

#define HELP_COLUMN 34

static const struct flag *find(const struct flag *flags, const char *name, size_t length)
{
    for (; flags->name; flags++)
        if (strlen(flags->name) == length && strncmp(flags->name, name, length) == 0)
            return flags;
    return NULL;
}

static bool store_uint(const struct flag *flag, const char *value, struct error *err)
{
    return text_uint(value, flag->value, err) || error_wrap(err, "flag --%s", flag->name);
}

static bool store_item(const struct flag *flag, const char *value, struct error *err)
{
    struct flag_list *list = flag->value;

    if (list->count == FLAG_VALUES_MAX)
        return error_set(err, ERROR_INVALID, "flag --%s: at most %d times", flag->name,
                         FLAG_VALUES_MAX);
    list->items[list->count++] = value;
    return true;
}

static bool store(const struct flag *flag, const char *value, struct error *err)
{
    switch (flag->type) {
    case FLAG_STRING:
        *(const char **)flag->value = value;
        return true;
    case FLAG_UINT:
        return store_uint(flag, value, err);
    case FLAG_LIST:
        return store_item(flag, value, err);
    default:
        return error_set(err, ERROR_INVALID, "flag --%s takes no value", flag->name);
    }
}

/* The flag of "name" or, for a switch, of "no-name". */
static const struct flag *find_or_negated(const struct flag *flags, const char *name, size_t length,
                                          bool *negated)
{
    const struct flag *flag = find(flags, name, length);

    *negated = false;
    if (flag || length <= 3 || !text_starts_with(name, "no-"))
        return flag;
    flag = find(flags, name + 3, length - 3);
    *negated = flag && flag->type == FLAG_SWITCH;
    return *negated ? flag : NULL;
}

/* argv[*i] begins with "--"; takes the following word, too, if the flag wants a value. A value
 * that looks like a flag must be written behind "=": more often one was forgotten. */
static bool parse_long(const struct flag *flags, int argc, char **argv, int *i, struct error *err)
{
    const char *name = argv[*i] + 2;
    size_t length = strcspn(name, "=");
    bool negated;
    const struct flag *flag = find_or_negated(flags, name, length, &negated);

    if (!flag)
        return error_set(err, ERROR_INVALID, "unknown long flag '--%.*s', try --help", (int)length,
                         name);
    if (name[length] == '=')
        return store(flag, name + length + 1, err);
    if (flag->type == FLAG_SWITCH) {
        *(bool *)flag->value = !negated;
        return true;
    }
    if (*i + 1 >= argc || (argv[*i + 1][0] == '-' && argv[*i + 1][1]))
        return error_set(err, ERROR_INVALID, "expected argument for flag '--%s'", flag->name);
    return store(flag, argv[++*i], err);
}

bool flags_parse(const struct flag *flags, int argc, char **argv, struct error *err)
{
    static char help[] = "--help";

    for (int i = 1; i < argc; i++) {
        bool ok;

        if (strcmp(argv[i], "-h") == 0)
            argv[i] = help;
        if (text_starts_with(argv[i], "--"))
            ok = parse_long(flags, argc, argv, &i, err);
        else if (argv[i][0] == '-')
            ok = error_set(err, ERROR_INVALID, "unknown short flag '%s', try --help", argv[i]);
        else
            ok = error_set(err, ERROR_INVALID, "unexpected %s, try --help", argv[i]);
        if (!ok)
            return false;
    }
    return true;
}

static void append_default(const struct flag *flag, struct buf *out)
{
    const char *text = flag->type == FLAG_STRING ? *(const char **)flag->value : NULL;

    if (flag->type == FLAG_UINT)
        buf_printf(out, "=%" PRIu64, *(uint64_t *)flag->value);
    else if (text && *text)
        buf_printf(out, "=%s", text);
    else if (flag->placeholder)
        buf_printf(out, "=%s", flag->placeholder);
}

static void append_name(const struct flag *flag, struct buf *out)
{
    bool asks = strcmp(flag->name, "help") == 0 || strcmp(flag->name, "version") == 0;

    buf_printf(out, "  %s--%s%s", strcmp(flag->name, "help") == 0 ? "-h, " : "    ",
               flag->type == FLAG_SWITCH && !asks ? "[no-]" : "", flag->name);
    append_default(flag, out);
}

void flags_help(const struct flag *flags, const char *program, const char *summary, struct buf *out)
{
    buf_printf(out, "usage: %s [<flags>]\n\n%s\n\nFlags:\n", program, summary);
    for (; flags->name; flags++) {
        size_t start = out->size;

        append_name(flags, out);
        do
            buf_append_char(out, ' ');
        while (out->size - start < HELP_COLUMN);
        buf_printf(out, "%s\n", flags->help);
    }
}
