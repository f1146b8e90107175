/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anchors, aliases and merge keys of one document, for encoding/yaml.c.
 *
 * An alias becomes a copy of the value of its anchor. The copies of all documents of a file have a
 * ceiling, so a short file cannot become a large tree. Functions that fail report why.
 */
#pragma once

#include "encoding/yaml.h"

#define YAML_ANCHORS_MAX 1000  /* of one document */
#define YAML_COPIES_MAX  50000 /* values of one file that aliases and merge keys copy */

struct yaml_anchor {
    const char *name;
    struct yaml_node *node;
    struct yaml_anchor *next;
};

struct yaml_aliases {
    struct arena *arena;
    struct problems *problems;
    struct yaml_anchor *anchors; /* the latest first; NULL at the start of a document */
    size_t n_anchors, n_copies;
};

/* A later anchor of the same name replaces the earlier one. */
bool yaml_anchor_add(struct yaml_aliases *aliases, const char *name, struct yaml_node *node);

/* Returns the value of the anchor; NULL: unknown, not reported. */
struct yaml_node *yaml_anchor_find(const struct yaml_aliases *aliases, const char *name);

/* Returns a copy of `node` for the alias at `place`, with at most `depth_max` levels of lists and
 * mappings; NULL if a limit is exceeded. */
struct yaml_node *yaml_alias_copy(struct yaml_aliases *aliases, const struct yaml_node *node,
                                  struct place place, size_t depth_max);

/* Adds the members of `value`, a mapping or a list of mappings, that `mapping` lacks; those of an
 * earlier mapping win. `value` must not be used afterwards. Returns false if a limit is exceeded;
 * a value of another kind is reported only. */
bool yaml_merge(struct yaml_aliases *aliases, struct yaml_node *mapping, struct yaml_node *value);
