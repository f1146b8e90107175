/* SPDX-License-Identifier: Apache-2.0 */
/* Converts one image check of a Canary into an entry of `probes:`. */
#pragma once

#include "config/canary_checker/canary_document.h"
#include "config/canary_checker/canary_fields.h"

struct canary_kind {
    const char *field; /* in `spec` */
    const char *operation, *engine;
    const struct canary_field *fields;
};

struct canary_document {
    const struct yaml_node *metadata, *spec; /* NULL: absent */
    bool suspended;
};

/* Returns a mapping without a name that is not in a list; NULL without memory. Mistakes are
 * reported. */
struct yaml_node *canary_probe_build(const struct canary_probes *probes,
                                     const struct canary_document *document,
                                     const struct canary_kind *kind, const struct yaml_node *check);
