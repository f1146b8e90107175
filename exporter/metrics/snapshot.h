/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The samples of one run of one job.
 *
 * While being filled it belongs to one thread. Once posted it never changes
 * again, so any number of scrapes may read it; the last one to let go frees it.
 *
 * Families are indexed, not looked up: the index is the row of the table that
 * the snapshot was made for. Label values are copied and cleaned: one bad byte in
 * one value would fail a whole scrape. What a sample has in common with the one that was added
 * before it, it shares.
 */
#ifndef METRICS_SNAPSHOT_H
#define METRICS_SNAPSHOT_H

#include "base/error.h"
#include "metrics/family.h"
#include "metrics/histogram.h"

#define LABEL_VALUE_LIMIT_BYTES ((size_t)1024) /* longer values are cut */

struct snapshot;

struct snapshot *snapshot_new(const struct metric_family *families, size_t limit_bytes);
struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot *snapshot);
DEFINE_CLEANUP(struct snapshot *, snapshot_unref)

/* snapshot_add(s, PULL_BYTES, 42, "docker.io", "v1"): one value per label of the family.
 * Too much for the limit sticks, as in struct buf. */
#define snapshot_add(snapshot, family, value, ...)     \
    snapshot_add_sample((snapshot), (family), (value), \
                        &((const char *const[]){NULL, ##__VA_ARGS__, NULL})[1])
#define snapshot_add_histogram(snapshot, family, histogram, ...)     \
    snapshot_add_histogram_sample((snapshot), (family), (histogram), \
                                  &((const char *const[]){NULL, ##__VA_ARGS__, NULL})[1])

/* Labels beyond those of the family, for METRIC_INFO: valid names, not among the family's. */
struct extra_labels {
    const char *const *names;
    const char *const *values;
    size_t count;
};
#define snapshot_add_info(snapshot, family, extra, ...)     \
    snapshot_add_info_sample((snapshot), (family), (extra), \
                             &((const char *const[]){NULL, ##__VA_ARGS__, NULL})[1])

/* What the macros call: `label_values` ends with NULL. */
void snapshot_add_sample(struct snapshot *snapshot, size_t family, double value,
                         const char *const *label_values);
void snapshot_add_histogram_sample(struct snapshot *snapshot, size_t family,
                                   const struct histogram *histogram,
                                   const char *const *label_values);
void snapshot_add_info_sample(struct snapshot *snapshot, size_t family,
                              const struct extra_labels *extra, const char *const *label_values);
bool snapshot_ok(const struct snapshot *snapshot, struct error *err) MUST_CHECK;

/* For the encoder. */
struct sample {
    struct sample *next;
    const char *const *label_values;
    const struct extra_labels *extra; /* NULL: none */
    double value;
    const struct histogram *histogram; /* NULL: it is the value */
};
const struct metric_family *snapshot_families(const struct snapshot *snapshot);
const struct sample *snapshot_samples(const struct snapshot *snapshot, size_t family);

#endif
