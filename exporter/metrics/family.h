/* SPDX-License-Identifier: Apache-2.0 */
/* What can be measured: families are static data, declared by whoever fills them. */
#ifndef METRICS_FAMILY_H
#define METRICS_FAMILY_H

#define METRIC_LABELS_MAX 8

enum metric_type {
    METRIC_GAUGE,
    METRIC_COUNTER,
    METRIC_HISTOGRAM,
    METRIC_INFO, /* always 1; may carry labels that only the configuration knows */
};

struct metric_family {
    enum metric_type type;
    const char *name; /* ends in the base unit; counters end in _total; NULL ends a table */
    const char *help;
    const char *labels[METRIC_LABELS_MAX + 1];
    const char *query; /* an example for people; NULL: one that fits the type */
};

#endif
