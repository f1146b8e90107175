/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of canary-checker's documents.
 *
 * A field is supported; or ignored, because it does not affect measurements (docs/canary-checker.md
 * lists these); or rejected, with a reason. Unknown fields are errors.
 */
#pragma once

#include "encoding/yaml.h"

enum canary_support {
    CANARY_SUPPORTED,
    CANARY_IGNORED,
    CANARY_REJECTED,
};

struct canary_field {
    const char *name; /* NULL ends a table */
    enum canary_support support;
    const char *reason; /* of CANARY_REJECTED */
};

extern const struct canary_field canary_document_fields[], canary_metadata_fields[],
    canary_spec_fields[], canary_pull_fields[], canary_push_fields[], canary_auth_fields[],
    canary_value_fields[], canary_value_from_fields[], canary_key_ref_fields[];

/* Reports the rejected and unknown members of `mapping`, which may be NULL. */
void canary_fields_check(const struct yaml_node *mapping, const struct canary_field *fields,
                         struct problems *problems);

/* Returns the member `name` of `mapping`, NULL if it is absent or null. A member of another kind is
 * reported, and NULL is returned. */
const struct yaml_node *canary_field(const struct yaml_node *mapping, const char *name,
                                     enum yaml_kind kind, struct problems *problems);

/* Returns the text of a scalar; otherwise the same as canary_field(). */
const char *canary_field_text(const struct yaml_node *mapping, const char *name,
                              struct problems *problems);
