/* SPDX-License-Identifier: Apache-2.0 */
#include "command/terminal/help.h"

#include "base/text.h"

#include <inttypes.h>
#include <string.h>

#define COLUMNS           ((size_t)80)
#define HELP_COLUMN       ((size_t)30)
#define TEXT_LIMIT_BYTES  ((size_t)2 << 10)
#define VALUE_LIMIT_BYTES ((size_t)128)

static void append_spaces(struct buf *out, size_t n)
{
    while (n-- > 0)
        buf_append_char(out, ' ');
}

/* Wraps one line of the text; `column` is the column of the cursor. */
static void wrap(const char *text, size_t size, size_t column, size_t indent, struct buf *out)
{
    for (size_t at = 0; at < size;) {
        size_t length = strcspn(text + at, " \n");
        bool first = column == indent;

        if (!first && column + 1 + length > COLUMNS) {
            buf_append_char(out, '\n');
            append_spaces(out, indent);
            column = indent;
            first = true;
        }
        if (!first)
            buf_append_char(out, ' ');
        buf_append(out, text + at, length);
        column += length + !first;
        at += length + 1;
    }
}

void help_text(const char *text, size_t indent, struct buf *out)
{
    for (;;) {
        size_t size = strcspn(text, "\n");

        wrap(text, size, indent, indent, out);
        buf_append_char(out, '\n');
        if (!text[size])
            return;
        text += size + 1;
        if (*text != '\n')
            append_spaces(out, indent);
    }
}

/* Appends what follows "=": the default or the placeholder. */
static void append_value(const struct flag *flag, struct buf *out)
{
    const char *text =
        flag->type == FLAG_STRING || flag->type == FLAG_CHOICE ? *(const char **)flag->value : NULL;

    if (flag->type == FLAG_UINT)
        buf_printf(out, "%" PRIu64, *(uint64_t *)flag->value);
    else if (text && *text)
        buf_append_str(out, text);
    else if (flag->placeholder)
        buf_append_str(out, flag->placeholder);
}

static void append_name(const struct flag *flag, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf value = BUF_INIT(VALUE_LIMIT_BYTES);

    if (flag->letter)
        buf_printf(out, "  -%c, ", flag->letter);
    else
        append_spaces(out, 6);
    buf_printf(out, "--%s%s", flag_is_negatable(flag) ? "[no-]" : "", flag->name);
    append_value(flag, &value);
    if (value.size > 0)
        buf_printf(out, "=%s", value.data);
    if (flag->type == FLAG_LIST)
        buf_append_str(out, " ...");
}

/* Appends the help and the choices. */
static void append_help(const struct flag *flag, struct buf *out)
{
    buf_append_str(out, flag->help);
    for (const char *const *choice = flag->choices; choice && *choice; choice++)
        buf_printf(out, "%s%s", choice == flag->choices ? " One of: " : ", ", *choice);
    if (flag->choices)
        buf_append_char(out, '.');
}

static void append_flag(const struct flag *flag, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf help = BUF_INIT(TEXT_LIMIT_BYTES);
    size_t start = out->size;

    append_name(flag, out);
    if (out->size - start + 2 > HELP_COLUMN) {
        buf_append_char(out, '\n');
        start = out->size;
    }
    append_spaces(out, HELP_COLUMN - (out->size - start));
    append_help(flag, &help);
    help_text(help.data ? help.data : "", HELP_COLUMN, out);
}

static void append_words(const struct flag *flag, struct buf *out)
{
    size_t start = out->size;

    buf_printf(out, "  %s", flag->name);
    append_spaces(out, HELP_COLUMN - (out->size - start));
    help_text(flag->help, HELP_COLUMN, out);
}

void help_flags(const struct flag *flags, struct buf *out)
{
    if (flags->name && flags->type != FLAG_HEADING)
        buf_append_str(out, "Flags:\n");
    for (const struct flag *flag = flags; flag->name; flag++) {
        if (flag->type == FLAG_HEADING)
            buf_printf(out, "%s%s:\n", flag == flags ? "" : "\n", flag->name);
        else if (flag->type == FLAG_WORDS)
            append_words(flag, out);
        else
            append_flag(flag, out);
    }
}

/* Begins a line with each sentence, and escapes backslashes and the dot of a line that begins with
 * one. */
static void append_mdoc(const char *text, struct buf *out)
{
    for (size_t column = 0; *text;) {
        size_t length = strcspn(text, " \n");
        bool ends = length > 0 && text[length - 1] == '.' && text[length];

        if (column > 0 && column + 1 + length >= COLUMNS - 2) {
            buf_append_char(out, '\n');
            column = 0;
        }
        if (column > 0)
            buf_append_char(out, ' ');
        else if (*text == '.' || *text == '\'')
            buf_append_str(out, "\\&");
        for (size_t i = 0; i < length; i++)
            if (text[i] == '\\')
                buf_append_str(out, "\\e");
            else
                buf_append_char(out, text[i]);
        column += length + (column > 0);
        text += length + (text[length] != '\0');
        if (ends && *text) {
            buf_append_char(out, '\n');
            column = 0;
        }
    }
    buf_append_char(out, '\n');
}

void help_manual_text(const char *text, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf paragraph = BUF_INIT(TEXT_LIMIT_BYTES);

    for (bool first = true; *text; first = false) {
        size_t size = strcspn(text, "\n");

        buf_clear(&paragraph);
        buf_append(&paragraph, text, size);
        if (!first)
            buf_append_str(out, ".Pp\n");
        append_mdoc(paragraph.data ? paragraph.data : "", out);
        text += size + strspn(text + size, "\n");
    }
}

static void append_item(const struct flag *flag, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf value = BUF_INIT(VALUE_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf help = BUF_INIT(TEXT_LIMIT_BYTES);

    buf_append_str(out, ".It");
    if (!flag_is_flag(flag))
        buf_printf(out, " Ar %s", flag->name);
    else if (flag->letter)
        buf_printf(out, " Fl %c , Fl -%s", flag->letter, flag->name);
    else
        buf_printf(out, " Fl -%s%s", flag_is_negatable(flag) ? "[no-]" : "", flag->name);
    append_value(flag, &value);
    if (value.size > 0)
        buf_printf(out, " Ns = Ns Ar %s", value.data);
    if (flag->type == FLAG_LIST)
        buf_append_str(out, " ...");
    buf_append_char(out, '\n');
    append_help(flag, &help);
    append_mdoc(help.data ? help.data : "", out);
}

void help_manual(const struct flag *flags, struct buf *out)
{
    bool open = false;

    for (; flags->name; flags++) {
        if (flags->type == FLAG_HEADING) {
            buf_printf(out, "%s.Ss %s\n", open ? ".El\n" : "", flags->name);
            open = false;
            continue;
        }
        if (!open)
            buf_append_str(out, ".Bl -tag -width Ds\n");
        open = true;
        append_item(flags, out);
    }
    if (open)
        buf_append_str(out, ".El\n");
}

static void complete_choice(const struct flag *flag, const char *before, const char *word,
                            struct buf *out)
{
    for (const char *const *choice = flag->choices; choice && *choice; choice++)
        if (text_starts_with(*choice, word))
            buf_printf(out, "%s%s\n", before, *choice);
}

/* Completes "--name=wo", which zsh passes as one word. */
static void complete_assigned(const struct flag *flags, const char *word, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf before = BUF_INIT(VALUE_LIMIT_BYTES);
    size_t size = strcspn(word, "=");
    const struct flag *flag = flag_find(flags, word + 2, size - 2);

    buf_append(&before, word, size + 1);
    if (flag && before.size > 0)
        complete_choice(flag, before.data, word + size + 1, out);
}

static void complete_name(const struct flag *flags, const char *before, const char *word,
                          struct buf *out)
{
    for (; flags->name; flags++)
        if (flag_is_flag(flags) && text_starts_with(flags->name, word) &&
            (!*before || flag_is_negatable(flags)))
            buf_printf(out, "--%s%s\n", before, flags->name);
}

void help_complete(const struct flag *flags, const char *previous, const char *word,
                   struct buf *out)
{
    const struct flag *flag = previous && text_starts_with(previous, "--") && previous[2]
                                  ? flag_find(flags, previous + 2, strlen(previous + 2))
                                  : NULL;

    if (flag && !flag_is_switch(flag))
        complete_choice(flag, "", word, out);
    else if (text_starts_with(word, "--") && strchr(word, '='))
        complete_assigned(flags, word, out);
    else if (text_starts_with(word, "--no-"))
        complete_name(flags, "no-", word + strlen("--no-"), out);
    else if (strcmp(word, "-") == 0 || text_starts_with(word, "--"))
        complete_name(flags, "", word[1] ? word + 2 : "", out);
}
