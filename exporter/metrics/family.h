/* SPDX-License-Identifier: Apache-2.0 */
/* Metric families: static tables of the collectors. */
#pragma once

#define METRIC_LABELS_MAX 8

enum metric_type {
    METRIC_GAUGE,
    METRIC_COUNTER,
    METRIC_HISTOGRAM,
    METRIC_INFO, /* always 1; may have labels from the configuration */
};

struct metric_family {
    enum metric_type type;
    const char *name; /* ends in the base unit; counters end in _total; NULL ends a table */
    const char *help;
    const char *labels[METRIC_LABELS_MAX + 1];
    const char *query; /* an example for users; NULL: the default of the type */
};
