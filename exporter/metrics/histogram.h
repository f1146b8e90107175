/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cumulative histogram, classic and native at once: touched by one job, copied into snapshots.
 *
 * The native part has base 2^(1/8) (schema 3) and is sparse: only buckets that hold something take
 * memory. When there are more than HISTOGRAM_NATIVE_MAX of them, then, as Prometheus' own client
 * does it: everything is reset if the last reset is an hour ago, else the zero bucket is widened,
 * else the resolution is halved. Source of index and limits: Prometheus' specification of native
 * histograms.
 */
#ifndef METRICS_HISTOGRAM_H
#define METRICS_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BOUNDS_MAX    16
#define HISTOGRAM_NATIVE_MAX    160
#define HISTOGRAM_SCHEMA        3
#define HISTOGRAM_SCHEMA_MIN    (-4)
#define HISTOGRAM_ZERO          0x1p-128 /* up to here an observation counts as zero */
#define HISTOGRAM_ZERO_MAX      0x1p-10  /* how far the zero bucket may be widened: a millisecond */
#define HISTOGRAM_RESET_SECONDS 3600.0   /* between two resets at least */
#define HISTOGRAM_EXEMPLAR_ID   17       /* bytes */

/* An observation that can be looked up. */
struct exemplar {
    char run_id[HISTOGRAM_EXEMPLAR_ID];
    uint8_t bucket;          /* of the classic ones */
    double value, timestamp; /* unix seconds */
};

/* The latest of every bucket that has one, the newest last. */
struct exemplars {
    size_t n;
    struct exemplar list[];
};

struct native_bucket {
    int32_t index;  /* upper bound 2^(index / 2^schema), inclusive */
    uint32_t count; /* a run each second for 136 years */
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
    uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1]; /* not cumulative; the last one is +Inf */
    double sum;
    double start;                    /* unix seconds, of all counts; 0: not known */
    struct exemplars *exemplars;     /* NULL: none yet */
    struct native_histogram *native; /* NULL: classic only */
};

/* Classic only, as long as only histogram_observe() is called. */
#define HISTOGRAM_INIT(bounds_array)                                                           \
    {                                                                                          \
        .bounds = (bounds_array), .n_bounds = sizeof(bounds_array) / sizeof((bounds_array)[0]) \
    }

/* With a native part; without memory it is classic only. `now`: unix seconds. */
void histogram_init(struct histogram *histogram, const double *bounds, size_t n_bounds, double now);
void histogram_deinit(struct histogram *histogram);

/* A value that is no number is not counted; a negative one counts as 0. */
void histogram_observe(struct histogram *histogram, double value);

/* The same by somebody who knows the time, so that there can be a reset. With a run_id the
 * observation becomes an exemplar; NULL: it does not. */
void histogram_observe_run(struct histogram *histogram, double value, const char *run_id,
                           double now);

uint64_t histogram_count(const struct histogram *histogram);

/* The bucket of a value > 0; the upper bound of a bucket. */
int32_t histogram_native_index(int schema, double value);
double histogram_native_bound(int schema, int32_t index);

#endif
