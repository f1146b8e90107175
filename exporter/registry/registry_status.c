/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP status (net/http_message.h) gives a coarse reason, the error code in the body a precise
 * one. The body of a 5xx does not change the reason: the server is broken.
 */
#include "registry/registry_status.h"

#include "base/text.h"
#include "encoding/json.h"
#include "net/http_message.h"

#include <string.h>

#define WORDS_BYTES ((size_t)256)

static const struct {
    const char *name;
    enum error_code code;
} names[] = {
    {"UNAUTHORIZED", ERROR_UNAUTHORIZED},    {"DENIED", ERROR_FORBIDDEN},
    {"NAME_UNKNOWN", ERROR_NOT_FOUND},       {"MANIFEST_UNKNOWN", ERROR_NOT_FOUND},
    {"BLOB_UNKNOWN", ERROR_NOT_FOUND},       {"MANIFEST_BLOB_UNKNOWN", ERROR_NOT_FOUND},
    {"TOOMANYREQUESTS", ERROR_RATE_LIMITED}, {"UNAVAILABLE", ERROR_SERVER_ERROR},
    {"UNSUPPORTED", ERROR_UNSUPPORTED},      {"DIGEST_INVALID", ERROR_DIGEST_MISMATCH},
    {"SIZE_INVALID", ERROR_SIZE_MISMATCH},   {"NAME_INVALID", ERROR_INVALID},
    {"TAG_INVALID", ERROR_INVALID},          {"MANIFEST_INVALID", ERROR_INVALID},
    {"MANIFEST_UNVERIFIED", ERROR_INVALID},  {"BLOB_UPLOAD_UNKNOWN", ERROR_NOT_FOUND},
    {"BLOB_UPLOAD_INVALID", ERROR_PROTOCOL}, {"RANGE_INVALID", ERROR_PROTOCOL},
};

static enum error_code code_of_name(const char *name, enum error_code otherwise)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i].name, name) == 0)
            return names[i].code;
    return otherwise;
}

static void clean(char out[WORDS_BYTES], const char *text)
{
    text_clean(out, WORDS_BYTES, text ? text : "", text ? strlen(text) : 0);
}

bool registry_status_error(const struct http_response *response, struct error *err)
{
    const struct buf *body = &response->body;
    enum error_code code = http_status_reason(response->status);
    struct error unused;
    CLEANUP(json_freep)
    struct json_document *document = json_parse(body->data, body->size, &unused);
    const struct json *root = json_root(document);
    const struct json *first = json_item(json_member(root, "errors"), 0);
    char name[WORDS_BYTES], message[WORDS_BYTES];

    clean(name, json_text(json_member(first, "code")));
    clean(message, json_text(json_member(first, "message")));
    if (response->status >= 400 && response->status < 500)
        code = code_of_name(name, code);
    return error_status(err, code, STATUS_HTTP, response->status, "HTTP %d%s%s%s%s",
                        response->status, name[0] ? " " : "", name, message[0] ? ": " : "",
                        message);
}
