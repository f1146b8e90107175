/* SPDX-License-Identifier: Apache-2.0 */
#include "encoding/json.h"

#include "encoding/json_node.h"

#include <stdlib.h>
#include <string.h>

void json_free(struct json_document *document)
{
    if (!document)
        return;
    if (document->text) /* may hold a token or a password */
        explicit_bzero(document->text, document->text_bytes);
    arena_deinit(&document->nodes);
    free(document->text);
    free(document);
}

static bool is(const struct json *node, enum json_kind kind)
{
    return node && node->kind == kind;
}

const struct json *json_root(const struct json_document *document)
{
    return document ? &document->root : NULL;
}

bool json_is_object(const struct json *node)
{
    return is(node, JSON_OBJECT);
}

bool json_is_array(const struct json *node)
{
    return is(node, JSON_ARRAY);
}

bool json_is_null(const struct json *node)
{
    return is(node, JSON_NULL);
}

/* Folds one letter of a key like Go: ASCII, and the two other letters with a lower case in ASCII
 * (long s and Kelvin sign). Returns the number of bytes read. */
static size_t fold(const char *text, char *letter)
{
    if (strncmp(text, "\xc5\xbf", 2) == 0) {
        *letter = 's';
        return 2;
    }
    if (strncmp(text, "\xe2\x84\xaa", 3) == 0) {
        *letter = 'k';
        return 3;
    }
    *letter = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
    return 1;
}

static bool same_key(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        char from_a, from_b;

        a += fold(a, &from_a);
        b += fold(b, &from_b);
        if (from_a != from_b)
            return false;
    }
    return *a == *b;
}

const struct json *json_member(const struct json *object, const char *name)
{
    size_t n_members = is(object, JSON_OBJECT) ? object->count : 0;

    for (size_t i = n_members; i > 0; i--)
        if (same_key(object->items[i - 1].key, name))
            return &object->items[i - 1];
    return NULL;
}

size_t json_count(const struct json *array)
{
    return is(array, JSON_ARRAY) ? array->count : 0;
}

const struct json *json_item(const struct json *array, size_t index)
{
    return index < json_count(array) ? &array->items[index] : NULL;
}

const char *json_text(const struct json *node)
{
    return is(node, JSON_STRING) && strlen(node->text) == node->count ? node->text : NULL;
}

bool json_int(const struct json *node, int64_t *value)
{
    if (!is(node, JSON_INT))
        return false;
    *value = node->number;
    return true;
}

void json_each_member(const struct json *object,
                      void (*visit)(void *arg, const char *name, const struct json *value),
                      void *arg)
{
    size_t n_members = is(object, JSON_OBJECT) ? object->count : 0;

    for (size_t i = 0; i < n_members; i++)
        visit(arg, object->items[i].key, &object->items[i]);
}
