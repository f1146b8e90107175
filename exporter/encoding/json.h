/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A read-only JSON document.
 *
 * The document owns its nodes and strings. Strings end with a NUL; a string with
 * a NUL inside reads as absent. Each getter accepts NULL and nodes of the wrong
 * kind and treats both as absent, so callers need not check each step.
 *
 * The parser accepts and rejects the same texts as Go's, because containerd is
 * written in Go: other rules would report other images as damaged.
 */
#pragma once

#include "encoding/json_quote.h" /* most callers also write JSON */

#include <stdint.h>

struct json_document;
struct json; /* a node */

/* NULL with ERROR_PROTOCOL and the position, or ERROR_LIMIT if the document needs too much memory.
 * The caller should limit the size. Invalid UTF-8 is kept. */
struct json_document *json_parse(const void *data, size_t size, struct error *err);
void json_free(struct json_document *document);
DEFINE_CLEANUP(struct json_document *, json_free)

const struct json *json_root(const struct json_document *document);

bool json_is_object(const struct json *node);
bool json_is_array(const struct json *node);
bool json_is_null(const struct json *node);

/* Finds a member like Go: ignores case, and the last one wins. A null member is present. */
const struct json *json_member(const struct json *object, const char *name);

size_t json_count(const struct json *array); /* 0 unless it is an array */
const struct json *json_item(const struct json *array, size_t index);

const char *json_text(const struct json *node); /* NULL unless it is a string */
bool json_int(const struct json *node, int64_t *value);

/* Calls visit() for each member of an object, in the order of the document. */
void json_each_member(const struct json *object,
                      void (*visit)(void *arg, const char *name, const struct json *value),
                      void *arg);
