/* SPDX-License-Identifier: Apache-2.0 */
#include "config/settings.h"

#include "config/settings_types.h"

#include <string.h>

#define NAME_LIMIT_BYTES    ((size_t)128)
#define SUGGEST_LIMIT_BYTES ((size_t)1024)

struct place settings_place(const struct yaml_node *node)
{
    return node->key ? node->key->place : node->place;
}

struct settings_source settings_source_of(const struct yaml_node *value,
                                          const struct yaml_node *parent, struct arena *arena,
                                          struct problems *problems)
{
    return (struct settings_source){value, settings_place(value ? value : parent), arena, problems};
}

bool settings_unknown(struct problems *problems, const char *what, const struct yaml_node *key,
                      const struct suggest_words *words)
{
    CLEANUP(buf_deinit) struct buf hint = BUF_INIT(SUGGEST_LIMIT_BYTES);

    suggest(words, key->text, &hint);
    return problems_add(problems, key->place, "unknown %s \"%s\"%s", what, key->text,
                        hint.data ? hint.data : "");
}

const struct yaml_node *settings_find(const struct yaml_node *section, const char *name)
{
    const struct yaml_node *node = section;
    size_t size;

    do {
        size = strcspn(name, ".");
        node = yaml_member(node, name, size);
        name += size;
    } while (*name++);
    return node;
}

const struct setting *settings_named(const struct setting *const *tables, const char *name)
{
    for (; tables && *tables; tables++)
        for (const struct setting *at = *tables; at->name; at++)
            if (strcmp(at->name, name) == 0)
                return at;
    return NULL;
}

/* Returns the dotted name of `node` relative to `section`; NULL: not a valid setting name. */
static const char *dotted_name(const struct yaml_node *node, const struct yaml_node *section,
                               char buffer[NAME_LIMIT_BYTES])
{
    size_t at = NAME_LIMIT_BYTES - 1;

    buffer[at] = '\0';
    for (; node != section; node = node->parent) {
        size_t size = strlen(node->key->text);

        if (size + 1 > at || strchr(node->key->text, '.'))
            return NULL;
        if (buffer[at])
            buffer[--at] = '.';
        at -= size;
        memcpy(buffer + at, node->key->text, size);
    }
    return buffer + at;
}

/* Returns the part of `name` after `prefix` and a dot; all of `name` if `prefix` is empty; NULL if
 * `name` is not below `prefix`. */
static const char *below(const char *name, const char *prefix)
{
    size_t size = strlen(prefix);

    if (size == 0)
        return name;
    return strncmp(name, prefix, size) == 0 && name[size] == '.' ? name + size + 1 : NULL;
}

enum key_kind {
    UNKNOWN,
    LEAF,
    BRANCH,
};

struct tables {
    const struct setting *first;
    const struct setting *const *more; /* NULL: none */
};

/* Returns the table number `i`; NULL after the last one. */
static const struct setting *table_at(const struct tables *tables, size_t i)
{
    if (i == 0)
        return tables->first;
    return tables->more ? tables->more[i - 1] : NULL;
}

static enum key_kind kind_of(const char *name, const struct tables *tables)
{
    for (size_t i = 0; name && *name && table_at(tables, i); i++)
        for (const struct setting *setting = table_at(tables, i); setting->name; setting++) {
            if (strcmp(setting->name, name) == 0)
                return LEAF;
            if (below(setting->name, name))
                return BRANCH;
        }
    return UNKNOWN;
}

static bool reject_key(const struct settings_source *source, const struct tables *tables,
                       const struct yaml_node *node)
{
    char buffer[NAME_LIMIT_BYTES];
    const char *parent = dotted_name(node->parent, source->section, buffer);
    struct suggest_words words = {0};

    for (size_t i = 0; table_at(tables, i); i++)
        for (const struct setting *setting = table_at(tables, i); setting->name; setting++) {
            const char *word = below(setting->name, parent);
            const char *copy =
                word ? arena_strndup(source->problems->arena, word, strcspn(word, ".")) : NULL;

            if (copy)
                suggest_add(&words, copy);
        }
    return settings_unknown(source->problems, "key", node->key, &words);
}

static bool expect_mapping(const struct settings_source *source, const struct yaml_node *node,
                           const char *name)
{
    if (node->kind == YAML_MAPPING || yaml_is_null(node))
        return true;
    if (node->kind == YAML_BROKEN)
        return false;
    return problems_add(source->problems, node->place, "%s%s%sexpected a mapping, found %s",
                        *name ? "\"" : "", name, *name ? "\": " : "", yaml_describe(node));
}

bool settings_check_keys(const struct settings_source *source, const struct setting *table,
                         const struct setting *const *more)
{
    const struct tables tables = {table, more};
    const struct yaml_node *section = source->section, *next;
    char buffer[NAME_LIMIT_BYTES];
    bool ok = true;

    if (!section)
        return true;
    if (section->kind != YAML_MAPPING)
        return expect_mapping(source, section, section->key ? section->key->text : "");
    for (const struct yaml_node *node = yaml_next(section, section); node; node = next) {
        const char *name = dotted_name(node, section, buffer);
        enum key_kind kind = kind_of(name, &tables);

        next = yaml_skip(node, section);
        if (kind == UNKNOWN) {
            ok = reject_key(source, &tables, node);
        } else if (kind == BRANCH) {
            ok &= expect_mapping(source, node, name);
            next = node->kind == YAML_MAPPING ? yaml_next(node, section) : next;
        }
    }
    return ok;
}

/* Fallbacks are written as in the file: a list or mapping is YAML. */
static bool fall_back(const struct settings_source *source, const struct setting *setting,
                      void *member)
{
    struct yaml_node scalar = {.place = source->place, .quoted = false};
    const struct yaml_node *value = &scalar;

    if (!setting->fallback)
        return problems_add(source->problems, source->place, "\"%s\" is missing: %s", setting->name,
                            setting->help);
    if (!*setting->fallback) {
        settings_store_nothing(setting, member);
        return true;
    }
    scalar.text = setting->fallback;
    if (setting->type == SETTING_LIST || setting->type == SETTING_MAP)
        value = yaml_parse(source->arena, setting->fallback, strlen(setting->fallback),
                           source->problems);
    return value && settings_store(source, setting, value, member);
}

bool settings_fill(const struct settings_source *source, const struct setting *table,
                   enum settings_extent extent, void *into)
{
    bool ok = true;

    for (const struct setting *setting = table; setting && setting->name; setting++) {
        const struct yaml_node *value = settings_find(source->section, setting->name);
        void *member = (char *)into + setting->offset;

        if (value)
            ok &= settings_store(source, setting, value, member);
        else if (extent == SETTINGS_ALL)
            ok &= fall_back(source, setting, member);
    }
    return ok;
}

bool settings_fill_tables(const struct settings_source *source, const struct setting *const *tables,
                          enum settings_extent extent, void *into)
{
    bool ok = true;

    for (; tables && *tables; tables++)
        ok &= settings_fill(source, *tables, extent, into);
    return ok;
}
