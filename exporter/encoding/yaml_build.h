/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds YAML nodes in memory, with the positions of the nodes they replace.
 *
 * So problems of a built node refer to the file. Each function returns NULL if the arena is full,
 * or if `parent` is NULL or has YAML_MEMBERS_MAX members; the owner of the arena calls arena_ok()
 * once, at the end. `key` must be NULL in a sequence.
 */
#pragma once

#include "encoding/yaml.h"

/* An empty sequence or mapping without a parent. */
struct yaml_node *yaml_build_root(struct arena *arena, enum yaml_kind kind, struct place place);

struct yaml_node *yaml_build(struct arena *arena, struct yaml_node *parent, const char *key,
                             enum yaml_kind kind, struct place place);

/* A string; the key has the same position. Does not copy `text`. */
struct yaml_node *yaml_build_text(struct arena *arena, struct yaml_node *parent, const char *key,
                                  const char *text, struct place place);

/* A copy of `value` under another key; a sequence or mapping is copied without its members. */
struct yaml_node *yaml_build_copy(struct arena *arena, struct yaml_node *parent, const char *key,
                                  const struct yaml_node *value);
