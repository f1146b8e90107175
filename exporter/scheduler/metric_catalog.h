/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every metric of this build: the tables of the collectors, of the scheduler and of the caller.
 * Used by the page that explains the metrics and by the reference in the documentation.
 */
#pragma once

#include "base/buf.h"
#include "metrics/family.h"

enum family_group {
    FAMILIES_PROBES,
    FAMILIES_REGISTRIES,
    FAMILIES_CONTAINERD,
    FAMILIES_DOCKER,
    FAMILIES_EXPORTER,
    FAMILIES_DEMAND,
    FAMILIES_GROUPS,
};

struct metric_catalog {
    const struct metric_family **families; /* unique names, ordered by group, then by table */
    size_t count;
};

/* `more`: tables of the floors above; ends with NULL. */
bool metric_catalog_init(struct metric_catalog *list, const struct metric_family *const *more,
                         struct error *err) MUST_CHECK;
void metric_catalog_deinit(struct metric_catalog *list);

enum family_group family_group(const struct metric_family *family);
const char *family_group_name(enum family_group group);

const char *family_type_name(const struct metric_family *family);
/* Returns "seconds", "bytes", "unix time in seconds", or "" for counts and booleans. */
const char *family_unit(const struct metric_family *family);
/* Appends the labels as in a query, with P for the labels that every probe has: "{P, phase}". */
void family_labels(const struct metric_family *family, struct buf *out);
/* Appends the example query of the table, or one that fits the type. */
void family_query(const struct metric_family *family, struct buf *out);
