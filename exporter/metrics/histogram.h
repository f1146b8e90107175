/* SPDX-License-Identifier: Apache-2.0 */
/* A cumulative histogram: a plain value, owned and touched by one job. */
#ifndef METRICS_HISTOGRAM_H
#define METRICS_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BOUNDS_MAX 16

struct histogram {
    const double *bounds; /* ascending upper bounds, +Inf not included */
    size_t n_bounds;
    uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1]; /* not cumulative; the last one is +Inf */
    double sum;
};

#define HISTOGRAM_INIT(bounds_array)                                                           \
    {                                                                                          \
        .bounds = (bounds_array), .n_bounds = sizeof(bounds_array) / sizeof((bounds_array)[0]) \
    }

static inline void histogram_observe(struct histogram *histogram, double value)
{
    size_t i = 0;

    while (i < histogram->n_bounds && value > histogram->bounds[i])
        i++;
    histogram->counts[i]++;
    histogram->sum += value;
}

static inline uint64_t histogram_count(const struct histogram *histogram)
{
    uint64_t count = 0;

    for (size_t i = 0; i <= histogram->n_bounds; i++)
        count += histogram->counts[i];
    return count;
}

#endif
