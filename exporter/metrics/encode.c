/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/encode.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const type_names[] = {
    [METRIC_GAUGE] = "gauge",
    [METRIC_COUNTER] = "counter",
    [METRIC_HISTOGRAM] = "histogram",
};

enum encode_format encode_negotiate(const char *accept_header)
{
    if (accept_header && strstr(accept_header, "application/openmetrics-text"))
        return ENCODE_OPENMETRICS;
    return ENCODE_TEXT;
}

const char *encode_content_type(enum encode_format format)
{
    if (format == ENCODE_OPENMETRICS)
        return "application/openmetrics-text; version=1.0.0; charset=utf-8";
    return "text/plain; version=0.0.4; charset=utf-8";
}

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

/* The fewest digits that read back as the same double. */
static void shortest(struct buf *out, double value)
{
    char text[32];

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    buf_append_str(out, text);
}

static void number(struct buf *out, double value)
{
    if (isnan(value))
        buf_append_str(out, "NaN");
    else if (isinf(value))
        buf_append_str(out, value > 0 ? "+Inf" : "-Inf");
    else
        shortest(out, value);
}

static void header(struct buf *out, enum encode_format format, const struct metric_family *family)
{
    size_t length = strlen(family->name);

    /* OpenMetrics names the family of `x_total` just `x`. */
    if (format == ENCODE_OPENMETRICS && family->type == METRIC_COUNTER)
        length -= strlen("_total");
    buf_printf(out, "# HELP %.*s ", (int)length, family->name);
    escaped(out, family->help, format == ENCODE_OPENMETRICS);
    buf_printf(out, "\n# TYPE %.*s %s\n", (int)length, family->name, type_names[family->type]);
}

static void series(struct buf *out, const struct metric_family *family, const char *suffix,
                   const struct sample *sample, const char *le)
{
    const char *separator = "{";

    buf_append_str(out, family->name);
    buf_append_str(out, suffix);
    for (size_t i = 0; family->labels[i]; i++) {
        buf_printf(out, "%s%s=\"", separator, family->labels[i]);
        escaped(out, sample->label_values[i], true);
        buf_append_char(out, '"');
        separator = ",";
    }
    if (le) {
        buf_printf(out, "%sle=\"%s\"", separator, le);
        separator = ",";
    }
    buf_append_str(out, *separator == ',' ? "} " : " ");
}

static void histogram(struct buf *out, const struct metric_family *family,
                      const struct sample *sample)
{
    const struct histogram *h = sample->histogram;
    uint64_t count = 0;
    char le[32];

    for (size_t i = 0; i <= h->n_bounds; i++) {
        count += h->counts[i];
        if (i < h->n_bounds)
            snprintf(le, sizeof(le), "%g", h->bounds[i]);
        series(out, family, "_bucket", sample, i < h->n_bounds ? le : "+Inf");
        buf_printf(out, "%" PRIu64 "\n", count);
    }
    series(out, family, "_sum", sample, NULL);
    number(out, h->sum);
    buf_append_char(out, '\n');
    series(out, family, "_count", sample, NULL);
    buf_printf(out, "%" PRIu64 "\n", count);
}

void encode_family(struct buf *out, enum encode_format format, size_t family,
                   struct snapshot *const *snapshots, size_t n_snapshots)
{
    bool headed = false;

    for (size_t i = 0; i < n_snapshots; i++) {
        const struct metric_family *f = &snapshot_families(snapshots[i])[family];
        const struct sample *sample = snapshot_samples(snapshots[i], family);

        for (; sample; sample = sample->next) {
            if (!headed)
                header(out, format, f);
            headed = true;
            if (f->type == METRIC_HISTOGRAM) {
                histogram(out, f, sample);
                continue;
            }
            series(out, f, "", sample, NULL);
            number(out, sample->value);
            buf_append_char(out, '\n');
        }
    }
}

void encode_end(struct buf *out, enum encode_format format)
{
    if (format == ENCODE_OPENMETRICS)
        buf_append_str(out, "# EOF\n");
}
