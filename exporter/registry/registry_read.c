/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_read.h"

#include "encoding/json.h"
#include "oci/digest.h"
#include "registry/registry_stored.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MEDIA_TYPE_BYTES  ((size_t)256)
#define RETRIES_MAX       3 /* broken connections in a row without progress */
#define DESCRIPTION_BYTES ((size_t)4096)

#define ACCEPT                                                                                     \
    "Accept: " MEDIA_TYPE_DOCKER_MANIFEST ", " MEDIA_TYPE_DOCKER_LIST ", " MEDIA_TYPE_OCI_MANIFEST \
    ", " MEDIA_TYPE_OCI_INDEX ", */*"

struct manifest_query {
    const char *object;
    struct buf *body;
    struct descriptor *found;
    struct arena *arena;
};

struct manifest_sink {
    struct registry *registry;
    struct buf *body;
};

static bool append_manifest(void *arg, const void *data, size_t size, struct error *err)
{
    struct manifest_sink *sink = arg;

    sink->registry->traffic.fetched_bytes += size;
    progress_moved(sink->registry->progress, size);
    if (size > MANIFEST_LIMIT_BYTES - sink->body->size)
        return error_set(err, ERROR_LIMIT, "manifest too large: limit is %zu bytes",
                         MANIFEST_LIMIT_BYTES);
    buf_append(sink->body, data, size);
    return buf_ok(sink->body, err);
}

static bool is_generic(const char *media_type)
{
    static const char *const generic[] = {"", "application/octet-stream", "application/json",
                                          "text/plain"};

    for (size_t i = 0; i < sizeof(generic) / sizeof(generic[0]); i++)
        if (strcmp(media_type, generic[i]) == 0)
            return true;
    return false;
}

static const char *media_type_of(const struct http_response *response, const struct buf *body,
                                 struct arena *arena)
{
    struct error unused;
    CLEANUP(json_freep) struct json_document *document = NULL;
    char type[MEDIA_TYPE_BYTES];
    const char *own;

    if (!http_response_header(response, "content-type", 0, type, sizeof(type)))
        type[0] = '\0';
    type[strcspn(type, "; \t")] = '\0';
    if (!is_generic(type))
        return arena_strdup(arena, type);
    document = json_parse(body->data, body->size, &unused);
    own = document ? json_text(json_member(json_root(document), "mediaType")) : NULL;
    return arena_strdup(arena, own && own[0] ? own : type);
}

/* Computes the digest of the body with the algorithm of the promised digest. With none, or an
 * unknown one, it is canonical and cannot be compared. */
static bool verify(const char *promised, const struct buf *body, char digest[DIGEST_TEXT_BYTES],
                   struct error *err)
{
    return digest_of_like(digest_valid(promised) ? promised : DIGEST_CANONICAL,
                          body->size > 0 ? body->data : "", body->size, digest, err) &&
           registry_check_digest(promised, digest, err);
}

static bool describe(const char *object, const struct http_response *response,
                     const struct buf *body, struct descriptor *found, struct arena *arena,
                     struct error *err)
{
    char digest[DIGEST_TEXT_BYTES], announced[DIGEST_TEXT_BYTES];

    if (!registry_announced_digest(response, announced, err) ||
        !verify(announced, body, digest, err) ||
        (strchr(object, ':') && !verify(object, body, digest, err)))
        return false;
    *found = (struct descriptor){
        .media_type = media_type_of(response, body, arena),
        .digest = arena_strdup(arena, digest),
        .size = (int64_t)body->size,
    };
    return arena_ok(arena, err);
}

static bool get_manifest(struct registry *registry, struct registry_mirror *mirror,
                         const struct manifest_query *query, struct cancel *cancel,
                         struct error *err)
{
    REGISTRY_RESPONSE(response);
    struct manifest_sink sink = {registry, query->body};
    char path[REGISTRY_PATH_BYTES];
    struct registry_call call = {
        .mirror = mirror,
        .method = "GET",
        .path = path,
        .header = ACCEPT,
        .follow_redirects = true,
        .sink = append_manifest,
        .sink_arg = &sink,
    };

    buf_clear(query->body);
    snprintf(path, sizeof(path), "/manifests/%s", query->object);
    if (!registry_call(registry, &call, &response, cancel, err))
        return false;
    if (response.status != 200)
        return registry_refused(&call, &response, err);
    return describe(query->object, &response, query->body, query->found, query->arena, err) ||
           error_wrap(err, "manifest %s", query->object);
}

static enum registry_verdict try_manifest(struct registry *registry, struct registry_mirror *mirror,
                                          void *arg, struct cancel *cancel, struct error *err)
{
    if (!get_manifest(registry, mirror, arg, cancel, err))
        return REGISTRY_NEXT;
    registry_note_served(registry, mirror);
    return REGISTRY_DONE;
}

bool registry_manifest(struct registry *registry, const char *object, struct buf *body,
                       struct descriptor *found, struct arena *arena, struct cancel *cancel,
                       struct error *err)
{
    struct manifest_query query = {object, body, found, arena};
    unsigned resolve = strchr(object, ':') ? 0 : HOST_RESOLVE; /* a digest needs no resolving */

    return registry_check_object(object, err) &&
           registry_try_mirrors(registry, HOST_PULL | resolve, try_manifest, &query, cancel, err);
}

static bool blob_path(const struct descriptor *blob, char *path, size_t path_size,
                      struct error *err)
{
    if (!digest_valid(blob->digest))
        return error_set(err, ERROR_UNSUPPORTED,
                         "unsupported digest of a blob \"%.80s\": expected sha256, sha384 or "
                         "sha512",
                         blob->digest ? blob->digest : "");
    snprintf(path, path_size, "/blobs/%s", blob->digest);
    return true;
}

/* Verifies the bytes of a blob on their way to the caller's sink, over several connections and
 * hosts. */
struct download {
    struct registry *registry;
    const struct http_response *response; /* of the current connection */
    struct digest *digest;                /* NULL: the sink verifies it */
    uint64_t promised, received;
    uint64_t skip;      /* bytes to drop, because the host ignored the Range */
    bool range_checked; /* whether the range of the current response was checked */
    bool rejected;      /* the sink or a check rejected the bytes: no other host is tried */
    http_sink *sink;
    void *arg;
};

/* Checks that a 206 is the requested range. A host may also send the whole blob. */
static bool check_range(struct download *download, struct error *err)
{
    char range[64] = "", wanted[64];

    download->range_checked = true;
    if (download->response->status != 206) {
        download->skip = download->received;
        return true;
    }
    snprintf(wanted, sizeof(wanted), "bytes %" PRIu64 "-", download->received);
    if (http_response_header(download->response, "content-range", 0, range, sizeof(range)) &&
        strncmp(range, wanted, strlen(wanted)) == 0)
        return true;
    download->rejected = true;
    return error_set(err, ERROR_PROTOCOL, "invalid Content-Range \"%s\": expected \"%s...\"", range,
                     wanted);
}

static bool append_piece(void *arg, const void *data, size_t size, struct error *err)
{
    struct download *download = arg;
    size_t skipped;

    download->registry->traffic.fetched_bytes += size;
    if (!download->range_checked && !check_range(download, err))
        return false;
    skipped = size < download->skip ? size : (size_t)download->skip;
    download->skip -= skipped;
    data = (const char *)data + skipped;
    size -= skipped;
    if (size > download->promised - download->received) {
        download->rejected = true;
        return error_set(err, ERROR_SIZE_MISMATCH, "blob too large: expected %" PRIu64 " bytes",
                         download->promised);
    }
    download->received += size;
    progress_moved(download->registry->progress, size);
    if (download->digest)
        digest_update(download->digest, data, size);
    download->rejected = size > 0 && !download->sink(download->arg, data, size, err);
    return !download->rejected;
}

static bool request_blob(struct registry *registry, struct registry_mirror *mirror,
                         const char *path, struct download *download, struct cancel *cancel,
                         struct error *err)
{
    REGISTRY_RESPONSE(response);
    char range[64];
    const struct registry_call call = {
        .mirror = mirror,
        .method = "GET",
        .path = path,
        .header = download->received > 0 ? range : NULL,
        .follow_redirects = true,
        .sink = append_piece,
        .sink_arg = download,
    };

    snprintf(range, sizeof(range), "Range: bytes=%" PRIu64 "-", download->received);
    download->response = &response;
    download->range_checked = false;
    download->skip = 0;
    if (!registry_call(registry, &call, &response, cancel, err))
        return false;
    if (response.status != 200 && response.status != 206)
        return registry_refused(&call, &response, err);
    return true;
}

struct blob_attempt {
    const char *path;
    struct download *download;
};

/* Resumes after a broken connection if some bytes have arrived. */
static enum registry_verdict download_from(struct registry *registry,
                                           struct registry_mirror *mirror, void *arg,
                                           struct cancel *cancel, struct error *err)
{
    const struct blob_attempt *query = arg;
    struct download *download = query->download;

    for (unsigned retries = 0; retries < RETRIES_MAX;) {
        uint64_t before = download->received;
        struct error stopped;

        if (request_blob(registry, mirror, query->path, download, cancel, err))
            return REGISTRY_DONE;
        if (download->rejected)
            return REGISTRY_GIVE_UP;
        if (err->code != ERROR_CONNECT || download->received == 0 ||
            !cancel_check(cancel, &stopped))
            break;
        retries = download->received > before ? 0 : retries + 1;
        registry->traffic.resumed++;
        progress_note(registry->progress, "the connection broke; resuming at byte %" PRIu64,
                      download->received);
    }
    return REGISTRY_NEXT;
}

static bool check_complete(struct download *download, const struct descriptor *blob,
                           struct error *err)
{
    char digest[DIGEST_TEXT_BYTES];

    if (download->received != download->promised)
        return error_set(err, ERROR_SIZE_MISMATCH, "blob has %" PRIu64 " bytes: expected %" PRIu64,
                         download->received, download->promised);
    if (!download->digest)
        return true;
    digest_finish(download->digest, digest);
    return registry_check_digest(blob->digest, digest, err);
}

static bool fetch(struct download *download, const struct descriptor *blob, struct cancel *cancel,
                  struct error *err)
{
    char path[DIGEST_TEXT_BYTES + 32];
    struct blob_attempt query = {path, download};

    if (!blob_path(blob, path, sizeof(path), err))
        return false;
    if (blob->size < 0)
        return error_set(err, ERROR_PROTOCOL, "blob %s: negative size", blob->digest);
    download->promised = (uint64_t)blob->size;
    return (registry_try_mirrors(download->registry, 0, download_from, &query, cancel, err) &&
            check_complete(download, blob, err)) ||
           error_wrap(err, "blob %s", blob->digest);
}

bool registry_blob_unverified(struct registry *registry, const struct descriptor *blob,
                              http_sink *sink, void *arg, struct cancel *cancel, struct error *err)
{
    struct download download = {.registry = registry, .sink = sink, .arg = arg};

    return fetch(&download, blob, cancel, err);
}

bool registry_blob(struct registry *registry, const struct descriptor *blob, http_sink *sink,
                   void *arg, struct cancel *cancel, struct error *err)
{
    CLEANUP(digest_freep) struct digest *digest = digest_new(blob->digest, err);
    struct download download = {.registry = registry, .digest = digest, .sink = sink, .arg = arg};

    return digest && fetch(&download, blob, cancel, err);
}

/* Reads Docker-Content-Digest; "" if it is absent or of an unknown algorithm. */
static bool announced_digest(const struct http_response *response, const char *object,
                             char digest[DIGEST_TEXT_BYTES], struct error *err)
{
    char announced[REGISTRY_OBJECT_BYTES];

    if (!http_response_header(response, "docker-content-digest", 0, announced, sizeof(announced)) ||
        !digest_valid(announced))
        digest[0] = '\0';
    else if (!registry_check_digest(object, announced, err))
        return false;
    else
        memcpy(digest, announced, DIGEST_TEXT_BYTES);
    return true;
}

bool registry_blob_exists(struct registry *registry, const struct descriptor *blob, bool *exists,
                          struct cancel *cancel, struct error *err)
{
    REGISTRY_RESPONSE(response);
    char path[DIGEST_TEXT_BYTES + 32], announced[DIGEST_TEXT_BYTES];
    const struct registry_call call = {.mirror = registry_push_mirror(registry, err),
                                       .method = "HEAD",
                                       .path = path,
                                       .follow_redirects = true};

    if (!call.mirror || !blob_path(blob, path, sizeof(path), err) ||
        !registry_call(registry, &call, &response, cancel, err))
        return false;
    if (response.status != 200 && response.status != 404)
        return registry_refused(&call, &response, err);
    if (response.status == 200 && !announced_digest(&response, blob->digest, announced, err))
        return error_wrap(err, "blob %s", blob->digest);
    *exists = response.status == 200;
    return true;
}

/* For registries without Docker-Content-Digest: computes the digest of the bytes. */
static bool digest_of_bytes(struct registry *registry, struct registry_mirror *mirror,
                            const char *object, char digest[DIGEST_TEXT_BYTES],
                            struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(MANIFEST_LIMIT_BYTES);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(DESCRIPTION_BYTES);
    struct descriptor found = {.digest = ""};
    const struct manifest_query query = {object, &body, &found, &arena};

    if (!get_manifest(registry, mirror, &query, cancel, err) &&
        !error_is_expected_code(err, ERROR_NOT_FOUND))
        return false;
    snprintf(digest, DIGEST_TEXT_BYTES, "%s", found.digest);
    return true;
}

bool registry_manifest_digest(struct registry *registry, const char *object,
                              char digest[DIGEST_TEXT_BYTES], struct cancel *cancel,
                              struct error *err)
{
    REGISTRY_RESPONSE(response);
    char path[REGISTRY_PATH_BYTES], announced[DIGEST_TEXT_BYTES] = "";
    const struct registry_call call = {.mirror = registry_push_mirror(registry, err),
                                       .method = "HEAD",
                                       .path = path,
                                       .header = ACCEPT,
                                       .follow_redirects = true};

    if (!call.mirror || !registry_check_object(object, err))
        return false;
    snprintf(path, sizeof(path), "/manifests/%s", object);
    if (!registry_call(registry, &call, &response, cancel, err))
        return false;
    if (response.status != 200 && response.status != 404 && response.status != 405)
        return registry_refused(&call, &response, err);
    if (response.status == 200 && !announced_digest(&response, object, announced, err))
        return error_wrap(err, "manifest %s", object);
    if (response.status != 404 && !announced[0])
        return digest_of_bytes(registry, call.mirror, object, digest, cancel, err);
    memcpy(digest, announced, sizeof(announced));
    return true;
}
