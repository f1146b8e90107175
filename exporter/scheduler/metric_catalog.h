/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every metric of this build: the tables of the collectors and of the engine itself, and those that
 * floors above name. For people: the page that explains them, and the reference of the handbook.
 */
#ifndef SCHEDULER_METRIC_CATALOG_H
#define SCHEDULER_METRIC_CATALOG_H

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
    const struct metric_family **families; /* each name once; by group, then in the order of the
                                            * tables */
    size_t count;
};

/* `more`: tables that the engine cannot know; ends with NULL. */
bool metric_catalog_init(struct metric_catalog *list, const struct metric_family *const *more,
                         struct error *err) MUST_CHECK;
void metric_catalog_deinit(struct metric_catalog *list);

enum family_group family_group(const struct metric_family *family);
const char *family_group_name(enum family_group group);

const char *family_type_name(const struct metric_family *family);
/* "seconds", "bytes", "unix time in seconds"; "": it is a number of things, or yes and no. */
const char *family_unit(const struct metric_family *family);
/* The labels as they are written in a query, those of every probe as P: "{P, phase}"; "". */
void family_labels(const struct metric_family *family, struct buf *out);
/* The example of its table, or one that fits the type. */
void family_query(const struct metric_family *family, struct buf *out);

#endif
