/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees that nobody wrote, made of what somebody wrote.
 *
 * What is added has the place of what it stands for, so that whoever complains about it points
 * into the file. Each function gives NULL where the arena is full or `parent` is NULL or has
 * YAML_MEMBERS_MAX members; the owner of the arena asks once, at the end. `key` is NULL in a
 * sequence.
 */
#ifndef ENCODING_YAML_BUILD_H
#define ENCODING_YAML_BUILD_H

#include "encoding/yaml.h"

/* An empty sequence or mapping that is a tree of its own. */
struct yaml_node *yaml_build_root(struct arena *arena, enum yaml_kind kind, struct place place);

struct yaml_node *yaml_build(struct arena *arena, struct yaml_node *parent, const char *key,
                             enum yaml_kind kind, struct place place);

/* A string; `place` is also that of the key. `text` is not copied. */
struct yaml_node *yaml_build_text(struct arena *arena, struct yaml_node *parent, const char *key,
                                  const char *text, struct place place);

/* What `value` is, under another key; of a sequence or mapping only that it is one. */
struct yaml_node *yaml_build_copy(struct arena *arena, struct yaml_node *parent, const char *key,
                                  const struct yaml_node *value);

#endif
