/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON from outside, read-only: parsed once, then asked for values by kind.
 *
 * Nodes belong to the document and live as long as it does; strings end with a
 * NUL (a string with a NUL inside reads as absent). Every getter accepts NULL and
 * a node of the wrong kind, and then tells of absence, so that callers need not
 * check each step. What Go's reader accepts is accepted and what it refuses is
 * refused: a library that reads stricter (or laxer) calls other images damaged.
 */
#ifndef ENCODING_JSON_H
#define ENCODING_JSON_H

#include "encoding/json_quote.h" /* whoever reads it also writes some */

#include <stdint.h>

struct json_document;
struct json; /* a node */

/* ERROR_PROTOCOL with the place, ERROR_LIMIT for one that would take too much memory. Depth is
 * bounded, size by the caller. Bytes that are not UTF-8 stay as they are. */
struct json_document *json_parse(const void *data, size_t size, struct error *err);
void json_free(struct json_document *document);
DEFINE_CLEANUP(struct json_document *, json_free)

const struct json *json_root(const struct json_document *document);

bool json_is_object(const struct json *node);
bool json_is_array(const struct json *node);
bool json_is_null(const struct json *node);

/* A member, matched as Go does: without regard to case, and the last one counts. A null member
 * is present. */
const struct json *json_member(const struct json *object, const char *name);

size_t json_count(const struct json *array); /* 0 for what is no array */
const struct json *json_item(const struct json *array, size_t index);

const char *json_text(const struct json *node); /* NULL if it is none */
bool json_int(const struct json *node, int64_t *value);

/* Calls visit for every member of an object, in the order of the document. */
void json_each_member(const struct json *object,
                      void (*visit)(void *arg, const char *name, const struct json *value),
                      void *arg);

#endif
