/* SPDX-License-Identifier: Apache-2.0 */
#include "support/snapshot_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_BYTES ((size_t)1 << 20)

static void append_label(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "%s%s=\"%s\"", out->data[out->size - 1] == '{' ? "" : ",", name, value);
}

static void append_sample(const struct metric_family *family, const struct sample *sample,
                          struct buf *out)
{
    buf_printf(out, "%s", family->name);
    if (family->labels[0])
        buf_append_char(out, '{');
    for (size_t i = 0; family->labels[i]; i++)
        append_label(out, family->labels[i], sample->label_values[i]);
    for (size_t i = 0; sample->extra && i < sample->extra->count; i++)
        append_label(out, sample->extra->names[i], sample->extra->values[i]);
    if (family->labels[0])
        buf_append_char(out, '}');
    buf_printf(out, " %.10g\n",
               sample->histogram ? (double)histogram_count(sample->histogram) : sample->value);
}

void snapshot_text(const struct snapshot *snapshot, struct buf *out)
{
    const struct metric_family *families = snapshot_families(snapshot);

    for (size_t i = 0; families[i].name; i++)
        for (const struct sample *at = snapshot_samples(snapshot, i); at; at = at->next)
            append_sample(&families[i], at, out);
}

static bool has_line(const struct snapshot *snapshot, const char *start, bool whole,
                     struct buf *text)
{
    size_t size = strlen(start);

    snapshot_text(snapshot, text);
    for (const char *line = text->data; line && *line; line += strcspn(line, "\n") + 1)
        if (strncmp(line, start, size) == 0 && (!whole || line[size] == '\n'))
            return true;
    return false;
}

void assert_sample(const struct snapshot *snapshot, const char *line)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(TEXT_BYTES);

    if (!has_line(snapshot, line, true, &text))
        fail_msg("no line \"%s\" in:\n%s", line, text.data ? text.data : "");
}

void assert_no_sample(const struct snapshot *snapshot, const char *start)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(TEXT_BYTES);

    if (has_line(snapshot, start, false, &text))
        fail_msg("found \"%s\" in:\n%s", start, text.data);
}

void assert_samples(const struct snapshot *snapshot, const char *want)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(TEXT_BYTES);

    snapshot_text(snapshot, &text);
    assert_string_equal(text.data ? text.data : "", want);
}
