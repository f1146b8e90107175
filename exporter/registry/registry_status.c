/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP status (net/http/http_message.h) gives a coarse reason, the error code in the body a
 * precise one. The body of a 5xx does not change the reason: the server is broken.
 *
 * docs/troubleshooting.md lists both tables: change them together.
 */
#include "registry/registry_status.h"

#include "base/text.h"
#include "encoding/json.h"
#include "net/http/http_message.h"

#include <string.h>

#define WORDS_BYTES ((size_t)256)

struct row {
    const char *name;
    enum error_code code;
};

/* NULL ends a table. */
static const struct row read_codes[] = {
    {"UNAUTHORIZED", ERROR_UNAUTHORIZED},
    {"DENIED", ERROR_FORBIDDEN},
    {"NAME_UNKNOWN", ERROR_NOT_FOUND},
    {"MANIFEST_UNKNOWN", ERROR_NOT_FOUND},
    {"BLOB_UNKNOWN", ERROR_NOT_FOUND},
    {"MANIFEST_BLOB_UNKNOWN", ERROR_NOT_FOUND},
    {"BLOB_UPLOAD_INVALID", ERROR_SERVER_ERROR}, /* it exists, but cannot go on or be removed */
    {"TOOMANYREQUESTS", ERROR_RATE_LIMITED},
    {"UNAVAILABLE", ERROR_SERVER_ERROR},
    {"UNSUPPORTED", ERROR_UNSUPPORTED},
    {"NAME_INVALID", ERROR_INVALID},
    {"TAG_INVALID", ERROR_INVALID},
    {"DIGEST_INVALID", ERROR_INVALID}, /* that of the reference: the client sent no bytes */
    {NULL},
};

/* What the registry has accepted before, it must know. */
static const struct row write_codes[] = {
    {"UNAUTHORIZED", ERROR_UNAUTHORIZED},
    {"DENIED", ERROR_FORBIDDEN},
    {"NAME_UNKNOWN", ERROR_NOT_FOUND},
    {"MANIFEST_UNKNOWN", ERROR_SERVER_ERROR},
    {"BLOB_UNKNOWN", ERROR_SERVER_ERROR},
    {"MANIFEST_BLOB_UNKNOWN", ERROR_SERVER_ERROR},
    {"BLOB_UPLOAD_UNKNOWN", ERROR_SERVER_ERROR},
    {"BLOB_UPLOAD_INVALID", ERROR_SERVER_ERROR},
    {"TOOMANYREQUESTS", ERROR_RATE_LIMITED},
    {"UNAVAILABLE", ERROR_SERVER_ERROR},
    {"UNSUPPORTED", ERROR_UNSUPPORTED},
    {"DIGEST_INVALID", ERROR_DIGEST_MISMATCH},
    {"SIZE_INVALID", ERROR_SIZE_MISMATCH},
    {"RANGE_INVALID", ERROR_PROTOCOL},
    {"NAME_INVALID", ERROR_INVALID},
    {"TAG_INVALID", ERROR_INVALID},
    {"MANIFEST_INVALID", ERROR_INVALID},
    {"MANIFEST_UNVERIFIED", ERROR_INVALID},
    {NULL},
};

static enum error_code code_of_name(const struct row *row, const char *name,
                                    enum error_code otherwise)
{
    for (; row->name; row++)
        if (strcmp(row->name, name) == 0)
            return row->code;
    return otherwise;
}

static enum error_code code_of_status(enum registry_request request, int status)
{
    if (request == REGISTRY_UPLOAD && status == 404)
        return ERROR_SERVER_ERROR; /* the upload is lost */
    if (request != REGISTRY_READ && status == 409)
        return ERROR_FORBIDDEN; /* the tag exists and is immutable */
    if (request != REGISTRY_READ && status == 415)
        return ERROR_UNSUPPORTED; /* the media type */
    return http_status_reason(status);
}

/* Explains a status whose body often comes from a proxy and says nothing. */
static const char *explanation(enum registry_request request, int status)
{
    if (request != REGISTRY_READ && status == 413)
        return "the request is larger than the registry, or a proxy before it, accepts";
    return request == REGISTRY_UPLOAD && status == 404
               ? "the registry does not know the upload that it has opened"
               : "";
}

static void clean(char out[WORDS_BYTES], const char *text)
{
    text_clean(out, WORDS_BYTES, text ? text : "", text ? strlen(text) : 0);
}

bool registry_status_error(enum registry_request request, const struct http_response *response,
                           struct error *err)
{
    const struct buf *body = &response->body;
    enum error_code code = code_of_status(request, response->status);
    struct error unused;
    CLEANUP(json_freep)
    struct json_document *document = json_parse(body->data, body->size, &unused);
    const struct json *root = json_root(document);
    const struct json *first = json_item(json_member(root, "errors"), 0);
    char name[WORDS_BYTES], message[WORDS_BYTES];
    const char *text = message;

    clean(name, json_text(json_member(first, "code")));
    clean(message, json_text(json_member(first, "message")));
    if (response->status >= 400 && response->status < 500)
        code = code_of_name(request == REGISTRY_READ ? read_codes : write_codes, name, code);
    if (!*message)
        text = explanation(request, response->status);
    return error_status(err, code, STATUS_HTTP, response->status, "HTTP %d%s%s%s%s",
                        response->status, name[0] ? " " : "", name, *text ? ": " : "", text);
}

void registry_status_suspect_tls(struct error *err)
{
    if (strcmp(err->message, "HTTP 400") == 0)
        error_status(err, err->code, STATUS_HTTP, 400,
                     "HTTP 400: the server may expect HTTPS: the request was plain HTTP");
}
