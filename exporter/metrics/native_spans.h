/* SPDX-License-Identifier: Apache-2.0 */
/* The buckets of a native histogram as spans of counts, as the formats list them. */
#pragma once

#include "metrics/histogram.h"

/* Up to this many empty buckets are written as zeros: shorter than a new span. */
#define NATIVE_GAP_MAX 2

struct native_span {
    int32_t offset; /* of the first span its index, of the others the number of skipped buckets */
    uint32_t length;
};

struct native_spans {
    size_t n_spans, n_counts;
    struct native_span spans[HISTOGRAM_NATIVE_MAX];
    uint32_t counts[HISTOGRAM_NATIVE_MAX * (NATIVE_GAP_MAX + 1)];
};

void native_spans_list(const struct native_histogram *native, struct native_spans *out);
