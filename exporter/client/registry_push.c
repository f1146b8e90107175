/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads: POST opens one and tells its place, one PUT fills and closes it. An upload that
 * fails is taken back, so that probes leave no half uploads in the registry.
 */
#include "base/clock.h"
#include "client/digest.h"
#include "client/http_message.h"
#include "client/registry_call.h"
#include "client/registry_status.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LOCATION_BYTES   ((size_t)8192)
#define TAKE_BACK_NS     (2 * NS_PER_SECOND)
#define TAKE_BACK_NOW_NS (300 * NS_PER_MS) /* when we were asked to stop */

/* Where an upload goes on. */
struct upload {
    struct registry_site *site;
    struct buf url;
    bool foreign; /* another host's or scheme's: it is not told who we are */
};

static void upload_deinit(struct upload *upload)
{
    buf_deinit(&upload->url);
}

/* Makes a Location absolute: it is a URL, a URL without scheme, or a path on the same host. */
static bool resolve(const char *location, struct upload *upload, struct error *err)
{
    const char *base = upload->site->base;
    char ours[HTTP_ORIGIN_BYTES], theirs[HTTP_ORIGIN_BYTES];
    size_t scheme_size = strcspn(base, ":") + 1;

    http_origin(base, ours, sizeof(ours));
    if (strncmp(location, "//", 2) == 0)
        buf_append(&upload->url, base, scheme_size);
    else if (location[0] == '/')
        buf_append_str(&upload->url, ours);
    else if (strncasecmp(location, "http://", 7) != 0 && strncasecmp(location, "https://", 8) != 0)
        return error_set(err, ERROR_PROTOCOL, "the Location of the upload is not a URL");
    buf_append(&upload->url, location, strcspn(location, "#"));
    if (!buf_ok(&upload->url, err))
        return false;
    http_origin(upload->url.data, theirs, sizeof(theirs));
    upload->foreign = strcasecmp(ours, theirs) != 0;
    return true;
}

static bool open_upload(struct registry *registry, struct upload *upload, struct cancel *cancel,
                        struct error *err)
{
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(REGISTRY_FAILURE_BYTES);
    const struct registry_call call = {
        .site = upload->site, .method = "POST", .path = "/blobs/uploads/"};
    char location[LOCATION_BYTES];

    if (!registry_call(registry, &call, &response, cancel, err))
        return false;
    if (response.status != 202 && response.status != 200 && response.status != 204)
        return registry_refused(&call, &response, err);
    if (!http_response_header(&response, "location", 0, location, sizeof(location)))
        return error_set(err, ERROR_PROTOCOL, "the registry opened an upload without a Location");
    return resolve(location, upload, err);
}

/* The registry's word for what it has stored, where it gives one. */
static bool check_stored(const struct registry_call *call, const struct http_response *response,
                         const char *digest, struct error *err)
{
    char stored[LOCATION_BYTES];

    if (response->status < 200 || response->status > 204 || response->status == 203)
        return registry_refused(call, response, err);
    if (!http_response_header(response, "docker-content-digest", 0, stored, sizeof(stored)) ||
        strcmp(stored, digest) == 0)
        return true;
    return error_set(err, ERROR_DIGEST_MISMATCH, "the registry stored %.80s instead of %.80s",
                     stored, digest);
}

static bool fill_upload(struct registry *registry, const struct upload *upload,
                        const struct descriptor *blob, const struct registry_source *source,
                        struct http_response *response, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf url = BUF_INIT(REGISTRY_URL_BYTES);
    struct registry_call call = {
        .site = upload->site,
        .method = "PUT",
        .path = "/blobs/uploads/...", /* for messages: the place itself may hold a secret */
        .header = "Content-Type: application/octet-stream",
        .without_identity = upload->foreign,
        .source = source,
        .body_bytes = (uint64_t)blob->size,
    };

    buf_printf(&url, "%s%cdigest=", upload->url.data, strchr(upload->url.data, '?') ? '&' : '?');
    http_escape(&url, blob->digest);
    if (!buf_ok(&url, err))
        return false;
    call.url = url.data;
    return registry_call(registry, &call, response, cancel, err) &&
           check_stored(&call, response, blob->digest, err);
}

/* As well as it can be done in a moment; what fails here has failed before. */
static void take_back(struct registry *registry, const struct upload *upload, bool in_haste)
{
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(REGISTRY_FAILURE_BYTES);
    const struct registry_call call = {
        .site = upload->site,
        .method = "DELETE",
        .url = upload->url.data,
        .path = "/blobs/uploads/...",
        .without_identity = upload->foreign,
    };
    CLEANUP(cancel_deinit) struct cancel cancel;
    struct error unused;

    cancel_init(&cancel, clock_now_ns() + (in_haste ? TAKE_BACK_NOW_NS : TAKE_BACK_NS));
    (void)!registry_call(registry, &call, &response, &cancel, &unused);
}

static bool upload_blob(struct registry *registry, const struct descriptor *blob,
                        const struct registry_source *source, struct cancel *cancel,
                        struct error *err)
{
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(REGISTRY_FAILURE_BYTES);
    CLEANUP(upload_deinit)
    struct upload upload = {.site = registry_push_site(registry, err),
                            .url = BUF_INIT(REGISTRY_URL_BYTES)};

    if (!upload.site || !open_upload(registry, &upload, cancel, err))
        return false;
    if (fill_upload(registry, &upload, blob, source, &response, cancel, err))
        return true;
    take_back(registry, &upload, cancel_requested(cancel));
    return false;
}

bool registry_push_blob(struct registry *registry, const struct descriptor *blob,
                        const struct registry_source *source, struct cancel *cancel,
                        struct error *err)
{
    if (!digest_valid(blob->digest) || blob->size < 0)
        return error_set(err, ERROR_INVALID, "blob \"%.80s\": no sha256 digest or no size",
                         blob->digest ? blob->digest : "");
    return upload_blob(registry, blob, source, cancel, err) ||
           error_wrap(err, "push of blob %s", blob->digest);
}

struct memory {
    const struct buf *from;
    size_t at;
};

static bool memory_rewind(void *arg, struct cancel *cancel, struct error *err)
{
    struct memory *memory = arg;

    (void)cancel;
    (void)err;
    memory->at = 0;
    return true;
}

static bool memory_read(void *arg, void *data, size_t size, size_t *n, struct error *err)
{
    struct memory *memory = arg;
    size_t left = memory->from->size - memory->at;

    (void)err;
    *n = left < size ? left : size;
    if (*n > 0)
        memcpy(data, memory->from->data + memory->at, *n);
    memory->at += *n;
    return true;
}

bool registry_push_manifest(struct registry *registry, const char *object,
                            const struct descriptor *manifest, const struct buf *body,
                            struct cancel *cancel, struct error *err)
{
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(REGISTRY_FAILURE_BYTES);
    struct memory memory = {.from = body};
    const struct registry_source source = {memory_rewind, memory_read, &memory};
    char path[REGISTRY_OBJECT_BYTES + 32], header[256];
    const struct registry_call call = {
        .site = registry_push_site(registry, err),
        .method = "PUT",
        .path = path,
        .header = header,
        .source = &source,
        .body_bytes = body->size,
    };

    if (!call.site || !registry_check_object(object, err))
        return false;
    snprintf(path, sizeof(path), "/manifests/%s", object);
    snprintf(header, sizeof(header), "Content-Type: %s", manifest->media_type);
    return (registry_call(registry, &call, &response, cancel, err) &&
            check_stored(&call, &response, manifest->digest, err)) ||
           error_wrap(err, "push of manifest %s", object);
}
