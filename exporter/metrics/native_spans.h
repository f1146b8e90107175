/* SPDX-License-Identifier: Apache-2.0 */
/* The buckets of a native histogram as the formats list them: runs of counts and the gaps between.
 */
#ifndef METRICS_NATIVE_SPANS_H
#define METRICS_NATIVE_SPANS_H

#include "metrics/histogram.h"

/* A gap of up to this many empty buckets is written out: that is shorter than a new span. */
#define NATIVE_GAP_MAX 2

struct native_span {
    int32_t offset; /* of the first: its index; of the others: how many buckets are left out */
    uint32_t length;
};

struct native_spans {
    size_t n_spans, n_counts;
    struct native_span spans[HISTOGRAM_NATIVE_MAX];
    uint32_t counts[HISTOGRAM_NATIVE_MAX * (NATIVE_GAP_MAX + 1)];
};

void native_spans_list(const struct native_histogram *native, struct native_spans *out);

#endif
