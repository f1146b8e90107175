/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of other programs (!secret, !vault) are refused: the value would not be what they promise.
 * The notation of each type is that of YAML 1.1, as Go's libraries read it. */
#include "encoding/yaml_tag.h"

#include "base/text.h"
#include "encoding/base64.h"

#include <string.h>

#define STANDARD "tag:yaml.org,2002:"

static bool is_one_of(const char *text, const char *const *words)
{
    while (*words && strcmp(*words, text) != 0)
        words++;
    return *words;
}

static bool is_int(const char *text)
{
    static const char *const notations[][2] = {
        {"0x", "0123456789abcdefABCDEF_"}, {"0o", "01234567_"}, {"0b", "01_"}, {"", "0123456789_"}};
    size_t i = 0, size;

    text += *text == '-' || *text == '+';
    while (!text_starts_with(text, notations[i][0]))
        i++;
    text += strlen(notations[i][0]);
    size = strspn(text, notations[i][1]);
    return size > 0 && !text[size];
}

static bool is_float(const char *text)
{
    static const char *const words[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL};

    if (is_int(text))
        return true;
    text += *text == '-' || *text == '+';
    if (is_one_of(text, words))
        return true;
    return strpbrk(text, "0123456789") && !text[strspn(text, "0123456789_.eE+-")];
}

static bool is_bool(const char *text)
{
    static const char *const words[] = {
        "true",  "True",  "TRUE", "yes", "Yes", "YES", "on",  "On",  "ON", "y", "Y", "false",
        "False", "FALSE", "no",   "No",  "NO",  "off", "Off", "OFF", "n",  "N", NULL};

    return is_one_of(text, words);
}

static bool is_null(const char *text)
{
    return yaml_is_null(&(struct yaml_node){.kind = YAML_SCALAR, .text = text});
}

static bool is_timestamp(const char *text)
{
    return strspn(text, "0123456789") == 4 && text[4] == '-' &&
           !text[strspn(text, "0123456789-:.+TtZz \t")];
}

static bool is_merge(const char *text)
{
    return strcmp(text, "<<") == 0;
}

static bool is_any(const char *text)
{
    return text;
}

static const struct {
    const char *name;
    enum yaml_kind kind;
    bool is_string;
    bool (*matches)(const char *text); /* of a scalar */
} tags[] = {
    {"str", YAML_SCALAR, true, is_any},
    {"int", YAML_SCALAR, false, is_int},
    {"float", YAML_SCALAR, false, is_float},
    {"bool", YAML_SCALAR, false, is_bool},
    {"null", YAML_SCALAR, false, is_null},
    {"binary", YAML_SCALAR, true, is_any},
    {"timestamp", YAML_SCALAR, true, is_timestamp},
    {"merge", YAML_SCALAR, false, is_merge},
    {"map", YAML_MAPPING, false, NULL},
    {"seq", YAML_SEQUENCE, false, NULL},
};

#define TAGS (sizeof(tags) / sizeof(tags[0]))

/* Returns false if the text is not base64 of UTF-8. */
static bool decode(struct yaml_node *node, struct arena *arena)
{
    char *out = arena_alloc(arena, BASE64_ROOM_BYTES(strlen(node->text)) + 1);
    size_t size;

    if (!out) /* the arena's owner reports it */
        return true;
    if (!base64_decode(node->text, out, &size) || memchr(out, '\0', size) ||
        !text_is_utf8(out, size))
        return false;
    out[size] = '\0';
    node->text = out;
    return true;
}

static bool apply(struct yaml_node *node, size_t at, struct arena *arena)
{
    if (tags[at].kind != node->kind)
        return false;
    if (node->kind != YAML_SCALAR)
        return true;
    if (!tags[at].matches(node->text))
        return false;
    node->quoted = tags[at].is_string;
    return strcmp(tags[at].name, "binary") != 0 || decode(node, arena);
}

void yaml_tag_apply(struct yaml_node *node, const char *tag, struct arena *arena,
                    struct problems *problems)
{
    bool is_standard = text_starts_with(tag, STANDARD);
    const char *name = is_standard ? tag + strlen(STANDARD) : tag;
    size_t at = is_standard ? 0 : TAGS;

    if (node->kind == YAML_BROKEN)
        return;
    if (strcmp(tag, "!") == 0) { /* the type that the notation has, but a scalar is a string */
        node->quoted = true;
        return;
    }
    while (at < TAGS && strcmp(tags[at].name, name) != 0)
        at++;
    if (at < TAGS && apply(node, at, arena))
        return;
    if (at == TAGS)
        problems_add(problems, node->place,
                     "unknown tag %s%s: expected none, or a standard tag such as !!str",
                     is_standard ? "!!" : "", name);
    else
        problems_add(problems, node->place, "the value does not match its tag !!%s", name);
    if (node->kind == YAML_SCALAR)
        node->kind = YAML_BROKEN;
}
