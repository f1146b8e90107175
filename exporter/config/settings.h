/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A section of the configuration -> the struct that a table of settings describes.
 *
 * Checking the keys and filling the values are two steps, because one section may feed
 * several tables, and a table may be filled from several sections.
 */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include "collector/setting.h"
#include "encoding/yaml.h"

/* Where values come from, where strings go, who hears of mistakes. */
struct settings_source {
    const struct yaml_node *section; /* a mapping; NULL or null: nothing is written */
    struct place place;              /* of the section, for what is missing in it */
    struct arena *arena;             /* lives as long as the struct that is filled */
    struct problems *problems;
};

/* The section that `value` is; where it is NULL, `parent` is to blame. */
struct settings_source settings_source_of(const struct yaml_node *value,
                                          const struct yaml_node *parent, struct arena *arena,
                                          struct problems *problems);

enum settings_extent {
    SETTINGS_ALL,     /* what is not written gets its fallback */
    SETTINGS_WRITTEN, /* what is not written stays as it is */
};

/* Reports a section that is no mapping, and keys that are in none of the `tables` (which end
 * with NULL). */
bool settings_check_keys(const struct settings_source *source, const struct setting *const *tables);

/* Fills what can be filled and reports the rest; what has a mistake stays as it is. True if
 * there was none. `table` may be NULL. */
bool settings_fill(const struct settings_source *source, const struct setting *table,
                   enum settings_extent extent, void *into);

/* The same for a list of tables, which ends with NULL; `tables` may be NULL. */
bool settings_fill_tables(const struct settings_source *source, const struct setting *const *tables,
                          enum settings_extent extent, void *into);

/* `table` and then the list `more`, which may be NULL, as one list. */
struct settings_tables {
    const struct setting *items[SETTINGS_TABLES_MAX + 2];
};
struct settings_tables settings_join(const struct setting *table,
                                     const struct setting *const *more);

/* The value of a dotted name, NULL if it is not written. */
const struct yaml_node *settings_find(const struct yaml_node *section, const char *name);

/* Where a person looks for `node`: at its key. */
struct place settings_place(const struct yaml_node *node);

#endif
