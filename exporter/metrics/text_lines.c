/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats nothing twice: a series is written once and copied for each line of its histogram, bounds
 * are cached from one sample to the next, and memory is reserved once.
 */
#include "metrics/text_lines.h"

#include <math.h>
#include <string.h>

#define LABEL_BYTES     4                       /* ,="" */
#define LINE_REST_BYTES (2 * NUMBER_BYTES + 16) /* bound and count; the longer suffix */

static char *put(char *out, const char *text, size_t size)
{
    return (char *)memcpy(out, text, size) + size;
}

size_t text_escape_bytes(const char *text)
{
    return 2 * strlen(text);
}

char *text_escape(char *out, const char *text, bool quotes)
{
    size_t n_plain = strcspn(text, "\\\n\""); /* usually the whole text */

    out = put(out, text, n_plain);
    for (text += n_plain; *text; text++) {
        if (*text == '\\' || *text == '\n' || (*text == '"' && quotes))
            *out++ = '\\';
        *out++ = *text == '\n' ? 'n' : *text;
    }
    return out;
}

char *text_exemplar(char *out, const struct exemplar *exemplar)
{
    out = stpcpy(out, " # {run_id=\"");
    out = text_escape(out, exemplar->run_id, true);
    out = stpcpy(out, "\"} ");
    out = number_write(out, exemplar->value);
    *out++ = ' ';
    return number_write(out, exemplar->timestamp);
}

static size_t labels_bytes(const struct metric_family *family, const struct sample *sample)
{
    size_t bytes = 0;

    for (size_t i = 0; family->labels[i]; i++)
        bytes +=
            strlen(family->labels[i]) + text_escape_bytes(sample->label_values[i]) + LABEL_BYTES;
    for (size_t i = 0; sample->extra && i < sample->extra->count; i++)
        bytes += strlen(sample->extra->names[i]) + text_escape_bytes(sample->extra->values[i]) +
                 LABEL_BYTES;
    return bytes;
}

static char *write_label(char *out, const char *name, const char *value)
{
    out = stpcpy(out, name);
    *out++ = '=';
    *out++ = '"';
    out = text_escape(out, value, true);
    *out++ = '"';
    *out++ = ',';
    return out;
}

/* Writes a comma after each. */
static char *write_labels(char *out, const struct metric_family *family,
                          const struct sample *sample)
{
    for (size_t i = 0; family->labels[i]; i++)
        out = write_label(out, family->labels[i], sample->label_values[i]);
    for (size_t i = 0; sample->extra && i < sample->extra->count; i++)
        out = write_label(out, sample->extra->names[i], sample->extra->values[i]);
    return out;
}

bool text_series(struct buf *out, const struct metric_family *family, const char *suffix,
                 const struct sample *sample, bool open)
{
    char *at = buf_reserve(out, strlen(family->name) + strlen(suffix) +
                                    labels_bytes(family, sample) + LINE_REST_BYTES);
    char *brace;

    if (!at)
        return false;
    brace = stpcpy(stpcpy(at, family->name), suffix);
    *brace = '{';
    at = write_labels(brace + 1, family, sample);
    if (!open && at == brace + 1)
        at = brace;
    else if (!open)
        at[-1] = '}';
    buf_commit(out, at);
    return true;
}

const struct encoded_bounds *text_bounds(struct encoder *encoder, const struct histogram *histogram)
{
    struct encoded_bounds *known = &encoder->bounds_;

    if (known->bounds == histogram->bounds && known->n == histogram->n_bounds + 1)
        return known;
    known->bounds = histogram->bounds;
    known->n = histogram->n_bounds + 1;
    for (size_t i = 0; i < known->n; i++) {
        double bound = i < histogram->n_bounds ? histogram->bounds[i] : INFINITY;

        known->size[i] =
            (unsigned char)(number_write_bound(known->text[i], bound) - known->text[i]);
    }
    return known;
}

static const struct exemplar *find_exemplar(const struct histogram *histogram, size_t bucket)
{
    for (size_t i = 0; histogram->exemplars && i < histogram->exemplars->n; i++)
        if (histogram->exemplars->list[i].bucket == bucket)
            return &histogram->exemplars->list[i];
    return NULL;
}

/* `series` has `size` bytes, up to the label le. The first line has it already. */
static char *write_buckets(char *out, const char *series, size_t size,
                           const struct encoded_bounds *bounds, const struct histogram *histogram,
                           bool exemplars)
{
    uint64_t count = 0;

    for (size_t i = 0; i < bounds->n; i++) {
        const struct exemplar *exemplar = exemplars ? find_exemplar(histogram, i) : NULL;

        count += histogram->counts[i];
        if (i > 0)
            out = put(out, series, size);
        out = put(out, "le=\"", 4);
        out = put(out, bounds->text[i], bounds->size[i]);
        out = put(out, "\"} ", 3);
        out = number_write_uint(out, count);
        if (exemplar)
            out = text_exemplar(out, exemplar);
        *out++ = '\n';
    }
    return out;
}

/* Writes "name_sum{...} ": `series` with another suffix and without le. */
static char *write_sibling(char *out, const char *series, size_t size, size_t name_size,
                           const char *suffix)
{
    size_t from = name_size + strlen("_bucket");

    out = stpcpy(put(out, series, name_size), suffix);
    if (size - from > 1) { /* there is a label */
        out = put(out, series + from, size - from - 1);
        *out++ = '}';
    }
    *out++ = ' ';
    return out;
}

static void histogram_lines(struct encoder *encoder, const struct metric_family *family,
                            const struct sample *sample, bool exemplars)
{
    const struct histogram *histogram = sample->histogram;
    const struct encoded_bounds *bounds = text_bounds(encoder, histogram);
    struct buf *out = encoder->out;
    size_t start = out->size, name_size = strlen(family->name), size;
    const char *series;
    char *at;

    if (!text_series(out, family, "_bucket", sample, true))
        return;
    size = out->size - start;
    at = buf_reserve(out, (bounds->n + 2) *
                              (size + LINE_REST_BYTES + (exemplars ? TEXT_EXEMPLAR_BYTES : 0)));
    if (!at)
        return;
    series = out->data + start;
    at = write_buckets(at, series, size, bounds, histogram, exemplars);
    at = number_write(write_sibling(at, series, size, name_size, "_sum"), histogram->sum);
    *at++ = '\n';
    at = number_write_uint(write_sibling(at, series, size, name_size, "_count"),
                           histogram_count(histogram));
    *at++ = '\n';
    buf_commit(out, at);
}

static void value_line(struct buf *out, const struct metric_family *family,
                       const struct sample *sample)
{
    char *at;

    if (!text_series(out, family, "", sample, false))
        return;
    at = buf_reserve(out, LINE_REST_BYTES);
    if (!at)
        return;
    *at++ = ' ';
    at = number_write(at, sample->value);
    *at++ = '\n';
    buf_commit(out, at);
}

void text_lines(struct encoder *encoder, const struct metric_family *family,
                const struct sample *sample, bool exemplars)
{
    if (sample->histogram)
        histogram_lines(encoder, family, sample, exemplars && sample->histogram->exemplars);
    else
        value_line(encoder->out, family, sample);
}
