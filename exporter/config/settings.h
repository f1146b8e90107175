/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills the struct that a table of settings describes from a section of the configuration.
 *
 * Checking the keys and filling the values are separate steps: one section may feed several
 * tables, and one table may be filled from several sections.
 */
#pragma once

#include "collector/setting.h"
#include "encoding/suggest.h"
#include "encoding/yaml.h"

struct settings_source {
    const struct yaml_node *section; /* a mapping; NULL or null: empty */
    struct place place;              /* of the section; missing keys are reported there */
    struct arena *arena;             /* of strings; must outlive the struct that is filled */
    struct problems *problems;
};

/* Returns the source for the section `value`. With `value` NULL, mistakes are reported at `parent`.
 */
struct settings_source settings_source_of(const struct yaml_node *value,
                                          const struct yaml_node *parent, struct arena *arena,
                                          struct problems *problems);

enum settings_extent {
    SETTINGS_ALL,     /* absent settings get their fallback */
    SETTINGS_WRITTEN, /* absent settings keep their value */
};

/* Reports a section that is not a mapping, and keys that neither `table` nor a table of `more` has.
 * `more` ends with NULL and may be NULL. */
bool settings_check_keys(const struct settings_source *source, const struct setting *table,
                         const struct setting *const *more);

/* Fills the valid settings and reports the others, which keep their value. Returns whether all were
 * valid. `table` may be NULL. */
bool settings_fill(const struct settings_source *source, const struct setting *table,
                   enum settings_extent extent, void *into);

/* The same for a list of tables that ends with NULL. `tables` may be NULL. */
bool settings_fill_tables(const struct settings_source *source, const struct setting *const *tables,
                          enum settings_extent extent, void *into);

/* Returns the setting of that name in a list of tables that ends with NULL and may be NULL; NULL:
 * no table has it. */
const struct setting *settings_named(const struct setting *const *tables, const char *name);

/* Returns the value of a dotted name; NULL if it is absent. */
const struct yaml_node *settings_find(const struct yaml_node *section, const char *name);

/* Returns the place of the node's key, or of the node itself if it has no key. */
struct place settings_place(const struct yaml_node *node);

/* Reports `unknown WHAT "KEY"` at the key, with the closest or all of `words`. Returns false. */
bool settings_unknown(struct problems *problems, const char *what, const struct yaml_node *key,
                      const struct suggest_words *words);
