/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which fields canary-checker's documents may have, and what becomes of each here.
 *
 * Nothing is ignored in silence: a field is honoured; or it changes nothing that could be
 * measured, and the README says so; or it is refused, in words that say why.
 */
#ifndef CONFIG_CANARY_CHECKER_CANARY_FIELDS_H
#define CONFIG_CANARY_CHECKER_CANARY_FIELDS_H

#include "encoding/yaml.h"

enum canary_fate {
    CANARY_HONOURED,
    CANARY_HARMLESS,
    CANARY_REFUSED,
};

struct canary_field {
    const char *name; /* NULL ends a table */
    enum canary_fate fate;
    const char *why; /* of CANARY_REFUSED */
};

extern const struct canary_field canary_document_fields[], canary_metadata_fields[],
    canary_spec_fields[], canary_pull_fields[], canary_push_fields[], canary_auth_fields[],
    canary_value_fields[], canary_value_from_fields[], canary_key_ref_fields[];

/* Reports what is refused or unknown among the members of `mapping`, which may be NULL. */
void canary_fields_check(const struct yaml_node *mapping, const struct canary_field *fields,
                         struct problems *problems);

/* The member `name` of `mapping`. Null is as if it were not there, as Kubernetes sees it; what is
 * not of this kind is reported, and NULL. */
const struct yaml_node *canary_field(const struct yaml_node *mapping, const char *name,
                                     enum yaml_kind kind, struct problems *problems);

/* The text of a scalar; NULL if it is not there or not a scalar, which is reported. */
const char *canary_field_text(const struct yaml_node *mapping, const char *name,
                              struct problems *problems);

#endif
