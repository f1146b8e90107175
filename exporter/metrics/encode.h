/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the exposition formats. No locks, no I/O.
 *
 * For each family, in the order of their names, the caller must call encode_family(), then
 * encode_samples() for each snapshot, then encode_family_end(); at the end encode_end(). The output
 * of a family depends on that family only, so callers may cache it. A family without samples writes
 * nothing. A series has the same name and labels in each format.
 */
#pragma once

#include "base/buf.h"
#include "metrics/number.h"
#include "metrics/snapshot.h"

enum encode_format {
    ENCODE_TEXT,          /* text/plain; version=0.0.4 */
    ENCODE_OPENMETRICS,   /* application/openmetrics-text; version=1.0.0 */
    ENCODE_OPENMETRICS_0, /* the same with version=0.0.1 */
    ENCODE_PROTOBUF,      /* io.prometheus.client.MetricFamily, delimited */
    ENCODE_OPENMETRICS_2, /* 2.0.0, experimental */
    ENCODE_FORMATS,
};

struct encode_options {
    bool native_histograms; /* beside the classic buckets, if the format has them */
    bool created_lines;     /* _created of each histogram in OpenMetrics 1.0 */
};

/* The bounds of the last histogram as text. The next histogram often has the same. */
struct encoded_bounds {
    const double *bounds;
    size_t n;
    char text[HISTOGRAM_BOUNDS_MAX + 1][NUMBER_BYTES];
    unsigned char size[HISTOGRAM_BOUNDS_MAX + 1];
};

struct encoder {
    struct buf *out;
    enum encode_format format;
    struct encode_options options;
    size_t apart; /* bytes of the family's samples in another buffer, after this one */
    size_t family_start_, samples_start_; /* private */
    struct encoded_bounds bounds_;
};

void encode_family(struct encoder *encoder, const struct metric_family *family);
void encode_samples(struct encoder *encoder, const struct metric_family *family,
                    const struct sample *samples);
void encode_family_end(struct encoder *encoder, const struct metric_family *family);
void encode_end(struct encoder *encoder);

/* Appends number_write(). */
void encode_number(struct buf *out, double value);
