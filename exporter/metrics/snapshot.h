/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The samples of one run of one job. Reference-counted.
 *
 * One thread fills it. Once posted it must not change, so any number of scrapes
 * may read it at once.
 *
 * A family is its row in the table of snapshot_new(). Label values are copied and
 * cleaned, because an invalid byte in one value would fail the whole scrape. A
 * sample shares equal values with the sample before it.
 */
#pragma once

#include "base/error.h"
#include "metrics/family.h"
#include "metrics/histogram.h"

#define LABEL_VALUE_LIMIT_BYTES ((size_t)1024) /* longer values are truncated */

struct snapshot;

struct snapshot *snapshot_new(const struct metric_family *families, size_t limit_bytes);
struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot *snapshot);
DEFINE_CLEANUP(struct snapshot *, snapshot_unref)

/* snapshot_add(s, PULL_BYTES, 42, "docker.io", "v1"): one value per label of the family. The first
 * failure sticks, as in struct buf; the caller must call snapshot_ok() at the end. */
#define snapshot_add(snapshot, family, value, ...)     \
    snapshot_add_sample((snapshot), (family), (value), \
                        &((const char *const[]){NULL, ##__VA_ARGS__, NULL})[1])
#define snapshot_add_histogram(snapshot, family, histogram, ...)     \
    snapshot_add_histogram_sample((snapshot), (family), (histogram), \
                                  &((const char *const[]){NULL, ##__VA_ARGS__, NULL})[1])

/* More labels for METRIC_INFO. Names must be valid and differ from those of the family. */
struct extra_labels {
    const char *const *names;
    const char *const *values;
    size_t count;
};
#define snapshot_add_info(snapshot, family, extra, ...)     \
    snapshot_add_info_sample((snapshot), (family), (extra), \
                             &((const char *const[]){NULL, ##__VA_ARGS__, NULL})[1])

/* The macros call these. `label_values` must end with NULL. */
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
    const struct histogram *histogram; /* NULL: use `value` */
};
const struct metric_family *snapshot_families(const struct snapshot *snapshot);
const struct sample *snapshot_samples(const struct snapshot *snapshot, size_t family);
