/* SPDX-License-Identifier: Apache-2.0 */
/* Registries keep the state of an upload in its URL: only the Location of the last response is
 * valid. */
#include "registry/registry_upload.h"

#include "base/clock.h"
#include "base/text.h"
#include "net/http/http_message.h"
#include "oci/digest.h"
#include "registry/upload_location.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOCATION_BYTES     ((size_t)8192)
#define NUMBER_BYTES       ((size_t)64)
#define PIECE_BYTES        ((size_t)64 << 10)
#define CANCEL_NS          (2 * NS_PER_SECOND)
#define CANCEL_STOPPING_NS NS_PER_SECOND

void blob_upload_deinit(struct blob_upload *upload)
{
    buf_deinit(&upload->url);
    buf_deinit(&upload->scope);
}

/* A response without a Location does not change the URL. */
static bool update_url(struct blob_upload *upload, const struct http_response *response,
                       struct error *err)
{
    CLEANUP(buf_deinit) struct buf url = BUF_INIT(REGISTRY_URL_BYTES);
    char location[LOCATION_BYTES];

    if (!http_response_header(response, "location", 0, location, sizeof(location)) || !*location)
        return upload->url.size > 0 ||
               error_set(err, ERROR_PROTOCOL, "response without Location of the upload");
    if (!upload_location_url(location, response->url.data, &url, err))
        return error_wrap(err, "Location of the upload");
    upload->foreign = !http_may_share_identity(upload->mirror->base, url.data);
    buf_clear(&upload->url);
    buf_append(&upload->url, url.data, url.size);
    return buf_ok(&upload->url, err);
}

static uint64_t number_of(const struct http_response *response, const char *name)
{
    char text[NUMBER_BYTES];
    struct error unused;
    uint64_t number;

    return http_response_header(response, name, 0, text, sizeof(text)) &&
                   text_uint(text, &number, &unused)
               ? number
               : 0;
}

bool blob_upload_was_answered(const struct error *err)
{
    return err->status_kind == STATUS_HTTP || err->code == ERROR_PROTOCOL;
}

static const char *scope_of(const struct blob_upload *upload)
{
    return upload->scope.size > 0 ? upload->scope.data : NULL;
}

static bool is_opened(const struct http_response *response)
{
    return response->status == 202 || response->status == 200 || response->status == 204;
}

/* An upload without a Location cannot be canceled. */
static bool begin(struct blob_upload *upload, const struct http_response *response,
                  struct error *err)
{
    bool found = update_url(upload, response, err);

    upload->offset = upload->sent = upload->accepted = 0;
    upload->min_chunk_bytes = number_of(response, "oci-chunk-min-length");
    upload->registry->traffic.stranded += !found;
    return found;
}

bool blob_upload_open(struct blob_upload *upload, struct cancel *cancel, struct error *err)
{
    REGISTRY_RESPONSE(response);
    const struct registry_call call = {
        .mirror = upload->mirror,
        .method = "POST",
        .path = "/blobs/uploads/",
    };

    buf_clear(&upload->url);
    buf_clear(&upload->scope);
    if (!registry_call(upload->registry, &call, &response, cancel, err))
        return false;
    return is_opened(&response) ? begin(upload, &response, err)
                                : registry_refused(&call, &response, err);
}

static bool read_digest(const struct registry_source *source, const char *like,
                        char digest[DIGEST_TEXT_BYTES], struct cancel *cancel, struct error *err)
{
    CLEANUP(digest_freep) struct digest *hash = digest_new(like, err);
    CLEANUP(freep) char *piece = malloc(PIECE_BYTES);
    size_t n;

    if (!hash)
        return false;
    if (!piece)
        return error_memory(err);
    if (!source->rewind(source->arg, cancel, err))
        return false;
    do {
        if (!cancel_check(cancel, err) || !source->read(source->arg, piece, PIECE_BYTES, &n, err))
            return false;
        digest_update(hash, piece, n);
    } while (n > 0);
    digest_finish(hash, digest);
    return true;
}

bool registry_check_stored(const struct registry_call *call, const struct http_response *response,
                           const struct registry_content *content, struct cancel *cancel,
                           struct error *err)
{
    char stored[REGISTRY_OBJECT_BYTES], sent[DIGEST_TEXT_BYTES];
    const char *expected = content->digest;

    if (response->status < 200 || response->status > 204 || response->status == 203)
        return registry_refused(call, response, err);
    if (!registry_digest_header(response, stored, err))
        return false;
    if (*stored && !digest_same_algorithm(stored, expected)) {
        if (!read_digest(content->source, stored, sent, cancel, err))
            return error_wrap(err, "digest by the algorithm of the registry");
        expected = sent;
    }
    return !*stored || strcmp(stored, expected) == 0 ||
           error_set(err, ERROR_DIGEST_MISMATCH, "the registry stored %s: expected %s", stored,
                     expected);
}

static bool request_mount(struct blob_upload *upload, const char *from, bool *mounted,
                          struct cancel *cancel, struct error *err)
{
    REGISTRY_RESPONSE(response);
    CLEANUP(buf_deinit) struct buf path = BUF_INIT(REGISTRY_URL_BYTES);
    struct registry_call call = {.mirror = upload->mirror, .method = "POST"};

    buf_printf(&upload->scope, "repository:%s:pull,push repository:%s:pull",
               upload->mirror->repository, from);
    buf_append_str(&path, "/blobs/uploads/?mount=");
    http_escape(&path, upload->blob->digest);
    buf_append_str(&path, "&from=");
    http_escape(&path, from);
    if (!buf_ok(&upload->scope, err) || !buf_ok(&path, err))
        return false;
    call.path = path.data;
    call.scope = scope_of(upload);
    if (!registry_call(upload->registry, &call, &response, cancel, err))
        return false;
    if (response.status == 201)
        return *mounted = registry_check_stored(&call, &response, &upload->content, cancel, err);
    return is_opened(&response) ? begin(upload, &response, err)
                                : registry_refused(&call, &response, err);
}

/* The registry or its token server rejects the mount. An upload may still be allowed. */
static bool is_rejected(const struct error *err)
{
    return err->code == ERROR_UNAUTHORIZED || err->code == ERROR_FORBIDDEN ||
           (err->status_kind == STATUS_HTTP && err->status >= 400 && err->status < 500 &&
            err->code != ERROR_RATE_LIMITED);
}

bool blob_upload_mount(struct blob_upload *upload, const char *from, bool *mounted,
                       struct cancel *cancel, struct error *err)
{
    return request_mount(upload, from, mounted, cancel, err) ||
           (is_rejected(err) && blob_upload_open(upload, cancel, err));
}

static struct registry_call call_of(const struct blob_upload *upload, const char *method)
{
    return (struct registry_call){
        .mirror = upload->mirror,
        .method = method,
        .url = upload->url.data,
        .path = "/blobs/uploads/...", /* for messages: the URL may hold a secret */
        .scope = scope_of(upload),
        .without_identity = upload->foreign,
    };
}

/* Reads the number of bytes. "0-0" means one byte or none: one only if one was sent. */
static bool bytes_of_range(const struct blob_upload *upload, const char *range, uint64_t *bytes)
{
    uint64_t last;

    if (!upload_location_range(range, &last))
        return false;
    *bytes = last == 0 && upload->sent != 1 ? 0 : last + 1;
    return true;
}

static bool set_offset(struct blob_upload *upload, const char *range, struct error *err)
{
    uint64_t bytes;

    if (!bytes_of_range(upload, range, &bytes))
        return error_set(err, ERROR_PROTOCOL, "invalid Range of the upload \"%.40s\"", range);
    if (bytes > upload->sent)
        return error_set(err, ERROR_PROTOCOL,
                         "the registry has %" PRIu64 " bytes of the upload, but only %" PRIu64
                         " were sent",
                         bytes, upload->sent);
    upload->offset = upload->range_lags && bytes < upload->accepted ? upload->accepted : bytes;
    return true;
}

bool blob_upload_refresh(struct blob_upload *upload, struct cancel *cancel, struct error *err)
{
    REGISTRY_RESPONSE(response);
    const struct registry_call call = call_of(upload, "GET");
    char range[NUMBER_BYTES] = "";

    if (!registry_call(upload->registry, &call, &response, cancel, err))
        return false;
    if (!is_opened(&response))
        return registry_refused(&call, &response, err);
    (void)http_response_header(&response, "range", 0, range,
                               sizeof(range)); /* "" is invalid, too */
    return update_url(upload, &response, err) && set_offset(upload, range, err);
}

bool blob_upload_skip_accepted(struct blob_upload *upload)
{
    upload->range_lags = upload->range_lags || upload->offset < upload->accepted;
    if (upload->offset >= upload->accepted)
        return false;
    upload->offset = upload->accepted;
    return true;
}

/* `range` is not what was accepted: asks again. `before`: the offset before the chunk. */
static bool catch_up(struct blob_upload *upload, const char *range, uint64_t before,
                     struct cancel *cancel, struct error *err)
{
    struct error lost;
    uint64_t bytes;
    bool known = bytes_of_range(upload, range, &bytes);

    snprintf(upload->odd_range, sizeof(upload->odd_range), "%s", range);
    upload->odd_bytes = upload->accepted;
    if (!blob_upload_refresh(upload, cancel, &lost)) {
        if (!blob_upload_was_answered(&lost)) {
            *err = lost;
            return false;
        }
        upload->offset = known ? bytes : before;
    }
    if (upload->offset <= before)
        (void)blob_upload_skip_accepted(upload);
    return true;
}

static bool check_range(struct blob_upload *upload, const struct http_response *response,
                        uint64_t before, struct cancel *cancel, struct error *err)
{
    char range[NUMBER_BYTES];
    uint64_t bytes;

    if (upload->range_lags || !http_response_header(response, "range", 0, range, sizeof(range)))
        return true;
    if (!bytes_of_range(upload, range, &bytes) || bytes < upload->accepted)
        return catch_up(upload, range, before, cancel, err);
    return set_offset(upload, range, err);
}

bool blob_upload_send(struct blob_upload *upload, const struct registry_source *source,
                      uint64_t end, struct cancel *cancel, struct error *err)
{
    REGISTRY_RESPONSE(response);
    struct registry_call call = call_of(upload, "PATCH");
    uint64_t before = upload->offset;
    char header[NUMBER_BYTES];

    snprintf(header, sizeof(header), "Content-Range: %" PRIu64 "-%" PRIu64, before, end - 1);
    call.header = "Content-Type: application/octet-stream";
    call.more_header = header;
    call.source = source;
    call.body_bytes = end - before;
    upload->sent = end;
    if (!registry_call(upload->registry, &call, &response, cancel, err))
        return false;
    if (!is_opened(&response) && response.status != 201)
        return registry_refused(&call, &response, err);
    if (!update_url(upload, &response, err))
        return false;
    upload->offset = upload->accepted = end;
    return check_range(upload, &response, before, cancel, err);
}

bool blob_upload_finish(struct blob_upload *upload, const struct registry_source *source,
                        struct cancel *cancel, struct error *err)
{
    REGISTRY_RESPONSE(response);
    CLEANUP(buf_deinit) struct buf url = BUF_INIT(REGISTRY_URL_BYTES);
    struct registry_call call = call_of(upload, "PUT");

    buf_printf(&url, "%s%cdigest=", upload->url.data, strchr(upload->url.data, '?') ? '&' : '?');
    http_escape(&url, upload->blob->digest);
    if (!buf_ok(&url, err))
        return false;
    call.url = url.data;
    call.header = "Content-Type: application/octet-stream";
    call.source = source;
    call.body_bytes = source ? (uint64_t)upload->blob->size : 0;
    return registry_call(upload->registry, &call, &response, cancel, err) &&
           registry_check_stored(&call, &response, &upload->content, cancel, err);
}

static bool delete_at(const struct blob_upload *upload, const char *scope, struct cancel *cancel,
                      struct error *err)
{
    REGISTRY_RESPONSE(response);
    struct registry_call call = call_of(upload, "DELETE");

    if (scope)
        call.scope = scope;
    return registry_call(upload->registry, &call, &response, cancel, err) &&
           (is_opened(&response) || registry_refused(&call, &response, err));
}

/* Most registries accept the push scope; others require delete, which needs a token of its own. */
static bool delete_upload(const struct blob_upload *upload, struct cancel *cancel,
                          struct error *err)
{
    CLEANUP(buf_deinit) struct buf scope = BUF_INIT(REGISTRY_URL_BYTES);

    if (delete_at(upload, NULL, cancel, err))
        return true;
    if (upload->foreign || (err->code != ERROR_UNAUTHORIZED && err->code != ERROR_FORBIDDEN))
        return false;
    buf_printf(&scope, REGISTRY_DELETE_SCOPE, upload->mirror->repository);
    return buf_ok(&scope, err) && delete_at(upload, scope.data, cancel, err);
}

void blob_upload_cancel(struct blob_upload *upload, bool stopping)
{
    CLEANUP(cancel_deinit) struct cancel cancel;
    struct error err;

    if (upload->url.size == 0)
        return;
    cancel_init(&cancel, clock_now_ns() + (stopping ? CANCEL_STOPPING_NS : CANCEL_NS));
    if (!delete_upload(upload, &cancel, &err) && err.code != ERROR_NOT_FOUND)
        upload->registry->traffic.stranded++;
    buf_clear(&upload->url);
}
