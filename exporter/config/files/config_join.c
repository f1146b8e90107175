/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes are moved, not copied: they keep their places, and cost no memory. */
#include "config/files/config_join.h"

#include "config/canary_checker/canary_documents.h"

#include <string.h>

static void move(const struct config_reading *reading, struct yaml_node *into,
                 struct yaml_node *node)
{
    node->next = NULL;
    if (!yaml_append(into, node))
        problems_add(reading->problems, node->place,
                     "more than %d members in one list or mapping of all files", YAML_MEMBERS_MAX);
}

static void move_children(const struct config_reading *reading, struct yaml_node *into,
                          struct yaml_node *from)
{
    struct yaml_node *next;

    for (struct yaml_node *at = from->children; at; at = next) {
        next = at->next;
        move(reading, into, at);
    }
}

static struct yaml_node *find(const struct yaml_node *mapping, const struct yaml_node *like)
{
    return (struct yaml_node *)yaml_member(mapping, like->key->text, strlen(like->key->text));
}

static void report_twice(const struct config_reading *reading, const struct yaml_node *first,
                         const struct yaml_node *second)
{
    char place[PLACE_TEXT_BYTES];

    problems_add(reading->problems, second->key->place,
                 "duplicate key \"%s\", first at %s: expected in one file only", second->key->text,
                 place_text(first->key->place, second->key->place, place));
}

/* The members of `registries` or `collectors`. */
static void join_members(const struct config_reading *reading, struct yaml_node *into,
                         struct yaml_node *from)
{
    struct yaml_node *next;

    for (struct yaml_node *at = from->children; at; at = next) {
        const struct yaml_node *first = find(into, at);

        next = at->next;
        if (first)
            report_twice(reading, first, at);
        else
            move(reading, into, at);
    }
}

/* Gives the empty value `node`, which stays where it is, the contents of `from`. */
static void replace(const struct config_reading *reading, struct yaml_node *node,
                    struct yaml_node *from)
{
    node->kind = from->kind;
    node->quoted = from->quoted;
    node->text = from->text;
    node->place = from->place;
    node->key = from->key;
    move_children(reading, node, from);
}

static void join_key(const struct config_reading *reading, struct yaml_node *root,
                     struct yaml_node *value)
{
    struct yaml_node *first = find(root, value);
    const char *key = value->key->text;
    enum yaml_kind kind = strcmp(key, "probes") == 0 ? YAML_SEQUENCE : YAML_MAPPING;
    bool joins =
        kind == YAML_SEQUENCE || strcmp(key, "registries") == 0 || strcmp(key, "collectors") == 0;

    if (!first)
        move(reading, root, value);
    else if (yaml_is_null(first))
        replace(reading, first, value);
    else if (yaml_is_null(value) || value->kind == YAML_BROKEN)
        return;
    else if (!joins)
        report_twice(reading, first, value);
    else if (value->kind != kind)
        problems_add(reading->problems, value->place, "\"%s\": expected %s, found %s", key,
                     kind == YAML_MAPPING ? "a mapping" : "a list", yaml_describe(value));
    else if (kind == YAML_SEQUENCE && first->kind == kind)
        move_children(reading, first, value);
    else if (first->kind == kind)
        join_members(reading, first, value);
}

static void join_settings(const struct config_reading *reading, struct yaml_node *into,
                          struct yaml_node *settings)
{
    struct yaml_node *root = canary_documents_find_settings(reading, into), *next;

    if (yaml_is_null(settings) || settings->kind == YAML_BROKEN)
        return;
    if (settings->kind != YAML_MAPPING) {
        problems_add(reading->problems, settings->place, "expected a mapping, found %s",
                     yaml_describe(settings));
        return;
    }
    if (!root) {
        move(reading, into, settings);
        return;
    }
    for (struct yaml_node *at = settings->children; at; at = next) {
        next = at->next;
        join_key(reading, root, at);
    }
}

void config_join(const struct config_reading *reading, struct yaml_node *into,
                 struct yaml_node *documents)
{
    struct yaml_node *settings = canary_documents_find_settings(reading, documents), *next;

    for (struct yaml_node *at = documents->children; at; at = next) {
        next = at->next;
        if (at == settings)
            join_settings(reading, into, at);
        else if (canary_documents_is_object(at))
            move(reading, into, at);
    }
}
