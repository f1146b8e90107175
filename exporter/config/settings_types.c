/* SPDX-License-Identifier: Apache-2.0 */
#include "config/settings_types.h"

#include "base/text.h"

#include <string.h>

#define CHOICES_LIMIT_BYTES ((size_t)512)

struct input {
    const struct settings_source *source;
    const struct setting *setting;
    const struct yaml_node *value;
};

static bool reject(const struct input *input, const char *message)
{
    return problems_add(input->source->problems, input->value->place, "\"%s\": %s",
                        input->setting->name, message);
}

static bool store_string(const struct input *input, void *member)
{
    const char *copy;

    if (!*input->value->text && !input->setting->fallback)
        return reject(input, "expected a non-empty string, found \"\"");
    copy = arena_strdup(input->source->arena, input->value->text);
    if (copy)
        *(const char **)member = copy;
    return copy;
}

static bool store_bool(const struct input *input, void *member)
{
    const char *text = input->value->text;
    bool is_true = strcmp(text, "true") == 0;

    if (input->value->quoted || (!is_true && strcmp(text, "false") != 0))
        return problems_add(input->source->problems, input->value->place,
                            "\"%s\": expected true or false, found %s\"%s\"", input->setting->name,
                            input->value->quoted ? "the string " : "", text);
    *(bool *)member = is_true;
    return true;
}

static bool store_number(const struct input *input, void *member)
{
    const char *text = input->value->text;
    struct error err;
    bool ok;

    if (input->setting->type == SETTING_DURATION)
        ok = text_duration_ns(text, member, &err);
    else if (input->setting->type == SETTING_BYTES)
        ok = text_bytes(text, member, &err);
    else
        ok = text_uint(text, member, &err);
    return ok || reject(input, err.message);
}

static bool store_enum(const struct input *input, void *member)
{
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(CHOICES_LIMIT_BYTES);
    const char *const *choices = input->setting->choices;

    for (unsigned i = 0; choices[i]; i++) {
        if (strcmp(choices[i], input->value->text) == 0) {
            *(unsigned *)member = i;
            return true;
        }
        buf_printf(&list, "%s%s", i == 0 ? "" : ", ", choices[i]);
    }
    return problems_add(input->source->problems, input->value->place,
                        "\"%s\": expected one of %s, found \"%s\"", input->setting->name,
                        list.data ? list.data : "nothing", input->value->text);
}

/* Returns a copy of the text of one item of a list or mapping; NULL if it is not a string, which is
 * reported. */
static const char *item_text(const struct input *input, const struct yaml_node *item)
{
    if (item->kind == YAML_SCALAR && !yaml_is_null(item))
        return arena_strdup(input->source->arena, item->text);
    if (item->kind != YAML_BROKEN)
        problems_add(input->source->problems, item->place, "\"%s\": expected a string, found %s",
                     input->setting->name, yaml_describe(item));
    return NULL;
}

static bool store_list(const struct input *input, void *member)
{
    size_t size = input->value->count * sizeof(const char *), n = 0;
    const char **items = arena_alloc(input->source->arena, size);
    bool ok = items;

    for (const struct yaml_node *item = input->value->children; items && item; item = item->next) {
        items[n] = item_text(input, item);
        ok &= items[n++] != NULL;
    }
    if (ok)
        *(struct setting_list *)member = (struct setting_list){items, n};
    return ok;
}

static bool store_map(const struct input *input, void *member)
{
    size_t size = input->value->count * sizeof(const char *), n = 0;
    const char **names = arena_alloc(input->source->arena, size);
    const char **values = arena_alloc(input->source->arena, size);
    bool ok = names && values;

    for (const struct yaml_node *item = input->value->children; values && item; item = item->next) {
        names[n] = arena_strdup(input->source->arena, item->key->text);
        values[n] = item_text(input, item);
        ok &= names[n] && values[n];
        n++;
    }
    if (ok)
        *(struct setting_map *)member = (struct setting_map){names, values, n};
    return ok;
}

static const struct {
    const char *expected;
    enum yaml_kind kind;
    bool may_be_null;
    size_t member_size;
    bool (*store)(const struct input *input, void *member);
} types[] = {
    [SETTING_STRING] = {"a string", YAML_SCALAR, false, sizeof(const char *), store_string},
    [SETTING_SECRET] = {"a string", YAML_SCALAR, false, sizeof(const char *), store_string},
    [SETTING_BOOL] = {"true or false", YAML_SCALAR, false, sizeof(bool), store_bool},
    [SETTING_UINT] = {"a number", YAML_SCALAR, false, sizeof(uint64_t), store_number},
    [SETTING_DURATION] = {"a duration such as 90s or 5m", YAML_SCALAR, false, sizeof(int64_t),
                          store_number},
    [SETTING_BYTES] = {"a size such as 64KiB or 2GiB", YAML_SCALAR, false, sizeof(uint64_t),
                       store_number},
    [SETTING_ENUM] = {"one word", YAML_SCALAR, false, sizeof(unsigned), store_enum},
    [SETTING_LIST] = {"a list of strings", YAML_SEQUENCE, true, sizeof(struct setting_list),
                      store_list},
    [SETTING_MAP] = {"a mapping of strings", YAML_MAPPING, true, sizeof(struct setting_map),
                     store_map},
};

void settings_store_nothing(const struct setting *setting, void *member)
{
    memset(member, 0, types[setting->type].member_size);
    if (setting->type == SETTING_STRING || setting->type == SETTING_SECRET)
        *(const char **)member = "";
}

bool settings_store(const struct settings_source *source, const struct setting *setting,
                    const struct yaml_node *value, void *member)
{
    struct input input = {source, setting, value};

    if (value->kind == YAML_BROKEN)
        return false;
    if (yaml_is_null(value) && types[setting->type].may_be_null) {
        settings_store_nothing(setting, member);
        return true;
    }
    if (yaml_is_null(value) || value->kind != types[setting->type].kind)
        return problems_add(source->problems, value->place, "\"%s\": expected %s, found %s",
                            setting->name, types[setting->type].expected, yaml_describe(value));
    return types[setting->type].store(&input, member);
}
