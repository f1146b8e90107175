/* SPDX-License-Identifier: Apache-2.0 */
/* The layout of a document, for json.c and json_parse.c: nodes in an arena, and the text. */
#pragma once

#include "base/arena.h"
#include "encoding/json.h"

enum json_kind {
    JSON_NULL,
    JSON_BOOL,
    JSON_INT,
    JSON_NUMBER, /* not an integer, or out of range */
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json {
    enum json_kind kind;
    uint32_t count;  /* of items or members; of bytes of a string */
    const char *key; /* of a member */
    union {
        int64_t number;
        const char *text;
        const struct json *items; /* of an array or object; contiguous */
    };
};

struct json_document {
    char *text; /* strings are unescaped in place */
    size_t text_bytes;
    struct arena nodes;
    struct json root;
};
