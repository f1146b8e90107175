/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_read.h"

#include "base/text.h"
#include "encoding/json.h"
#include "oci/digest.h"
#include "registry/registry_call.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MEDIA_TYPE_BYTES  ((size_t)256)
#define DESCRIPTION_BYTES ((size_t)4096)
#define NUMBER_BYTES      ((size_t)64)

#define ACCEPT                                                                                     \
    "Accept: " MEDIA_TYPE_DOCKER_MANIFEST ", " MEDIA_TYPE_DOCKER_LIST ", " MEDIA_TYPE_OCI_MANIFEST \
    ", " MEDIA_TYPE_OCI_INDEX ", */*"

struct manifest_query {
    const char *object;
    struct buf *body;
    struct descriptor *found;
    struct arena *arena;
    bool guess_type; /* by the document, where Content-Type says nothing */
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

/* Content-Type without parameters. containerd compares the rest as it is. */
static void content_type_of(const struct http_response *response, char type[MEDIA_TYPE_BYTES])
{
    if (!http_response_header(response, "content-type", 0, type, MEDIA_TYPE_BYTES))
        type[0] = '\0';
    type[strcspn(type, ";")] = '\0';
}

static const char *media_type_of(const struct http_response *response,
                                 const struct manifest_query *query)
{
    const struct buf *body = query->body;
    struct error unused;
    CLEANUP(json_freep) struct json_document *document = NULL;
    char type[MEDIA_TYPE_BYTES];
    const char *own;

    content_type_of(response, type);
    if (!query->guess_type || !is_generic(type))
        return arena_strdup(query->arena, type);
    document = json_parse(body->data, body->size, &unused);
    own = document ? json_text(json_member(json_root(document), "mediaType")) : NULL;
    return arena_strdup(query->arena, own && own[0] ? own : type);
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

/* Copies the digest that was asked for, for which the announced one does not matter, else the
 * announced one; "": the registry announces none. */
static bool promised_digest(const struct manifest_query *query,
                            const struct http_response *response,
                            char digest[REGISTRY_OBJECT_BYTES], struct error *err)
{
    if (!strchr(query->object, ':'))
        return registry_digest_header(response, digest, err);
    snprintf(digest, REGISTRY_OBJECT_BYTES, "%s", query->object);
    return true;
}

static bool describe(const struct manifest_query *query, const struct http_response *response,
                     struct error *err)
{
    const struct buf *body = query->body;
    char digest[DIGEST_TEXT_BYTES], announced[REGISTRY_OBJECT_BYTES];

    if (!promised_digest(query, response, announced, err) || !verify(announced, body, digest, err))
        return false;
    *query->found = (struct descriptor){
        .media_type = media_type_of(response, query),
        .digest = arena_strdup(query->arena, digest),
        .size = (int64_t)body->size,
    };
    return arena_ok(query->arena, err);
}

static bool is_success(const struct http_response *response)
{
    return response->status >= 200 && response->status < 300;
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
        .sink = append_manifest,
        .sink_arg = &sink,
    };

    buf_clear(query->body);
    snprintf(path, sizeof(path), "/manifests/%s", query->object);
    if (!registry_call(registry, &call, &response, cancel, err))
        return false;
    if (!is_success(&response))
        return registry_refused(&call, &response, err);
    return describe(query, &response, err) || error_wrap(err, "manifest %s", query->object);
}

static enum registry_verdict try_manifest(struct registry *registry, struct registry_mirror *mirror,
                                          void *arg, struct cancel *cancel, struct error *err)
{
    if (!get_manifest(registry, mirror, arg, cancel, err))
        return REGISTRY_NEXT;
    registry_note_served(registry, mirror);
    return REGISTRY_DONE;
}

static unsigned capabilities_for(const char *object)
{
    return HOST_PULL | (strchr(object, ':') ? 0 : HOST_RESOLVE); /* a digest needs no resolving */
}

bool registry_manifest(struct registry *registry, const char *object, struct buf *body,
                       struct descriptor *found, struct arena *arena, struct cancel *cancel,
                       struct error *err)
{
    struct manifest_query query = {object, body, found, arena, .guess_type = true};

    return registry_check_object(object, err) &&
           registry_try_mirrors(registry, capabilities_for(object), try_manifest, &query, cancel,
                                err);
}

/* Sends a HEAD. Returns true for a success, and for a 405: the registry has no HEAD. */
static bool head_manifest(struct registry *registry, struct registry_mirror *mirror,
                          const char *object, struct http_response *response, struct cancel *cancel,
                          struct error *err)
{
    char path[REGISTRY_PATH_BYTES];
    const struct registry_call call = {
        .mirror = mirror, .method = "HEAD", .path = path, .header = ACCEPT};

    snprintf(path, sizeof(path), "/manifests/%s", object);
    if (!registry_call(registry, &call, response, cancel, err))
        return false;
    return is_success(response) || response->status == 405 ||
           registry_refused(&call, response, err);
}

/* Reads the digest of a tag. *known: false if the registry does not announce it. */
static bool read_digest(const struct http_response *response, const struct manifest_query *query,
                        bool *known, struct error *err)
{
    char digest[REGISTRY_OBJECT_BYTES];

    if (!promised_digest(query, response, digest, err))
        return false;
    *known = digest[0] != '\0';
    if (*known && !digest_valid(digest))
        return error_set(err, ERROR_PROTOCOL, "invalid Docker-Content-Digest \"%.80s\"", digest);
    query->found->digest = arena_strdup(query->arena, digest);
    return arena_ok(query->arena, err);
}

static bool read_size(const struct http_response *response, const struct manifest_query *query,
                      bool *known, struct error *err)
{
    char text[NUMBER_BYTES];
    struct error unused;
    uint64_t size = 0;

    *known = http_response_header(response, "content-length", 0, text, sizeof(text)) &&
             text_uint(text, &size, &unused);
    query->found->size = (int64_t)size;
    if (*known && size == 0)
        return error_set(err, ERROR_PROTOCOL, "Content-Length is 0");
    return size <= MANIFEST_LIMIT_BYTES ||
           error_set(err, ERROR_LIMIT, "manifest too large: %" PRIu64 " bytes, limit is %zu", size,
                     MANIFEST_LIMIT_BYTES);
}

/* Describes the manifest by the headers of a HEAD. *known: false if they lack something. */
static bool describe_by_head(const struct http_response *response,
                             const struct manifest_query *query, bool *known, struct error *err)
{
    char type[MEDIA_TYPE_BYTES];
    bool sized;

    *known = false;
    if (response->status == 405)
        return true;
    content_type_of(response, type);
    query->found->media_type = arena_strdup(query->arena, type);
    if (!read_digest(response, query, known, err) || !read_size(response, query, &sized, err))
        return error_wrap(err, "HEAD of manifest %s", query->object);
    *known = *known && sized;
    return true;
}

static enum registry_verdict try_resolve(struct registry *registry, struct registry_mirror *mirror,
                                         void *arg, struct cancel *cancel, struct error *err)
{
    REGISTRY_RESPONSE(response);
    const struct manifest_query *query = arg;
    bool known;

    if (!head_manifest(registry, mirror, query->object, &response, cancel, err) ||
        !describe_by_head(&response, query, &known, err))
        return REGISTRY_NEXT;
    return known || get_manifest(registry, mirror, query, cancel, err) ? REGISTRY_DONE
                                                                       : REGISTRY_NEXT;
}

bool registry_resolve(struct registry *registry, const char *object, struct descriptor *found,
                      struct arena *arena, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(MANIFEST_LIMIT_BYTES);
    struct manifest_query query = {object, &body, found, arena};

    *found = (struct descriptor){.media_type = "", .digest = ""};
    return registry_check_object(object, err) &&
           registry_try_mirrors(registry, capabilities_for(object), try_resolve, &query, cancel,
                                err);
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
    struct registry_mirror *mirror = registry_push_mirror(registry, err);
    char announced[DIGEST_TEXT_BYTES] = "";

    if (!mirror || !registry_check_object(object, err))
        return false;
    if (!head_manifest(registry, mirror, object, &response, cancel, err)) {
        if (response.status != 404 || !error_is_expected_code(err, ERROR_NOT_FOUND))
            return false;
        digest[0] = '\0';
        return true;
    }
    if (is_success(&response) && !registry_announced_digest(&response, object, announced, err))
        return error_wrap(err, "manifest %s", object);
    if (!announced[0])
        return digest_of_bytes(registry, mirror, object, digest, cancel, err);
    memcpy(digest, announced, sizeof(announced));
    return true;
}
