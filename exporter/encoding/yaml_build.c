/* SPDX-License-Identifier: Apache-2.0 */
#include "encoding/yaml_build.h"

struct yaml_node *yaml_build_root(struct arena *arena, enum yaml_kind kind, struct place place)
{
    struct yaml_node *node = arena_alloc(arena, sizeof(*node));

    if (node)
        *node = (struct yaml_node){.kind = kind, .place = place, .text = ""};
    return node;
}

static const struct yaml_node *build_key(struct arena *arena, const char *key, struct place place)
{
    struct yaml_node *node = yaml_build_root(arena, YAML_SCALAR, place);

    if (node)
        node->text = arena_strdup(arena, key);
    return node && node->text ? node : NULL;
}

/* `key_place` differs from the position of the value if the file contains both. */
static struct yaml_node *build(struct arena *arena, struct yaml_node *parent, const char *key,
                               struct place key_place, const struct yaml_node *value)
{
    const struct yaml_node *key_node = key ? build_key(arena, key, key_place) : NULL;
    struct yaml_node *node = yaml_build_root(arena, value->kind, value->place);

    if (!parent || !node || (key && !key_node))
        return NULL;
    node->key = key_node;
    node->quoted = value->quoted;
    node->expanded = value->expanded;
    node->text = value->text;
    return yaml_append(parent, node) ? node : NULL;
}

struct yaml_node *yaml_build(struct arena *arena, struct yaml_node *parent, const char *key,
                             enum yaml_kind kind, struct place place)
{
    return build(arena, parent, key, place, &(struct yaml_node){.kind = kind, .place = place});
}

struct yaml_node *yaml_build_text(struct arena *arena, struct yaml_node *parent, const char *key,
                                  const char *text, struct place place)
{
    const struct yaml_node value = {
        .kind = YAML_SCALAR, .quoted = true, .place = place, .text = text};

    return text ? build(arena, parent, key, place, &value) : NULL;
}

struct yaml_node *yaml_build_copy(struct arena *arena, struct yaml_node *parent, const char *key,
                                  const struct yaml_node *value)
{
    return build(arena, parent, key, value->key ? value->key->place : value->place, value);
}
