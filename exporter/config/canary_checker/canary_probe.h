/* SPDX-License-Identifier: Apache-2.0 */
/* One image check of a Canary -> the keys of one of our probes. */
#ifndef CONFIG_CANARY_CHECKER_CANARY_PROBE_H
#define CONFIG_CANARY_CHECKER_CANARY_PROBE_H

#include "config/canary_checker/canary_document.h"
#include "config/canary_checker/canary_fields.h"

struct canary_kind {
    const char *field; /* of `spec` */
    const char *operation, *engine;
    const struct canary_field *fields;
};

struct canary_document {
    const struct yaml_node *metadata, *spec; /* NULL where there is none */
    bool suspended;
};

/* A mapping in no list yet and without a name; mistakes are reported. NULL: no memory. */
struct yaml_node *canary_probe_build(const struct canary_probes *probes,
                                     const struct canary_document *document,
                                     const struct canary_kind *kind, const struct yaml_node *check);

#endif
