/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io.prometheus.client.MetricFamily messages, each preceded by its length.
 *
 * The length of a message precedes it but is known only at its end. open_message() reserves one
 * byte for it, and close_message() moves the message if the length needs more. Fields are in any
 * order.
 */
#include "metrics/encode_private.h"

#include "base/varint.h"
#include "metrics/native_spans.h"

#include <math.h>
#include <string.h>

#define FIELD_BYTES          (2 * VARINT_BYTES_MAX) /* a number or length with its tag */
#define EXEMPLAR_BYTES       128
#define NATIVE_EXEMPLARS_MAX ((size_t)10)

enum wire {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_BYTES = 2,
};

enum {
    FAMILY_NAME = 1,
    FAMILY_HELP = 2,
    FAMILY_TYPE = 3,
    FAMILY_METRIC = 4,
    FAMILY_UNIT = 5,

    METRIC_LABEL = 1,

    LABEL_NAME = 1,
    LABEL_VALUE = 2,

    VALUE = 1, /* of Gauge and Counter */

    HISTOGRAM_COUNT = 1,
    HISTOGRAM_SUM = 2,
    HISTOGRAM_BUCKET = 3,
    HISTOGRAM_SCHEMA_ = 5,
    HISTOGRAM_ZERO_THRESHOLD = 6,
    HISTOGRAM_ZERO_COUNT = 7,
    HISTOGRAM_POSITIVE_SPAN = 12,
    HISTOGRAM_POSITIVE_DELTA = 13,
    HISTOGRAM_START = 15,
    HISTOGRAM_EXEMPLARS = 16,

    BUCKET_COUNT = 1,
    BUCKET_BOUND = 2,
    BUCKET_EXEMPLAR = 3,

    SPAN_OFFSET = 1,
    SPAN_LENGTH = 2,

    EXEMPLAR_LABEL = 1,
    EXEMPLAR_VALUE = 2,
    EXEMPLAR_TIMESTAMP = 3,

    TIMESTAMP_SECONDS = 1,
    TIMESTAMP_NANOS = 2,
};

/* MetricType, and the field of Metric with the value. */
static const struct {
    unsigned char type, field;
} types[] = {
    [METRIC_GAUGE] = {1, 2},
    [METRIC_COUNTER] = {0, 3},
    [METRIC_HISTOGRAM] = {4, 7},
    [METRIC_INFO] = {1, 2},
};

static char *put_tag(char *at, unsigned field, enum wire wire)
{
    return varint_write(at, field << 3 | wire);
}

static char *put_uint(char *at, unsigned field, uint64_t value)
{
    return varint_write(put_tag(at, field, WIRE_VARINT), value);
}

/* 0, -1, 1, -2 become 0, 1, 2, 3. */
static uint64_t zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static char *put_double(char *at, unsigned field, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    at = put_tag(at, field, WIRE_FIXED64);
    for (size_t i = 0; i < sizeof(bits); i++)
        *at++ = (char)(bits >> 8 * i);
    return at;
}

static char *put_text(char *at, unsigned field, const char *text)
{
    size_t size = strlen(text);

    at = varint_write(put_tag(at, field, WIRE_BYTES), size);
    return (char *)memcpy(at, text, size) + size;
}

/* Returns the start of the body. */
static char *open_message(char *at, unsigned field)
{
    return put_tag(at, field, WIRE_BYTES) + 1;
}

/* `apart` more bytes of the message are in another buffer. */
static char *close_partial(char *body, char *end, size_t apart)
{
    char length[VARINT_BYTES_MAX];
    size_t size = (size_t)(end - body);
    size_t n = (size_t)(varint_write(length, size + apart) - length);

    if (n > 1)
        memmove(body + n - 1, body, size);
    memcpy(body - 1, length, n);
    return end + n - 1;
}

static char *close_message(char *body, char *end)
{
    return close_partial(body, end, 0);
}

static char *put_label(char *at, unsigned field, const char *name, const char *value)
{
    char *body = open_message(at, field);

    return close_message(body, put_text(put_text(body, LABEL_NAME, name), LABEL_VALUE, value));
}

static char *put_timestamp(char *at, unsigned field, double unix_seconds)
{
    char *body = open_message(at, field);
    double seconds = floor(unix_seconds);

    at = put_uint(body, TIMESTAMP_SECONDS, (uint64_t)seconds);
    at = put_uint(at, TIMESTAMP_NANOS, (uint64_t)((unix_seconds - seconds) * 1e9));
    return close_message(body, at);
}

static char *put_exemplar(char *at, unsigned field, const struct exemplar *exemplar)
{
    char *body = open_message(at, field);

    at = put_label(body, EXEMPLAR_LABEL, "run_id", exemplar->run_id);
    at = put_double(at, EXEMPLAR_VALUE, exemplar->value);
    at = put_timestamp(at, EXEMPLAR_TIMESTAMP, exemplar->timestamp);
    return close_message(body, at);
}

static char *put_bucket(char *at, const struct histogram *histogram, size_t i, uint64_t count)
{
    const struct exemplars *exemplars = histogram->exemplars;
    char *body = open_message(at, HISTOGRAM_BUCKET);

    at = put_uint(body, BUCKET_COUNT, count);
    at = put_double(at, BUCKET_BOUND, i < histogram->n_bounds ? histogram->bounds[i] : INFINITY);
    for (size_t e = 0; exemplars && e < exemplars->n; e++)
        if (exemplars->list[e].bucket == i)
            at = put_exemplar(at, BUCKET_EXEMPLAR, &exemplars->list[e]);
    return close_message(body, at);
}

static char *put_spans(char *at, const struct native_spans *list)
{
    int64_t last = 0;
    char *body;

    if (list->n_spans == 0)
        return at;
    for (size_t i = 0; i < list->n_spans; i++) {
        body = open_message(at, HISTOGRAM_POSITIVE_SPAN);
        at = put_uint(body, SPAN_OFFSET, zigzag(list->spans[i].offset));
        at = close_message(body, put_uint(at, SPAN_LENGTH, list->spans[i].length));
    }
    at = body = open_message(at, HISTOGRAM_POSITIVE_DELTA);
    for (size_t i = 0; i < list->n_counts; i++) {
        at = varint_write(at, zigzag(list->counts[i] - last));
        last = list->counts[i];
    }
    return close_message(body, at);
}

/* The zero threshold marks a histogram as native, even without buckets. */
static char *put_native(char *at, const struct histogram *histogram)
{
    const struct native_histogram *native = histogram->native;
    const struct exemplars *exemplars = histogram->exemplars;
    struct native_spans list;

    native_spans_list(native, &list);
    at = put_uint(at, HISTOGRAM_SCHEMA_, zigzag(native->schema));
    at = put_double(at, HISTOGRAM_ZERO_THRESHOLD, native->zero_threshold);
    at = put_uint(at, HISTOGRAM_ZERO_COUNT, native->zero_count);
    at = put_spans(at, &list);
    if (!exemplars)
        return at;
    for (size_t i = exemplars->n > NATIVE_EXEMPLARS_MAX ? exemplars->n - NATIVE_EXEMPLARS_MAX : 0;
         i < exemplars->n; i++)
        at = put_exemplar(at, HISTOGRAM_EXEMPLARS, &exemplars->list[i]);
    return at;
}

static char *put_histogram(char *at, const struct histogram *histogram, bool native)
{
    uint64_t count = 0;

    at = put_uint(at, HISTOGRAM_COUNT, histogram_count(histogram));
    at = put_double(at, HISTOGRAM_SUM, histogram->sum);
    for (size_t i = 0; i <= histogram->n_bounds; i++) {
        count += histogram->counts[i];
        at = put_bucket(at, histogram, i, count);
    }
    if (histogram->start > 0)
        at = put_timestamp(at, HISTOGRAM_START, histogram->start);
    return native ? put_native(at, histogram) : at;
}

static size_t histogram_bytes(const struct histogram *histogram)
{
    size_t n_native = histogram->native ? histogram->native->n : 0;
    size_t n_exemplars = histogram->exemplars ? histogram->exemplars->n : 0;

    return (histogram->n_bounds + 16) * 3 * FIELD_BYTES + 2 * n_exemplars * EXEMPLAR_BYTES +
           n_native * (3 * FIELD_BYTES + (NATIVE_GAP_MAX + 1) * VARINT_BYTES_MAX);
}

static size_t label_bytes(const char *name, const char *value)
{
    return strlen(name) + strlen(value) + 3 * FIELD_BYTES;
}

/* An upper bound of the size. */
static size_t sample_bytes(const struct metric_family *family, const struct sample *sample)
{
    size_t bytes = 4 * FIELD_BYTES;

    for (size_t i = 0; family->labels[i]; i++)
        bytes += label_bytes(family->labels[i], sample->label_values[i]);
    for (size_t i = 0; sample->extra && i < sample->extra->count; i++)
        bytes += label_bytes(sample->extra->names[i], sample->extra->values[i]);
    return bytes + (sample->histogram ? histogram_bytes(sample->histogram) : 0);
}

static void write_sample(struct encoder *encoder, const struct metric_family *family,
                         const struct sample *sample)
{
    char *at = buf_reserve(encoder->out, sample_bytes(family, sample));
    char *metric, *value;

    if (!at)
        return;
    at = metric = open_message(at, FAMILY_METRIC);
    for (size_t i = 0; family->labels[i]; i++)
        at = put_label(at, METRIC_LABEL, family->labels[i], sample->label_values[i]);
    for (size_t i = 0; sample->extra && i < sample->extra->count; i++)
        at = put_label(at, METRIC_LABEL, sample->extra->names[i], sample->extra->values[i]);
    at = value = open_message(at, types[family->type].field);
    at = sample->histogram
             ? put_histogram(at, sample->histogram, encode_has_native(encoder, sample))
             : put_double(at, VALUE, sample->value);
    buf_commit(encoder->out, close_message(metric, close_message(value, at)));
}

/* Type 0 (counter) is the default, but is written, too. */
static void write_family(struct encoder *encoder, const struct metric_family *family)
{
    const char *unit = encode_unit(family);
    char *at =
        buf_reserve(encoder->out, strlen(family->name) + strlen(family->help) + 8 * FIELD_BYTES);

    if (!at)
        return;
    at = put_text(at + 1, FAMILY_NAME, family->name);
    at = put_text(at, FAMILY_HELP, family->help);
    at = put_uint(at, FAMILY_TYPE, types[family->type].type);
    if (unit)
        at = put_text(at, FAMILY_UNIT, unit);
    buf_commit(encoder->out, at);
}

static void end_family(struct encoder *encoder)
{
    struct buf *out = encoder->out;

    if (!buf_reserve(out, VARINT_BYTES_MAX))
        return;
    buf_commit(out, close_partial(out->data + encoder->family_start_ + 1, out->data + out->size,
                                  encoder->apart));
}

const struct encode_writer encode_protobuf = {write_family, write_sample, end_family, ""};
