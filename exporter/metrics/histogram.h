/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A histogram with classic and native buckets. One job updates it and copies it into snapshots.
 *
 * The native part has base 2^(1/8) (schema 3) and stores only buckets that are not empty. Beyond
 * HISTOGRAM_NATIVE_MAX buckets it does the same as client_golang: reset if the last reset is an
 * hour ago, else widen the zero bucket, else halve the resolution. Index and limits follow the
 * specification of Prometheus' native histograms.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BOUNDS_MAX    16
#define HISTOGRAM_NATIVE_MAX    160
#define HISTOGRAM_SCHEMA        3
#define HISTOGRAM_SCHEMA_MIN    (-4)
#define HISTOGRAM_ZERO          0x1p-128 /* values up to here count as zero */
#define HISTOGRAM_ZERO_MAX      0x1p-10  /* the zero bucket is not widened beyond: a millisecond */
#define HISTOGRAM_RESET_SECONDS 3600.0   /* minimum between two resets */
#define HISTOGRAM_EXEMPLAR_ID   17       /* bytes */

/* An observation with the id of its run. */
struct exemplar {
    char run_id[HISTOGRAM_EXEMPLAR_ID];
    uint8_t bucket;          /* of the classic ones */
    double value, timestamp; /* unix seconds */
};

/* The latest exemplar of each bucket, the newest last. */
struct exemplars {
    size_t n;
    struct exemplar list[];
};

struct native_bucket {
    int32_t index;  /* upper bound 2^(index / 2^schema), inclusive */
    uint32_t count; /* overflows after 136 years of one run per second */
};

struct native_histogram {
    double zero_threshold;
    uint64_t zero_count;
    int8_t schema;
    uint16_t n, capacity_;
    struct native_bucket buckets[]; /* ascending */
};

struct histogram {
    const double *bounds; /* ascending upper bounds, +Inf not included */
    size_t n_bounds;
    uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1]; /* not cumulative; the last is +Inf */
    double sum;
    double start;                    /* unix seconds; 0: unknown */
    struct exemplars *exemplars;     /* NULL: none yet */
    struct native_histogram *native; /* NULL: classic only */
};

/* Without a native part. */
#define HISTOGRAM_INIT(bounds_array)                                                           \
    {                                                                                          \
        .bounds = (bounds_array), .n_bounds = sizeof(bounds_array) / sizeof((bounds_array)[0]) \
    }

/* With a native part, unless memory is short. `now` is in unix seconds. */
void histogram_init(struct histogram *histogram, const double *bounds, size_t n_bounds, double now);
void histogram_deinit(struct histogram *histogram);

/* Ignores NaN and infinities. A negative value counts as 0. */
void histogram_observe(struct histogram *histogram, double value);

/* Like histogram_observe(), but may reset the histogram, and stores an exemplar unless `run_id` is
 * NULL or empty. */
void histogram_observe_run(struct histogram *histogram, double value, const char *run_id,
                           double now);

uint64_t histogram_count(const struct histogram *histogram);

/* The bucket of a value > 0, and the upper bound of a bucket. */
int32_t histogram_native_index(int schema, double value);
double histogram_native_bound(int schema, int32_t index);
