/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading from a repository: manifests into memory, blobs past a verifier into the caller's
 * sink. Who is asked is registry_sites.c; how, registry_call.c; pushing is registry_push.c, its
 * questions before registry_head.c; who we are, registry_auth.c; what a refusal means,
 * registry_status.c.
 */
#include "registry/registry.h"

#include "encoding/json.h"
#include "oci/digest.h"
#include "registry/registry_call.h"
#include "registry/registry_status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MEDIA_TYPE_BYTES ((size_t)256)
#define BARREN_MAX       3 /* connections in a row that brought nothing */

struct document {
    struct registry *registry;
    struct buf *body;
};

static bool take_document(void *arg, const void *data, size_t size, struct error *err)
{
    struct document *document = arg;

    document->registry->traffic.fetched_bytes += size;
    progress_moved(document->registry->progress, size);
    if (size > MANIFEST_LIMIT_BYTES - document->body->size)
        return error_set(err, ERROR_LIMIT, "the manifest has more than %zu bytes",
                         MANIFEST_LIMIT_BYTES);
    buf_append(document->body, data, size);
    return buf_ok(document->body, err);
}

bool registry_check_digest(const char *promised, const char *actual, struct error *err)
{
    if (strncmp(promised, "sha256:", 7) != 0 || strcmp(promised, actual) == 0)
        return true;
    return error_set(err, ERROR_DIGEST_MISMATCH, "the registry sent %s instead of %.80s", actual,
                     promised);
}

static bool says_nothing(const char *media_type)
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
    if (!says_nothing(type))
        return arena_strdup(arena, type);
    document = json_parse(body->size > 0 ? body->data : "", body->size, &unused);
    own = document ? json_text(json_member(json_root(document), "mediaType")) : NULL;
    return arena_strdup(arena, own && own[0] ? own : type);
}

static bool describe(const char *object, const struct http_response *response,
                     const struct buf *body, struct descriptor *found, struct arena *arena,
                     struct error *err)
{
    char digest[DIGEST_TEXT_BYTES], announced[REGISTRY_OBJECT_BYTES];

    if (!digest_of(body->size > 0 ? body->data : "", body->size, digest, err) ||
        !registry_check_digest(object, digest, err))
        return false;
    if (http_response_header(response, "docker-content-digest", 0, announced, sizeof(announced)) &&
        !registry_check_digest(announced, digest, err))
        return false;
    *found = (struct descriptor){
        .media_type = media_type_of(response, body, arena),
        .digest = arena_strdup(arena, digest),
        .size = (int64_t)body->size,
    };
    return arena_ok(arena, err);
}

bool registry_ask_manifest(struct registry *registry, struct registry_site *site,
                           const struct registry_manifest_query *query, struct cancel *cancel,
                           struct error *err)
{
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(REGISTRY_FAILURE_BYTES);
    struct document document = {registry, query->body};
    char path[REGISTRY_OBJECT_BYTES + 32];
    struct registry_call call = {
        .site = site,
        .method = "GET",
        .path = path,
        .header = REGISTRY_ACCEPT,
        .follow_redirects = true,
        .sink = take_document,
        .sink_arg = &document,
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

static enum registry_verdict try_manifest(struct registry *registry, struct registry_site *site,
                                          void *arg, struct cancel *cancel, struct error *err)
{
    if (!registry_ask_manifest(registry, site, arg, cancel, err))
        return REGISTRY_NEXT;
    registry_note_served(registry, site);
    return REGISTRY_DONE;
}

bool registry_manifest(struct registry *registry, const char *object, struct buf *body,
                       struct descriptor *found, struct arena *arena, struct cancel *cancel,
                       struct error *err)
{
    struct registry_manifest_query query = {object, body, found, arena};
    unsigned by_tag = strchr(object, ':') ? 0 : HOST_RESOLVE;

    return registry_check_object(object, err) &&
           registry_try_sites(registry, HOST_PULL | by_tag, try_manifest, &query, cancel, err);
}

bool registry_blob_path(const struct descriptor *blob, char *path, size_t path_size,
                        struct error *err)
{
    if (!digest_valid(blob->digest))
        return error_set(err, ERROR_UNSUPPORTED, "blob \"%.80s\": no sha256 digest",
                         blob->digest ? blob->digest : "");
    snprintf(path, path_size, "/blobs/%s", blob->digest);
    return true;
}

/* Stands between the network and the caller's sink; outlives a connection and a host. */
struct download {
    struct registry *registry;
    const struct http_response *response; /* of the current answer */
    struct digest *digest;                /* NULL: the sink verifies it */
    uint64_t promised, received;
    uint64_t skip; /* of an answer that begins anew where it should have gone on */
    bool judged;   /* whether the current answer begins where it was asked to */
    bool unwanted; /* the sink or we ourselves refused the bytes: nobody else is asked */
    http_sink *sink;
    void *arg;
};

/* Whether the answer to a Range is that range; a whole blob is fine, too. */
static bool judge_range(struct download *download, struct error *err)
{
    char range[64], wanted[64];

    download->judged = true;
    if (download->response->status != 206) {
        download->skip = download->received;
        return true;
    }
    snprintf(wanted, sizeof(wanted), "bytes %" PRIu64 "-", download->received);
    if (http_response_header(download->response, "content-range", 0, range, sizeof(range)) &&
        strncmp(range, wanted, strlen(wanted)) == 0)
        return true;
    download->unwanted = true;
    return error_set(err, ERROR_PROTOCOL, "the registry sent another range than was asked for");
}

static bool take_piece(void *arg, const void *data, size_t size, struct error *err)
{
    struct download *download = arg;
    size_t skipped;

    download->registry->traffic.fetched_bytes += size;
    if (!download->judged && !judge_range(download, err))
        return false;
    skipped = size < download->skip ? size : (size_t)download->skip;
    download->skip -= skipped;
    data = (const char *)data + skipped;
    size -= skipped;
    if (size > download->promised - download->received) {
        download->unwanted = true;
        return error_set(err, ERROR_SIZE_MISMATCH, "more than the promised %" PRIu64 " bytes",
                         download->promised);
    }
    download->received += size;
    progress_moved(download->registry->progress, size);
    if (download->digest)
        digest_update(download->digest, data, size);
    download->unwanted = size > 0 && !download->sink(download->arg, data, size, err);
    return !download->unwanted;
}

static bool ask_blob(struct registry *registry, struct registry_site *site, const char *path,
                     struct download *download, struct cancel *cancel, struct error *err)
{
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(REGISTRY_FAILURE_BYTES);
    char range[64];
    const struct registry_call call = {
        .site = site,
        .method = "GET",
        .path = path,
        .header = download->received > 0 ? range : NULL,
        .follow_redirects = true,
        .sink = take_piece,
        .sink_arg = download,
    };

    snprintf(range, sizeof(range), "Range: bytes=%" PRIu64 "-", download->received);
    download->response = &response;
    download->judged = false;
    download->skip = 0;
    if (!registry_call(registry, &call, &response, cancel, err))
        return false;
    if (response.status != 200 && response.status != 206)
        return registry_refused(&call, &response, err);
    return true;
}

struct blob_query {
    const char *path;
    struct download *download;
};

/* A connection that breaks after something came is made again, and goes on from there, as long as
 * that gets further. */
static enum registry_verdict ask_blob_patiently(struct registry *registry,
                                                struct registry_site *site, void *arg,
                                                struct cancel *cancel, struct error *err)
{
    const struct blob_query *query = arg;
    struct download *download = query->download;

    for (unsigned barren = 0; barren < BARREN_MAX;) {
        uint64_t before = download->received;
        struct error stopped;

        if (ask_blob(registry, site, query->path, download, cancel, err))
            return REGISTRY_DONE;
        if (download->unwanted)
            return REGISTRY_GIVE_UP;
        if (err->code != ERROR_CONNECT || download->received == 0 ||
            !cancel_check(cancel, &stopped))
            break;
        barren = download->received > before ? 0 : barren + 1;
        registry->traffic.resumed++;
        progress_note(registry->progress, "the connection broke; goes on from byte %" PRIu64,
                      download->received);
    }
    return REGISTRY_NEXT;
}

static bool finish(struct download *download, const struct descriptor *blob, struct error *err)
{
    char digest[DIGEST_TEXT_BYTES];

    if (download->received != download->promised)
        return error_set(err, ERROR_SIZE_MISMATCH, "%" PRIu64 " bytes instead of %" PRIu64,
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
    struct blob_query query = {path, download};

    if (!registry_blob_path(blob, path, sizeof(path), err))
        return false;
    if (blob->size < 0)
        return error_set(err, ERROR_PROTOCOL, "blob %s: a negative size", blob->digest);
    download->promised = (uint64_t)blob->size;
    return (registry_try_sites(download->registry, 0, ask_blob_patiently, &query, cancel, err) &&
            finish(download, blob, err)) ||
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
    CLEANUP(digest_freep) struct digest *digest = digest_new(err);
    struct download download = {.registry = registry, .digest = digest, .sink = sink, .arg = arg};

    return digest && fetch(&download, blob, cancel, err);
}
