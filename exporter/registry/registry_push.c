/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_push.h"

#include "oci/digest.h"
#include "registry/registry_blob.h"
#include "registry/registry_call.h"
#include "registry/registry_upload.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RETRIES_MAX 3 /* in a row without progress */
#define PIECE_BYTES ((size_t)64 << 10)

/* A source that starts at `start`: the source below can only start at 0. */
struct body {
    const struct registry_source *source;
    uint64_t start, position; /* position: of the open source */
    uint64_t reported;        /* position up to which `progress` is reported */
    struct progress *progress;
    bool open;
};

static bool body_read(void *arg, void *data, size_t size, size_t *n, struct error *err)
{
    struct body *body = arg;

    body->open = body->source->read(body->source->arg, data, size, n, err);
    if (!body->open)
        return false;
    body->position += *n;
    if (body->position > body->reported) {
        progress_moved(body->progress, body->position - body->reported);
        body->reported = body->position;
    }
    return true;
}

static bool skip(struct body *body, struct cancel *cancel, struct error *err)
{
    CLEANUP(freep) char *piece = malloc(PIECE_BYTES);

    if (!piece)
        return error_memory(err);
    while (body->position < body->start) {
        uint64_t left = body->start - body->position;
        size_t n;

        if (!cancel_check(cancel, err) ||
            !body_read(body, piece, left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, &n, err))
            return false;
        if (n == 0)
            return error_set(err, ERROR_SIZE_MISMATCH,
                             "the source ended %" PRIu64 " bytes too early", left);
    }
    return true;
}

/* Rewinds only if the source is not at `start` or before. */
static bool body_rewind(void *arg, struct cancel *cancel, struct error *err)
{
    struct body *body = arg;

    if (!body->open || body->position > body->start) {
        body->position = 0;
        body->open = body->source->rewind(body->source->arg, cancel, err);
    }
    return body->open && (body->position == body->start || skip(body, cancel, err));
}

struct push {
    struct blob_upload upload;
    struct body body;
    uint64_t size, chunk_bytes; /* chunk_bytes 0: one PUT */
};

static uint64_t end_of_chunk(const struct push *push)
{
    uint64_t least = push->upload.min_chunk_bytes, left = push->size - push->upload.offset;
    uint64_t chunk = push->chunk_bytes > least ? push->chunk_bytes : least;

    return push->upload.offset + (chunk < left ? chunk : left);
}

static bool send_chunks(struct push *push, const struct registry_source *source,
                        struct cancel *cancel, struct error *err)
{
    while (push->upload.offset < push->size) {
        push->body.start = push->upload.offset;
        if (!blob_upload_send(&push->upload, source, end_of_chunk(push), cancel, err))
            return false;
    }
    return true;
}

static bool send_body(struct push *push, struct cancel *cancel, struct error *err)
{
    const struct registry_source source = {body_rewind, body_read, &push->body};

    if (push->chunk_bytes > 0)
        return send_chunks(push, &source, cancel, err) &&
               blob_upload_finish(&push->upload, NULL, cancel, err);
    push->body.start = 0;
    return blob_upload_finish(&push->upload, &source, cancel, err);
}

/* 416: the registry has another offset than the client. */
static bool is_break(const struct error *err)
{
    return err->code == ERROR_CONNECT || error_has_status(err, STATUS_HTTP, 416);
}

/* After a broken upload the registry has the whole blob (*done), or a part at a known offset, or
 * nothing. */
static bool recover(struct push *push, bool *done, struct cancel *cancel, struct error *err)
{
    struct blob_upload *upload = &push->upload;
    bool chunked = push->chunk_bytes > 0;
    struct error lost;

    upload->registry->traffic.resumed++;
    progress_note(upload->registry->progress, "the upload broke: %s; trying again",
                  error_code_name(err->code));
    if ((!chunked || upload->offset == push->size) &&
        !registry_blob_exists(upload->registry, upload->blob, done, cancel, err))
        return false;
    if (*done ||
        (chunked && error_has_status(err, STATUS_HTTP, 416) && blob_upload_skip_accepted(upload)))
        return true;
    if (chunked && blob_upload_refresh(upload, cancel, &lost))
        return true;
    if (chunked && !blob_upload_was_answered(&lost)) {
        *err = lost;
        return false;
    }
    blob_upload_cancel(upload, false);
    return blob_upload_open(upload, cancel, err);
}

static bool send_with_retries(struct push *push, struct cancel *cancel, struct error *err)
{
    uint64_t furthest = 0;
    bool done = false;

    for (unsigned retries = 0; !done && !send_body(push, cancel, err);) {
        struct error stopped;

        if (!is_break(err) || retries == RETRIES_MAX || !cancel_check(cancel, &stopped) ||
            !recover(push, &done, cancel, err))
            return false;
        retries = push->upload.offset > furthest ? 0 : retries + 1;
        if (retries == 0)
            furthest = push->upload.offset;
    }
    return true;
}

/* A registry whose Range header did not match what it accepted cannot blame the bytes. */
static void explain(const struct blob_upload *upload, struct error *err)
{
    if (!*upload->odd_range)
        return;
    if (err->code == ERROR_DIGEST_MISMATCH || err->code == ERROR_SIZE_MISMATCH)
        err->code = ERROR_PROTOCOL;
    error_wrap(err, "the registry accepted %" PRIu64 " bytes, but its Range header said \"%s\"",
               upload->odd_bytes, upload->odd_range);
}

static bool push_blob(struct push *push, const char *mount_from, bool *mounted,
                      struct cancel *cancel, struct error *err)
{
    struct blob_upload *upload = &push->upload;

    upload->mirror = registry_push_mirror(upload->registry, err);
    if (!upload->mirror ||
        !(mount_from ? blob_upload_mount(upload, mount_from, mounted, cancel, err)
                     : blob_upload_open(upload, cancel, err)))
        return false;
    if (*mounted || send_with_retries(push, cancel, err))
        return true;
    explain(upload, err);
    blob_upload_cancel(upload, cancel_requested(cancel));
    return false;
}

bool registry_push_blob(struct registry *registry, const struct descriptor *blob,
                        const struct registry_source *source, const struct registry_upload *how,
                        bool *mounted, struct cancel *cancel, struct error *err)
{
    struct push push = {.upload = BLOB_UPLOAD_INIT(registry, blob, source),
                        .body = {.source = source, .progress = registry->progress}};
    bool ok;

    *mounted = false;
    if (!digest_valid(blob->digest) || blob->size < 0)
        return error_set(err, ERROR_INVALID, "invalid blob \"%.80s\": expected a digest and a size",
                         blob->digest ? blob->digest : "");
    push.size = (uint64_t)blob->size;
    push.chunk_bytes = how->chunk_bytes;
    ok = push_blob(&push, how->mount_from, mounted, cancel, err);
    blob_upload_deinit(&push.upload);
    return ok || error_wrap(err, "push of blob %s", blob->digest);
}

bool registry_push_manifest(struct registry *registry, const char *object,
                            const struct descriptor *manifest, const struct buf *body,
                            struct cancel *cancel, struct error *err)
{
    REGISTRY_RESPONSE(response);
    struct http_text text = {body, 0};
    const struct registry_source source = {http_text_rewind, http_text_read, &text};
    const struct registry_content content = {manifest->digest, &source};
    char path[REGISTRY_PATH_BYTES], header[256];
    const struct registry_call call = {
        .mirror = registry_push_mirror(registry, err),
        .method = "PUT",
        .path = path,
        .header = header,
        .source = &source,
        .body_bytes = body->size,
    };

    if (!call.mirror || !registry_check_object(object, err))
        return false;
    snprintf(path, sizeof(path), "/manifests/%s", object);
    snprintf(header, sizeof(header), "Content-Type: %s", manifest->media_type);
    return (registry_call(registry, &call, &response, cancel, err) &&
            registry_check_stored(&call, &response, &content, cancel, err)) ||
           error_wrap(err, "push of manifest %s", object);
}

static bool send_delete(struct registry *registry, const struct registry_call *call,
                        struct cancel *cancel, struct error *err)
{
    REGISTRY_RESPONSE(response);

    if (!registry_call(registry, call, &response, cancel, err))
        return false;
    return response.status == 202 || response.status == 200 || response.status == 204 ||
           response.status == 404 || registry_refused(call, &response, err);
}

/* Only a delete requests the delete scope: some token servers reject unknown actions. */
static bool delete_object(struct registry *registry, const char *kind, const char *object,
                          struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf scope = BUF_INIT(REGISTRY_URL_BYTES);
    char path[REGISTRY_PATH_BYTES];
    struct registry_call call = {
        .mirror = registry_push_mirror(registry, err),
        .method = "DELETE",
        .path = path,
    };

    if (!call.mirror || !registry_check_object(object, err))
        return false;
    snprintf(path, sizeof(path), "/%s/%s", kind, object);
    buf_printf(&scope, REGISTRY_DELETE_SCOPE, call.mirror->repository);
    if (!buf_ok(&scope, err))
        return false;
    call.scope = scope.data;
    return send_delete(registry, &call, cancel, err);
}

static bool delete_by_digest(struct registry *registry, const char *kind, const char *digest,
                             struct cancel *cancel, struct error *err)
{
    return digest_valid(digest) ? delete_object(registry, kind, digest, cancel, err)
                                : error_set(err, ERROR_INVALID, "invalid digest \"%.80s\"", digest);
}

bool registry_delete_manifest(struct registry *registry, const char *digest, struct cancel *cancel,
                              struct error *err)
{
    return delete_by_digest(registry, "manifests", digest, cancel, err);
}

bool registry_delete_blob(struct registry *registry, const char *digest, struct cancel *cancel,
                          struct error *err)
{
    return delete_by_digest(registry, "blobs", digest, cancel, err);
}

bool registry_delete_tag(struct registry *registry, const char *tag, struct cancel *cancel,
                         struct error *err)
{
    return delete_object(registry, "manifests", tag, cancel, err);
}
