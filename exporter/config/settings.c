/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys a section may have, which are written, and what the others fall back to. */
#include "config/settings.h"

#include "config/settings_types.h"
#include "encoding/suggest.h"

#include <assert.h>
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

/* The dotted name of `node` seen from `section`; NULL if no setting can be called so. */
static const char *dotted_name(const struct yaml_node *node, const struct yaml_node *section,
                               char room[NAME_LIMIT_BYTES])
{
    size_t at = NAME_LIMIT_BYTES - 1;

    room[at] = '\0';
    for (; node != section; node = node->parent) {
        size_t size = strlen(node->key->text);

        if (size + 1 > at || strchr(node->key->text, '.'))
            return NULL;
        if (room[at])
            room[--at] = '.';
        at -= size;
        memcpy(room + at, node->key->text, size);
    }
    return room + at;
}

/* What follows `prefix` and a dot in `name`; all of it if there is no prefix; NULL if `name`
 * is not below `prefix`. */
static const char *below(const char *name, const char *prefix)
{
    size_t size = strlen(prefix);

    if (size == 0)
        return name;
    return strncmp(name, prefix, size) == 0 && name[size] == '.' ? name + size + 1 : NULL;
}

enum meaning {
    UNKNOWN,
    LEAF,
    BRANCH,
};

static enum meaning meaning_of(const char *name, const struct setting *const *tables)
{
    for (; name && *name && *tables; tables++)
        for (const struct setting *setting = *tables; setting->name; setting++) {
            if (strcmp(setting->name, name) == 0)
                return LEAF;
            if (below(setting->name, name))
                return BRANCH;
        }
    return UNKNOWN;
}

static bool refuse_key(const struct settings_source *source, const struct setting *const *tables,
                       const struct yaml_node *node)
{
    CLEANUP(buf_deinit) struct buf hint = BUF_INIT(SUGGEST_LIMIT_BYTES);
    char room[NAME_LIMIT_BYTES];
    const char *parent = dotted_name(node->parent, source->section, room);
    struct suggest_words words = {0};

    for (; *tables; tables++)
        for (const struct setting *setting = *tables; setting->name; setting++) {
            const char *word = below(setting->name, parent);
            const char *copy =
                word ? arena_strndup(source->problems->arena, word, strcspn(word, ".")) : NULL;
            if (copy)
                suggest_add(&words, copy);
        }
    suggest(&words, node->key->text, &hint);
    return problems_add(source->problems, node->key->place, "unknown key \"%s\"%s", node->key->text,
                        hint.data ? hint.data : "");
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

bool settings_check_keys(const struct settings_source *source, const struct setting *const *tables)
{
    const struct yaml_node *section = source->section, *next;
    char room[NAME_LIMIT_BYTES];
    bool ok = true;

    if (!section)
        return true;
    if (section->kind != YAML_MAPPING)
        return expect_mapping(source, section, section->key ? section->key->text : "");
    for (const struct yaml_node *node = yaml_next(section, section); node; node = next) {
        const char *name = dotted_name(node, section, room);
        enum meaning meaning = meaning_of(name, tables);

        next = yaml_skip(node, section);
        if (meaning == UNKNOWN) {
            ok = refuse_key(source, tables, node);
        } else if (meaning == BRANCH) {
            ok &= expect_mapping(source, node, name);
            next = node->kind == YAML_MAPPING ? yaml_next(node, section) : next;
        }
    }
    return ok;
}

/* A fallback is what could be written in the file: a list or mapping is YAML. */
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

struct settings_tables settings_join(const struct setting *table, const struct setting *const *more)
{
    struct settings_tables joined = {.items = {table}};

    for (size_t i = 0; more && more[i]; i++) {
        assert(i < SETTINGS_TABLES_MAX);
        joined.items[i + 1] = more[i];
    }
    return joined;
}
