/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading from a repository: manifests into memory, blobs past a verifier into the caller's
 * sink. Pushing is registry_push.c; who we are, registry_auth.c; what a refusal means,
 * registry_status.c.
 */
#include "client/registry.h"

#include "client/digest.h"
#include "client/json.h"
#include "client/registry_call.h"
#include "client/registry_status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ACCEPT                                                                                     \
    "Accept: " MEDIA_TYPE_DOCKER_MANIFEST ", " MEDIA_TYPE_DOCKER_LIST ", " MEDIA_TYPE_OCI_MANIFEST \
    ", " MEDIA_TYPE_OCI_INDEX ", */*"
#define MEDIA_TYPE_BYTES ((size_t)256)
#define USER_AGENT       "containerd_exporter"

static bool init(struct registry *registry, const struct reference *reference,
                 const struct registry_options *options, struct error *err)
{
    CLEANUP(buf_deinit) struct buf base = BUF_INIT(REGISTRY_URL_BYTES);
    CLEANUP(buf_deinit) struct buf scope = BUF_INIT(REGISTRY_URL_BYTES);

    buf_printf(&base, "%s://%s/v2/%s", options->plain_http ? "http" : "https", reference->endpoint,
               reference->repository);
    buf_printf(&scope, "repository:%s:%s", reference->repository,
               options->push ? "pull,push" : "pull");
    if (!buf_ok(&base, err) || !buf_ok(&scope, err))
        return false;
    registry->base = buf_take(&base);
    registry->traffic = (struct registry_traffic){
        .dns = -1, .connect = -1, .tls = -1, .token = -1, .first_byte = -1};
    registry->http = http_new(&(struct http_options){.ca_file = options->ca_file,
                                                     .skip_verify = options->skip_verify,
                                                     .user_agent = USER_AGENT},
                              err);
    return registry->http && registry_auth_init(&registry->auth, registry->http, options->username,
                                                options->password, scope.data, err);
}

struct registry *registry_new(const struct reference *reference,
                              const struct registry_options *options, struct error *err)
{
    CLEANUP(registry_freep) struct registry *registry = calloc(1, sizeof(*registry));

    if (!registry) {
        error_memory(err);
        return NULL;
    }
    if (!init(registry, reference, options, err))
        return NULL;
    registry->auth.plain_http = options->plain_http;
    return TAKE(registry);
}

void registry_free(struct registry *registry)
{
    if (!registry)
        return;
    registry_auth_deinit(&registry->auth);
    http_freep(&registry->http);
    free(registry->base);
    free(registry);
}

const struct registry_traffic *registry_traffic(const struct registry *registry)
{
    return &registry->traffic;
}

struct document {
    struct registry *registry;
    struct buf *body;
};

static bool take_document(void *arg, const void *data, size_t size, struct error *err)
{
    struct document *document = arg;

    document->registry->traffic.fetched_bytes += size;
    if (size > MANIFEST_LIMIT_BYTES - document->body->size)
        return error_set(err, ERROR_LIMIT, "the manifest has more than %zu bytes",
                         MANIFEST_LIMIT_BYTES);
    buf_append(document->body, data, size);
    return buf_ok(document->body, err);
}

/* A digest of another kind than ours is no promise that we could check. */
static bool check_digest(const char *promised, const char *actual, struct error *err)
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
        !check_digest(object, digest, err))
        return false;
    if (http_response_header(response, "docker-content-digest", 0, announced, sizeof(announced)) &&
        !check_digest(announced, digest, err))
        return false;
    *found = (struct descriptor){
        .media_type = media_type_of(response, body, arena),
        .digest = arena_strdup(arena, digest),
        .size = (int64_t)body->size,
    };
    return arena_ok(arena, err);
}

bool registry_manifest(struct registry *registry, const char *object, struct buf *body,
                       struct descriptor *found, struct arena *arena, struct cancel *cancel,
                       struct error *err)
{
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(REGISTRY_FAILURE_BYTES);
    struct document document = {registry, body};
    char path[REGISTRY_OBJECT_BYTES + 32];
    struct registry_call call = {
        .method = "GET",
        .path = path,
        .header = ACCEPT,
        .follow_redirects = true,
        .sink = take_document,
        .sink_arg = &document,
    };

    buf_clear(body);
    if (!registry_check_object(object, err))
        return false;
    snprintf(path, sizeof(path), "/manifests/%s", object);
    if (!registry_call(registry, &call, &response, cancel, err))
        return false;
    if (response.status != 200)
        return registry_refused(&call, &response, err);
    return describe(object, &response, body, found, arena, err) ||
           error_wrap(err, "manifest %s", object);
}

static bool blob_path(const struct descriptor *blob, char *path, size_t path_size,
                      struct error *err)
{
    if (!digest_valid(blob->digest))
        return error_set(err, ERROR_UNSUPPORTED, "blob \"%.80s\": no sha256 digest",
                         blob->digest ? blob->digest : "");
    snprintf(path, path_size, "/blobs/%s", blob->digest);
    return true;
}

/* Stands between the network and the caller's sink. */
struct verifier {
    struct registry *registry;
    struct digest *digest;
    uint64_t promised, received;
    http_sink *sink;
    void *arg;
};

static bool verify_piece(void *arg, const void *data, size_t size, struct error *err)
{
    struct verifier *verifier = arg;

    verifier->registry->traffic.fetched_bytes += size;
    if (size > verifier->promised - verifier->received)
        return error_set(err, ERROR_SIZE_MISMATCH, "more than the promised %" PRIu64 " bytes",
                         verifier->promised);
    verifier->received += size;
    digest_update(verifier->digest, data, size);
    return verifier->sink(verifier->arg, data, size, err);
}

static bool verify_end(struct verifier *verifier, const struct descriptor *blob, struct error *err)
{
    char digest[DIGEST_TEXT_BYTES];

    if (verifier->received != verifier->promised)
        return error_set(err, ERROR_SIZE_MISMATCH, "%" PRIu64 " bytes instead of %" PRIu64,
                         verifier->received, verifier->promised);
    digest_finish(verifier->digest, digest);
    return check_digest(blob->digest, digest, err);
}

static bool fetch_blob(struct registry *registry, const char *path, const struct descriptor *blob,
                       struct verifier *verifier, struct cancel *cancel, struct error *err)
{
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(REGISTRY_FAILURE_BYTES);
    const struct registry_call call = {
        .method = "GET",
        .path = path,
        .follow_redirects = true,
        .sink = verify_piece,
        .sink_arg = verifier,
    };

    if (!registry_call(registry, &call, &response, cancel, err))
        return false;
    if (response.status != 200)
        return registry_refused(&call, &response, err);
    return verify_end(verifier, blob, err);
}

bool registry_blob(struct registry *registry, const struct descriptor *blob, http_sink *sink,
                   void *arg, struct cancel *cancel, struct error *err)
{
    CLEANUP(digest_freep) struct digest *digest = NULL;
    char path[DIGEST_TEXT_BYTES + 32];

    if (!blob_path(blob, path, sizeof(path), err))
        return false;
    if (blob->size < 0)
        return error_set(err, ERROR_PROTOCOL, "blob %s: a negative size", blob->digest);
    digest = digest_new(err);
    if (!digest)
        return false;
    return fetch_blob(registry, path, blob,
                      &(struct verifier){.registry = registry,
                                         .digest = digest,
                                         .promised = (uint64_t)blob->size,
                                         .sink = sink,
                                         .arg = arg},
                      cancel, err) ||
           error_wrap(err, "blob %s", blob->digest);
}

bool registry_blob_exists(struct registry *registry, const struct descriptor *blob, bool *exists,
                          struct cancel *cancel, struct error *err)
{
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(REGISTRY_FAILURE_BYTES);
    char path[DIGEST_TEXT_BYTES + 32];
    const struct registry_call call = {.method = "HEAD", .path = path, .follow_redirects = true};

    if (!blob_path(blob, path, sizeof(path), err) ||
        !registry_call(registry, &call, &response, cancel, err))
        return false;
    if (response.status != 200 && response.status != 404)
        return registry_refused(&call, &response, err);
    *exists = response.status == 200;
    return true;
}
