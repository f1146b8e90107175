/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pushing: a blob at once or in chunks, again where a connection breaks, and manifests. An upload
 * that fails is taken back, so that probes leave no half uploads in the registry.
 */
#include "oci/digest.h"
#include "registry/registry_call.h"
#include "registry/registry_status.h"
#include "registry/registry_upload.h"

#include <stdio.h>
#include <string.h>

#define BARREN_MAX  3 /* new attempts in a row that got no further */
#define PIECE_BYTES ((size_t)64 << 10)

/* The rest of a blob from `start` on; the source underneath can only begin at its beginning. */
struct body {
    const struct registry_source *source;
    uint64_t start, position; /* position: of the source, if it is open */
    uint64_t furthest;        /* that was told to `progress` */
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
    if (body->position > body->furthest) {
        progress_moved(body->progress, body->position - body->furthest);
        body->furthest = body->position;
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
            return error_set(err, ERROR_SIZE_MISMATCH, "the blob ended too early");
    }
    return true;
}

/* A source that is where it should be goes on. */
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
    uint64_t size, chunk_bytes; /* chunk_bytes 0: at once */
};

static void push_deinit(struct push *push)
{
    blob_upload_deinit(&push->upload);
}

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
        uint64_t before = push->upload.offset;

        push->body.start = before;
        if (!blob_upload_send(&push->upload, source, end_of_chunk(push), cancel, err))
            return false;
        if (push->upload.offset <= before)
            return error_set(err, ERROR_PROTOCOL, "the registry takes chunks and keeps nothing");
    }
    return true;
}

static bool fill(struct push *push, struct cancel *cancel, struct error *err)
{
    const struct registry_source source = {body_rewind, body_read, &push->body};

    if (push->chunk_bytes > 0)
        return send_chunks(push, &source, cancel, err) &&
               blob_upload_finish(&push->upload, NULL, cancel, err);
    push->body.start = 0;
    return blob_upload_finish(&push->upload, &source, cancel, err);
}

/* 416: the registry and we do not agree on what it has. */
static bool is_break(const struct error *err)
{
    return err->code == ERROR_CONNECT || error_has_status(err, STATUS_HTTP, 416);
}

/* After a break: the registry may have all of it (*done), or know how far it came, or neither. */
static bool recover(struct push *push, bool *done, struct cancel *cancel, struct error *err)
{
    struct blob_upload *upload = &push->upload;
    bool chunked = push->chunk_bytes > 0;
    struct error lost;

    upload->registry->traffic.resumed++;
    progress_note(upload->registry->progress, "the upload broke off: %s; again",
                  error_code_name(err->code));
    if ((!chunked || upload->offset == push->size) &&
        !registry_blob_exists(upload->registry, upload->blob, done, cancel, err))
        return false;
    if (*done || (chunked && blob_upload_ask(upload, cancel, &lost)))
        return true;
    if (chunked && lost.status_kind == STATUS_NONE) {
        *err = lost;
        return false;
    }
    blob_upload_take_back(upload, false);
    return blob_upload_open(upload, cancel, err);
}

static bool fill_patiently(struct push *push, struct cancel *cancel, struct error *err)
{
    uint64_t furthest = 0;
    bool done = false;

    for (unsigned barren = 0; !done && !fill(push, cancel, err);) {
        struct error stopped;

        if (!is_break(err) || barren == BARREN_MAX || !cancel_check(cancel, &stopped) ||
            !recover(push, &done, cancel, err))
            return false;
        barren = push->upload.offset > furthest ? 0 : barren + 1;
        if (barren == 0)
            furthest = push->upload.offset;
    }
    return true;
}

static bool push_blob(struct push *push, const char *mount_from, bool *mounted,
                      struct cancel *cancel, struct error *err)
{
    struct blob_upload *upload = &push->upload;

    upload->site = registry_push_site(upload->registry, err);
    if (!upload->site || !(mount_from ? blob_upload_mount(upload, mount_from, mounted, cancel, err)
                                      : blob_upload_open(upload, cancel, err)))
        return false;
    if (*mounted || fill_patiently(push, cancel, err))
        return true;
    blob_upload_take_back(upload, cancel_requested(cancel));
    return false;
}

bool registry_push_blob(struct registry *registry, const struct descriptor *blob,
                        const struct registry_source *source, const struct registry_upload *how,
                        bool *mounted, struct cancel *cancel, struct error *err)
{
    CLEANUP(push_deinit)
    struct push push = {.upload = BLOB_UPLOAD_INIT(registry, blob),
                        .body = {.source = source, .progress = registry->progress}};

    *mounted = false;
    if (!digest_valid(blob->digest) || blob->size < 0)
        return error_set(err, ERROR_INVALID, "blob \"%.80s\": no sha256 digest or no size",
                         blob->digest ? blob->digest : "");
    push.size = (uint64_t)blob->size;
    push.chunk_bytes = how->chunk_bytes;
    return push_blob(&push, how->mount_from, mounted, cancel, err) ||
           error_wrap(err, "push of blob %s", blob->digest);
}

static bool rewind_text(void *arg, struct cancel *cancel, struct error *err)
{
    struct http_text *text = arg;

    (void)cancel;
    (void)err;
    text->sent = 0;
    return true;
}

bool registry_push_manifest(struct registry *registry, const char *object,
                            const struct descriptor *manifest, const struct buf *body,
                            struct cancel *cancel, struct error *err)
{
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(REGISTRY_FAILURE_BYTES);
    struct http_text text = {body, 0};
    const struct registry_source source = {rewind_text, http_text_read, &text};
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
            registry_check_stored(&call, &response, manifest->digest, err)) ||
           error_wrap(err, "push of manifest %s", object);
}
