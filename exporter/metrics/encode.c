/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/encode.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define EXACT_INTEGER_MAX 9007199254740992.0 /* 2^53 */

static const char *const type_names[] = {
    [METRIC_GAUGE] = "gauge",
    [METRIC_COUNTER] = "counter",
    [METRIC_HISTOGRAM] = "histogram",
    [METRIC_INFO] = "gauge", /* text 0.0.4 knows no info */
};

static void escaped(struct buf *out, const char *text, bool quotes)
{
    for (const char *c = text; *c; c++) {
        if (*c == '\\')
            buf_append_str(out, "\\\\");
        else if (*c == '\n')
            buf_append_str(out, "\\n");
        else if (*c == '"' && quotes)
            buf_append_str(out, "\\\"");
        else
            buf_append_char(out, *c);
    }
}

static void shortest(char *text, size_t size, double value)
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            return;
    }
}

void encode_number(struct buf *out, double value)
{
    char text[32];

    if (isnan(value)) {
        buf_append_str(out, "NaN");
    } else if (isinf(value)) {
        buf_append_str(out, value > 0 ? "+Inf" : "-Inf");
    } else if (fabs(value) < EXACT_INTEGER_MAX && value == trunc(value)) {
        buf_printf(out, "%" PRId64, (int64_t)value);
    } else {
        shortest(text, sizeof(text), value);
        buf_append_str(out, text);
    }
}

/* A bound is a float in every format ("30.0"), so that the series is the same in each. */
static void bound(char *text, size_t size, double value)
{
    if (fabs(value) < EXACT_INTEGER_MAX && value == trunc(value))
        snprintf(text, size, "%.1f", value);
    else
        shortest(text, size, value);
}

static void label(struct buf *out, const char **separator, const char *name, const char *value)
{
    buf_append_str(out, *separator);
    buf_append_str(out, name);
    buf_append_str(out, "=\"");
    escaped(out, value, true);
    buf_append_char(out, '"');
    *separator = ",";
}

static void series(struct buf *out, const struct metric_family *family, const char *suffix,
                   const struct sample *sample, const char *le)
{
    const char *separator = "{";

    buf_append_str(out, family->name);
    buf_append_str(out, suffix);
    for (size_t i = 0; family->labels[i]; i++)
        label(out, &separator, family->labels[i], sample->label_values[i]);
    for (size_t i = 0; i < sample->extra.count; i++)
        label(out, &separator, sample->extra.names[i], sample->extra.values[i]);
    if (le)
        label(out, &separator, "le", le);
    buf_append_str(out, *separator == ',' ? "} " : " ");
}

static void histogram(struct buf *out, const struct metric_family *family,
                      const struct sample *sample)
{
    const struct histogram *h = sample->histogram;
    uint64_t count = 0;
    char le[32] = "+Inf";

    for (size_t i = 0; i <= h->n_bounds; i++) {
        count += h->counts[i];
        if (i < h->n_bounds)
            bound(le, sizeof(le), h->bounds[i]);
        series(out, family, "_bucket", sample, i < h->n_bounds ? le : "+Inf");
        buf_printf(out, "%" PRIu64 "\n", count);
    }
    series(out, family, "_sum", sample, NULL);
    encode_number(out, h->sum);
    buf_append_char(out, '\n');
    series(out, family, "_count", sample, NULL);
    buf_printf(out, "%" PRIu64 "\n", count);
}

static void text_family(struct buf *out, const struct metric_family *family)
{
    buf_printf(out, "# HELP %s ", family->name);
    escaped(out, family->help, false);
    buf_printf(out, "\n# TYPE %s %s\n", family->name, type_names[family->type]);
}

static void text_sample(struct buf *out, const struct metric_family *family,
                        const struct sample *sample)
{
    if (family->type == METRIC_HISTOGRAM) {
        histogram(out, family, sample);
        return;
    }
    series(out, family, "", sample, NULL);
    encode_number(out, sample->value);
    buf_append_char(out, '\n');
}

static void text_end(struct buf *out)
{
    (void)out; /* text 0.0.4 just stops */
}

static const struct encoder {
    const char *content_type;
    void (*family)(struct buf *out, const struct metric_family *family);
    void (*sample)(struct buf *out, const struct metric_family *family,
                   const struct sample *sample);
    void (*end)(struct buf *out);
} encoders[] = {
    [ENCODE_TEXT] = {"text/plain; version=0.0.4; charset=utf-8", text_family, text_sample,
                     text_end},
};

enum encode_format encode_negotiate(const char *accept_header)
{
    (void)accept_header; /* one format can be chosen from; whoever cannot read it says so */
    return ENCODE_TEXT;
}

const char *encode_content_type(enum encode_format format)
{
    return encoders[format].content_type;
}

void encode_family(struct buf *out, enum encode_format format, const struct metric_family *family)
{
    encoders[format].family(out, family);
}

void encode_samples(struct buf *out, enum encode_format format, const struct metric_family *family,
                    const struct sample *samples)
{
    for (const struct sample *sample = samples; sample; sample = sample->next)
        encoders[format].sample(out, family, sample);
}

void encode_end(struct buf *out, enum encode_format format)
{
    encoders[format].end(out);
}
