/* SPDX-License-Identifier: Apache-2.0 */
#include "encoding/yaml_alias.h"

#include <string.h>

static bool report_memory(struct yaml_aliases *aliases, struct place place)
{
    return problems_add(aliases->problems, place,
                        "more memory needed than the limit for configuration files");
}

bool yaml_anchor_add(struct yaml_aliases *aliases, const char *name, struct yaml_node *node)
{
    struct yaml_anchor *anchor = arena_alloc(aliases->arena, sizeof(*anchor));
    const char *copy = arena_strdup(aliases->arena, name);

    if (!aliases->anchors)
        aliases->n_anchors = 0;
    if (aliases->n_anchors++ == YAML_ANCHORS_MAX)
        return problems_add(aliases->problems, node->place, "more than %d anchors in one document",
                            YAML_ANCHORS_MAX);
    if (!anchor || !copy)
        return report_memory(aliases, node->place);
    *anchor = (struct yaml_anchor){copy, node, aliases->anchors};
    aliases->anchors = anchor;
    return true;
}

struct yaml_node *yaml_anchor_find(const struct yaml_aliases *aliases, const char *name)
{
    const struct yaml_anchor *at = aliases->anchors;

    while (at && strcmp(at->name, name) != 0)
        at = at->next;
    return at ? at->node : NULL;
}

/* Copies a node without its children. With `alias` NULL the copy keeps the alias of `node`. */
static struct yaml_node *copy_node(struct yaml_aliases *aliases, const struct yaml_node *node,
                                   const struct place *alias)
{
    struct yaml_node *copy = arena_alloc(aliases->arena, sizeof(*copy));

    if (!copy)
        return NULL;
    *copy = (struct yaml_node){
        .kind = node->kind, .quoted = node->quoted, .place = node->place, .text = node->text};
    if (alias)
        copy->place.alias_line = alias->line;
    return copy;
}

/* The same with the node's key, at the end of `parent`; NULL, if a limit is exceeded. */
static struct yaml_node *copy_member(struct yaml_aliases *aliases, const struct yaml_node *node,
                                     const struct place *alias, struct yaml_node *parent)
{
    struct place place = alias ? *alias : node->place;
    struct yaml_node *copy = copy_node(aliases, node, alias);

    if (aliases->n_copies++ == YAML_COPIES_MAX) {
        problems_add(aliases->problems, place, "aliases expand to more than %d values",
                     YAML_COPIES_MAX);
        return NULL;
    }
    if (copy && parent && node->key)
        copy->key = copy_node(aliases, node->key, alias);
    if (!copy || (parent && node->key && !copy->key)) {
        report_memory(aliases, place);
        return NULL;
    }
    if (!parent || yaml_append(parent, copy))
        return copy;
    problems_add(aliases->problems, place, "more than %d members in one list or mapping",
                 YAML_MEMBERS_MAX);
    return NULL;
}

/* Copies what is below `node` into `copy`. */
static bool copy_children(struct yaml_aliases *aliases, const struct yaml_node *node,
                          const struct place *alias, size_t depth_max, struct yaml_node *copy)
{
    const struct yaml_node *from = node;
    size_t depth = 1;

    for (;;) {
        if (from->children) {
            if (++depth > depth_max + 1)
                return problems_add(aliases->problems, alias ? *alias : node->place,
                                    "lists and mappings are nested too deeply");
            from = from->children;
        } else {
            for (; from != node && !from->next; from = from->parent, copy = copy->parent)
                depth--;
            if (from == node)
                return true;
            from = from->next;
            copy = copy->parent;
        }
        copy = copy_member(aliases, from, alias, copy);
        if (!copy)
            return false;
    }
}

struct yaml_node *yaml_alias_copy(struct yaml_aliases *aliases, const struct yaml_node *node,
                                  struct place place, size_t depth_max)
{
    struct yaml_node *copy = copy_member(aliases, node, &place, NULL);

    return copy && copy_children(aliases, node, &place, depth_max, copy) ? copy : NULL;
}

/* The members of an alias are a copy already, which no other node refers to: they are moved. */
static bool merge_mapping(struct yaml_aliases *aliases, struct yaml_node *mapping,
                          struct yaml_node *from)
{
    struct yaml_node *next;

    for (struct yaml_node *at = from->children; at; at = next) {
        struct yaml_node *member = at;

        next = at->next;
        if (yaml_member(mapping, at->key->text, strlen(at->key->text)))
            continue;
        if (!from->place.alias_line) {
            member = copy_member(aliases, at, NULL, mapping);
            if (!member || !copy_children(aliases, at, NULL, YAML_DEPTH_MAX, member))
                return false;
            continue;
        }
        member->next = NULL;
        if (!yaml_append(mapping, member))
            return problems_add(aliases->problems, at->place,
                                "more than %d members in one list or mapping", YAML_MEMBERS_MAX);
    }
    return true;
}

static bool expect_mapping(struct yaml_aliases *aliases, const struct yaml_node *value)
{
    if (value->kind == YAML_MAPPING || value->kind == YAML_BROKEN)
        return value->kind == YAML_MAPPING;
    return problems_add(aliases->problems, value->place,
                        "\"<<\": expected a mapping or a list of mappings, found %s",
                        yaml_describe(value));
}

bool yaml_merge(struct yaml_aliases *aliases, struct yaml_node *mapping, struct yaml_node *value)
{
    struct yaml_node *next;

    if (value->kind != YAML_SEQUENCE)
        return !expect_mapping(aliases, value) || merge_mapping(aliases, mapping, value);
    for (struct yaml_node *at = value->children; at; at = next) {
        next = at->next;
        if (expect_mapping(aliases, at) && !merge_mapping(aliases, mapping, at))
            return false;
    }
    return true;
}
