/* SPDX-License-Identifier: Apache-2.0 */
/* What json.c and json_parse.c share: a document as nodes in one arena, with its text beside. */
#ifndef ENCODING_JSON_NODE_H
#define ENCODING_JSON_NODE_H

#include "base/arena.h"
#include "encoding/json.h"

enum json_kind {
    JSON_NULL,
    JSON_BOOL,
    JSON_INT,
    JSON_NUMBER, /* no integer, or too large for one */
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
        const struct json *items; /* of an array, or members; side by side */
    };
};

struct json_document {
    char *text; /* the strings, unescaped where they stood */
    size_t text_bytes;
    struct arena nodes;
    struct json root;
};

#endif
