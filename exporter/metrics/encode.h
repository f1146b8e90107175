/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exposition formats, written and nothing else: no locks, no I/O, no policy.
 *
 * A page is, for every family in the order of the names: encode_family() once, encode_samples() for
 * every snapshot that has samples of it, encode_family_end(); then encode_end(). What lies between
 * two families depends on that family only, so it can be kept and used again; a family without a
 * sample leaves nothing behind. A format is a row of the table in encode.c. The same series has the
 * same name and labels in every format.
 */
#ifndef METRICS_ENCODE_H
#define METRICS_ENCODE_H

#include "base/buf.h"
#include "metrics/number.h"
#include "metrics/snapshot.h"

enum encode_format {
    ENCODE_TEXT,          /* text/plain; version=0.0.4 */
    ENCODE_OPENMETRICS,   /* application/openmetrics-text; version=1.0.0 */
    ENCODE_OPENMETRICS_0, /* the same, called 0.0.1 */
    ENCODE_PROTOBUF,      /* io.prometheus.client.MetricFamily, delimited */
    ENCODE_OPENMETRICS_2, /* 2.0.0, experimental */
    ENCODE_FORMATS,
};

struct encode_options {
    bool native_histograms; /* beside the classic buckets, where the format has them */
    bool created_lines;     /* _created in OpenMetrics 1.0, of each histogram */
};

/* The bounds of the last histogram as the text formats have them: the next one's are the same. */
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
    size_t apart; /* bytes of the family's samples that stand in another buffer, after this one */
    size_t family_start_, samples_start_; /* private */
    struct encoded_bounds bounds_;
};

void encode_family(struct encoder *encoder, const struct metric_family *family);
void encode_samples(struct encoder *encoder, const struct metric_family *family,
                    const struct sample *samples);
void encode_family_end(struct encoder *encoder, const struct metric_family *family);
void encode_end(struct encoder *encoder);

/* The fewest digits that read back as the same double; whole numbers without an exponent. */
void encode_number(struct buf *out, double value);

#endif
