/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenMetrics 1.0: the lines of text 0.0.4 with exemplars, and other metadata. Prometheus parses it
 * strictly: it rejects the page for one wrong blank or unit.
 */
#include "metrics/encode_private.h"
#include "metrics/native_spans.h"
#include "metrics/text_lines.h"

#include <string.h>

static const struct {
    const char *name, *suffix; /* of the samples; the name of the family omits it */
} types[] = {
    [METRIC_GAUGE] = {"gauge", ""},
    [METRIC_COUNTER] = {"counter", "_total"},
    [METRIC_HISTOGRAM] = {"histogram", ""},
    [METRIC_INFO] = {"info", "_info"},
};

static void append_keyword(struct buf *out, const char *keyword, const char *name, size_t name_size)
{
    buf_append_str(out, keyword);
    buf_append(out, name, name_size);
    buf_append_char(out, ' ');
}

static void write_head(struct buf *out, const struct metric_family *family, size_t name_size)
{
    const char *unit = encode_unit(family);
    char *at;

    append_keyword(out, "# TYPE ", family->name, name_size);
    buf_append_str(out, types[family->type].name);
    if (unit) {
        append_keyword(out, "\n# UNIT ", family->name, name_size);
        buf_append_str(out, unit);
    }
    append_keyword(out, "\n# HELP ", family->name, name_size);
    at = buf_reserve(out, text_escape_bytes(family->help));
    if (at)
        buf_commit(out, text_escape(at, family->help, true));
    buf_append_char(out, '\n');
}

static void write_family(struct encoder *encoder, const struct metric_family *family)
{
    size_t size = strlen(family->name), suffix = strlen(types[family->type].suffix);

    if (size > suffix && strcmp(family->name + size - suffix, types[family->type].suffix) == 0)
        size -= suffix;
    write_head(encoder->out, family, size);
}

static void write_created(struct buf *out, const struct metric_family *family,
                          const struct sample *sample)
{
    if (!text_series(out, family, "_created", sample, false))
        return;
    buf_append_char(out, ' ');
    encode_number(out, sample->histogram->start);
    buf_append_char(out, '\n');
}

static void write_sample(struct encoder *encoder, const struct metric_family *family,
                         const struct sample *sample)
{
    text_lines(encoder, family, sample, true);
    if (encoder->options.created_lines && sample->histogram && sample->histogram->start > 0)
        write_created(encoder->out, family, sample);
}

const struct encode_writer encode_openmetrics = {write_family, write_sample, NULL, "# EOF\n"};

/*
 * OpenMetrics 2.0, first release candidate: families have the names of their samples, a histogram
 * is one line. No server requests it yet, so this code is short, not fast.
 */
static void write_family_2(struct encoder *encoder, const struct metric_family *family)
{
    write_head(encoder->out, family, strlen(family->name));
}

static void append_uint(struct buf *out, uint64_t value)
{
    char text[NUMBER_BYTES];

    buf_append(out, text, (size_t)(number_write_uint(text, value) - text));
}

static void append_native(struct buf *out, const struct native_histogram *native)
{
    struct native_spans list;

    native_spans_list(native, &list);
    buf_printf(out, ",schema:%d,zero_threshold:", native->schema);
    encode_number(out, native->zero_threshold);
    buf_append_str(out, ",zero_count:");
    append_uint(out, native->zero_count);
    if (list.n_spans == 0)
        return;
    for (size_t i = 0; i < list.n_spans; i++)
        buf_printf(out, "%s%d:%u", i == 0 ? ",positive_spans:[" : ",", list.spans[i].offset,
                   list.spans[i].length);
    for (size_t i = 0; i < list.n_counts; i++) {
        buf_append_str(out, i == 0 ? "],positive_buckets:[" : ",");
        append_uint(out, list.counts[i]);
    }
    buf_append_char(out, ']');
}

static void append_classic(struct buf *out, const struct encoded_bounds *bounds,
                           const struct histogram *histogram)
{
    uint64_t count = 0;

    for (size_t i = 0; i < bounds->n; i++) {
        count += histogram->counts[i];
        buf_append_str(out, i == 0 ? ",bucket:[" : ",");
        buf_append(out, bounds->text[i], bounds->size[i]);
        buf_append_char(out, ':');
        append_uint(out, count);
    }
    buf_append_char(out, ']');
}

static void append_exemplars(struct buf *out, const struct histogram *histogram)
{
    for (size_t i = 0; histogram->exemplars && i < histogram->exemplars->n; i++) {
        char *at = buf_reserve(out, TEXT_EXEMPLAR_BYTES);

        if (at)
            buf_commit(out, text_exemplar(at, &histogram->exemplars->list[i]));
    }
}

static void append_composite(struct encoder *encoder, const struct sample *sample)
{
    const struct histogram *histogram = sample->histogram;
    struct buf *out = encoder->out;

    buf_append_str(out, "{count:");
    append_uint(out, histogram_count(histogram));
    buf_append_str(out, ",sum:");
    encode_number(out, histogram->sum);
    if (encode_has_native(encoder, sample))
        append_native(out, histogram->native);
    append_classic(out, text_bounds(encoder, histogram), histogram);
    buf_append_char(out, '}');
    if (histogram->start > 0) {
        buf_append_str(out, " st@");
        encode_number(out, histogram->start);
    }
    append_exemplars(out, histogram);
}

static void write_sample_2(struct encoder *encoder, const struct metric_family *family,
                           const struct sample *sample)
{
    struct buf *out = encoder->out;

    if (!text_series(out, family, "", sample, false))
        return;
    buf_append_char(out, ' ');
    if (sample->histogram)
        append_composite(encoder, sample);
    else
        encode_number(out, sample->value);
    buf_append_char(out, '\n');
}

const struct encode_writer encode_openmetrics_2 = {write_family_2, write_sample_2, NULL, "# EOF\n"};
