/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON with jansson: the only file that knows it.
 *
 * A document of a few megabytes can ask for a hundred times its size in nodes
 * ("[[],[],..."), so what one document may take is rationed per parse, by way of
 * jansson's allocation hooks and a budget of the thread that parses.
 */
#include "client/json.h"

#include <jansson.h>

/* jansson has macros of our names, and we need none of them. */
#undef json_is_object
#undef json_is_array
#undef json_is_null

#include <stdlib.h>
#include <string.h>

#define JSON_MEMORY_LIMIT_BYTES ((size_t)32 << 20) /* of one document, parsed */

struct json_document {
    json_t *root;
};

static _Thread_local size_t budget_bytes;

static void *budget_malloc(size_t size)
{
    if (size > budget_bytes) {
        budget_bytes = 0; /* so that the reason can be told afterwards */
        return NULL;
    }
    budget_bytes -= size;
    return malloc(size);
}

static void install_budget(void)
{
    json_set_alloc_funcs(budget_malloc, free);
}

static bool parse_failed(const json_error_t *problem, struct error *err)
{
    if (budget_bytes == 0)
        return error_set(err, ERROR_LIMIT, "JSON document needs more than %zu MiB",
                         JSON_MEMORY_LIMIT_BYTES >> 20);
    if (json_error_code(problem) == json_error_out_of_memory)
        return error_memory(err);
    return error_set(err, ERROR_PROTOCOL, "no valid JSON at line %d, column %d: %s", problem->line,
                     problem->column, problem->text);
}

struct json_document *json_parse(const void *data, size_t size, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install_budget);

    CLEANUP(freep) struct json_document *document = calloc(1, sizeof(*document));
    if (!document) {
        error_memory(err);
        return NULL;
    }
    json_error_t problem;
    budget_bytes = JSON_MEMORY_LIMIT_BYTES;
    document->root = json_loadb(data ? data : "", size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &problem);
    if (!document->root) {
        parse_failed(&problem, err);
        return NULL;
    }
    return TAKE(document);
}

void json_free(struct json_document *document)
{
    if (!document)
        return;
    json_decref(document->root);
    free(document);
}

static const json_t *unwrap(const struct json *node, json_type type)
{
    const json_t *value = (const json_t *)node;
    return value && json_typeof(value) == type ? value : NULL;
}

const struct json *json_root(const struct json_document *document)
{
    return document ? (const struct json *)document->root : NULL;
}

bool json_is_object(const struct json *node)
{
    return unwrap(node, JSON_OBJECT);
}

bool json_is_null(const struct json *node)
{
    return unwrap(node, JSON_NULL);
}

/* One letter of a key as Go folds it: ASCII, and the two other letters whose lower case is in
 * ASCII (the long s and the Kelvin sign). Returns the number of bytes read. */
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
    json_t *members = (json_t *)unwrap(object, JSON_OBJECT); /* iterating changes nothing */
    const json_t *found = NULL;
    for (void *at = json_object_iter(members); at; at = json_object_iter_next(members, at))
        if (same_key(json_object_iter_key(at), name))
            found = json_object_iter_value(at);
    return (const struct json *)found;
}

size_t json_count(const struct json *array)
{
    return json_array_size(unwrap(array, JSON_ARRAY));
}

bool json_is_array(const struct json *node)
{
    return unwrap(node, JSON_ARRAY);
}

const struct json *json_item(const struct json *array, size_t index)
{
    return (const struct json *)json_array_get(unwrap(array, JSON_ARRAY), index);
}

const char *json_text(const struct json *node)
{
    const json_t *value = unwrap(node, JSON_STRING);
    const char *text = json_string_value(value);
    return text && strlen(text) == json_string_length(value) ? text : NULL;
}

bool json_int(const struct json *node, int64_t *value)
{
    const json_t *number = unwrap(node, JSON_INTEGER);
    if (!number)
        return false;
    *value = json_integer_value(number);
    return true;
}

void json_each_member(const struct json *object,
                      void (*visit)(void *arg, const char *name, const struct json *value),
                      void *arg)
{
    json_t *members = (json_t *)unwrap(object, JSON_OBJECT); /* iterating changes nothing */
    for (void *at = json_object_iter(members); at; at = json_object_iter_next(members, at))
        visit(arg, json_object_iter_key(at), (const struct json *)json_object_iter_value(at));
}

void json_quote(struct buf *out, const char *text)
{
    buf_append_char(out, '"');
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ')
            buf_printf(out, "\\u%04x", *text);
        else if (*text == '"' || *text == '\\')
            buf_printf(out, "\\%c", *text);
        else
            buf_append_char(out, *text);
    }
    buf_append_char(out, '"');
}
