/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/histogram.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PER_OCTAVE   (1 << HISTOGRAM_SCHEMA)
#define BUCKETS_STEP 8 /* growth of the native part */

/* 0.5 * 2^(i/8): the lower bounds of schema 3 in the range of frexp(), 0.5 to 1. */
static const double octave[PER_OCTAVE] = {
    0x1p-1,
    0x1.172b83c7d517bp-1,
    0x1.306fe0a31b715p-1,
    0x1.4bfdad5362a27p-1,
    0x1.6a09e667f3bcdp-1,
    0x1.8ace5422aa0dbp-1,
    0x1.ae89f995ad3adp-1,
    0x1.d5818dcfba487p-1,
};

/* The bucket of half the resolution that contains this one: rounds up. */
static int32_t halved(int32_t index)
{
    return index > 0 ? (index + 1) / 2 : index / 2;
}

int32_t histogram_native_index(int schema, double value)
{
    int exponent, i = 0;
    double fraction = frexp(value, &exponent);
    int32_t index;

    while (i < PER_OCTAVE && octave[i] < fraction)
        i++;
    index = i + (exponent - 1) * PER_OCTAVE;
    for (; schema < HISTOGRAM_SCHEMA; schema++)
        index = halved(index);
    return index;
}

double histogram_native_bound(int schema, int32_t index)
{
    int64_t fine = (int64_t)index * (1 << (HISTOGRAM_SCHEMA - schema));
    int64_t rest = ((fine % PER_OCTAVE) + PER_OCTAVE) % PER_OCTAVE;

    return ldexp(octave[rest], (int)((fine - rest) / PER_OCTAVE) + 1);
}

static size_t native_bytes(size_t capacity)
{
    return sizeof(struct native_histogram) + capacity * sizeof(struct native_bucket);
}

static void native_clear(struct native_histogram *native)
{
    native->schema = HISTOGRAM_SCHEMA;
    native->zero_threshold = HISTOGRAM_ZERO;
    native->zero_count = 0;
    native->n = 0;
}

void histogram_init(struct histogram *histogram, const double *bounds, size_t n_bounds, double now)
{
    assert(n_bounds <= HISTOGRAM_BOUNDS_MAX);
    *histogram = (struct histogram){.bounds = bounds, .n_bounds = n_bounds, .start = now};
    histogram->native = calloc(1, native_bytes(0));
    if (histogram->native)
        native_clear(histogram->native);
}

void histogram_deinit(struct histogram *histogram)
{
    free(histogram->native);
    free(histogram->exemplars);
    histogram->native = NULL;
    histogram->exemplars = NULL;
}

static void reset(struct histogram *histogram, double now)
{
    memset(histogram->counts, 0, sizeof(histogram->counts));
    histogram->sum = 0;
    histogram->start = now;
    if (histogram->exemplars)
        histogram->exemplars->n = 0;
    native_clear(histogram->native);
}

/* Finds or inserts the bucket; NULL without memory. */
static struct native_bucket *find_bucket(struct histogram *histogram, int32_t index)
{
    struct native_histogram *native = histogram->native;
    size_t i = native->n;

    while (i > 0 && native->buckets[i - 1].index >= index)
        i--;
    if (i < native->n && native->buckets[i].index == index)
        return &native->buckets[i];
    if (native->n == native->capacity_) {
        native = realloc(native, native_bytes(native->capacity_ + BUCKETS_STEP));
        if (!native)
            return NULL;
        native->capacity_ += BUCKETS_STEP;
        histogram->native = native;
    }
    memmove(&native->buckets[i + 1], &native->buckets[i],
            (native->n - i) * sizeof(native->buckets[0]));
    native->buckets[i] = (struct native_bucket){.index = index};
    native->n++;
    return &native->buckets[i];
}

/* Merges the lowest bucket into the zero bucket. False if its bound is too large. */
static bool widen_zero(struct native_histogram *native)
{
    double bound = histogram_native_bound(native->schema, native->buckets[0].index);

    if (bound > HISTOGRAM_ZERO_MAX)
        return false;
    native->zero_threshold = bound;
    native->zero_count += native->buckets[0].count;
    native->n--;
    memmove(&native->buckets[0], &native->buckets[1], native->n * sizeof(native->buckets[0]));
    return true;
}

static void halve(struct native_histogram *native)
{
    size_t kept = 0;

    for (size_t i = 0; i < native->n; i++) {
        struct native_bucket bucket = native->buckets[i];

        bucket.index = halved(bucket.index);
        if (kept > 0 && native->buckets[kept - 1].index == bucket.index)
            native->buckets[kept - 1].count += bucket.count;
        else
            native->buckets[kept++] = bucket;
    }
    native->n = (uint16_t)kept;
    native->schema--;
}

static void limit(struct native_histogram *native)
{
    while (native->n > HISTOGRAM_NATIVE_MAX && widen_zero(native))
        ;
    while (native->n > HISTOGRAM_NATIVE_MAX && native->schema > HISTOGRAM_SCHEMA_MIN)
        halve(native);
}

/* Without memory the native part is dropped: its counts would not match the classic ones. */
static void observe_native(struct histogram *histogram, double value)
{
    struct native_histogram *native = histogram->native;
    struct native_bucket *bucket;

    if (value <= native->zero_threshold) {
        native->zero_count++;
        return;
    }
    bucket = find_bucket(histogram, histogram_native_index(native->schema, value));
    if (!bucket) {
        free(histogram->native);
        histogram->native = NULL;
        return;
    }
    bucket->count++;
}

static size_t classic_bucket(const struct histogram *histogram, double value)
{
    size_t i = 0;

    while (i < histogram->n_bounds && value > histogram->bounds[i])
        i++;
    return i;
}

static void observe(struct histogram *histogram, double value)
{
    histogram->counts[classic_bucket(histogram, value)]++;
    histogram->sum += value;
    if (histogram->native)
        observe_native(histogram, value);
}

/* Replaces the exemplar of the bucket. Without memory it is not stored. */
static void keep_exemplar(struct histogram *histogram, const struct exemplar *fresh)
{
    struct exemplars *kept = histogram->exemplars;
    size_t i = 0, n = kept ? kept->n : 0;

    while (i < n && kept->list[i].bucket != fresh->bucket)
        i++;
    if (i == n) {
        kept = realloc(kept, sizeof(*kept) + (n + 1) * sizeof(kept->list[0]));
        if (!kept)
            return;
        histogram->exemplars = kept;
        kept->n = n + 1;
    }
    memmove(&kept->list[i], &kept->list[i + 1], (kept->n - 1 - i) * sizeof(kept->list[0]));
    kept->list[kept->n - 1] = *fresh;
}

static bool exceeds_limit(const struct histogram *histogram)
{
    return histogram->native && histogram->native->n > HISTOGRAM_NATIVE_MAX;
}

void histogram_observe_run(struct histogram *histogram, double value, const char *run_id,
                           double now)
{
    struct exemplar fresh = {.timestamp = now};

    if (!isfinite(value))
        return;
    value = value > 0 ? value : 0;
    observe(histogram, value);
    if (exceeds_limit(histogram) && now - histogram->start >= HISTOGRAM_RESET_SECONDS) {
        reset(histogram, now);
        observe(histogram, value);
    }
    if (exceeds_limit(histogram))
        limit(histogram->native);
    if (!run_id || !*run_id)
        return;
    fresh.value = value;
    fresh.bucket = (uint8_t)classic_bucket(histogram, value);
    snprintf(fresh.run_id, sizeof(fresh.run_id), "%s", run_id);
    keep_exemplar(histogram, &fresh);
}

/* Passes the start as the time, so this never resets. */
void histogram_observe(struct histogram *histogram, double value)
{
    histogram_observe_run(histogram, value, NULL, histogram->start);
}

uint64_t histogram_count(const struct histogram *histogram)
{
    uint64_t count = 0;

    for (size_t i = 0; i <= histogram->n_bounds; i++)
        count += histogram->counts[i];
    return count;
}
