/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/image/push_target.h"

#include "base/clock.h"
#include "engines/image/upload.h"
#include "registry/registry_blob.h"
#include "registry/registry_read.h"

#include <stdio.h>
#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)32 << 20)
#define CONFIG_BYTES_MAX  ((size_t)64 << 10) /* those of generated images are smaller */
#define REMOVE_NS         (15 * NS_PER_SECOND)
#define REMOVE_CANCELED_NS \
    (NS_PER_SECOND / 2)            /* together with the local clean-up within the stop timeout */
#define MANIFESTS_MAX ((size_t)65) /* an index and its entries */

/* The host of the list that takes pushes. It is also asked for manifests, because mirrors may have
 * others. */
struct target {
    struct host host;
    struct host_list hosts;
    struct registry *registry;
};

static void target_deinit(struct target *target)
{
    registry_freep(&target->registry);
}

static bool target_open(struct target *target, const struct engine_request *request,
                        struct error *err)
{
    const struct registry_options options = {.hosts = &target->hosts,
                                             .credentials = request->credentials,
                                             .family = request->family,
                                             .push = true,
                                             .progress = request->progress};
    size_t i = 0;

    if (request->hosts->failed) {
        *err = *request->hosts->failed;
        return false;
    }
    while (i < request->hosts->count && !(request->hosts->items[i].capabilities & HOST_PUSH))
        i++;
    if (i == request->hosts->count)
        return error_set(err, ERROR_INVALID, "no host of %s has the capability push",
                         *request->hosts->file ? request->hosts->file : "the list");
    target->host = request->hosts->items[i];
    target->host.capabilities = HOST_PUSH | HOST_PULL | HOST_RESOLVE;
    target->hosts = *request->hosts;
    target->hosts.items = &target->host;
    target->hosts.count = 1;
    target->registry = registry_new(&request->reference, &options, err);
    return target->registry != NULL;
}

/* ---- check ---- */

static bool is_same(const char *found, const char *wanted)
{
    return wanted && *wanted && strcmp(found, wanted) == 0;
}

/* Docker writes new manifests, but does not change configurations. */
static bool check_config(const struct target *target, const struct descriptor *config,
                         struct cancel *cancel, bool *made_by_probe, struct error *err)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(CONFIG_BYTES_MAX);

    *made_by_probe = false;
    if (config->size <= 0 || (uint64_t)config->size > CONFIG_BYTES_MAX)
        return true;
    if (!registry_blob(target->registry, config, http_sink_to_buf, &body, cancel, err))
        return error_is_expected_code(err, ERROR_NOT_FOUND);
    *made_by_probe = image_config_is_ours(body.data ? body.data : "", body.size);
    return true;
}

/* *may: a probe made the image, or its configuration has the digest `digest`. */
static bool may_replace(const struct target *target, const struct descriptor *found,
                        const struct buf *body, const char *digest, struct cancel *cancel,
                        bool *may, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct manifest manifest;
    struct error ignored; /* a manifest that cannot be parsed was not made by a probe */
    bool parsed =
        manifest_parse(&manifest, found->media_type, body->data, body->size, &arena, &ignored) &&
        manifest.kind == MANIFEST_IMAGE;

    *may = manifest_is_ours(body->data, body->size) ||
           (parsed && is_same(manifest.config.digest, digest));
    return *may || !parsed || check_config(target, &manifest.config, cancel, may, err);
}

static bool check_manifest(const struct target *target, const struct engine_request *request,
                           const char *there, const char *digest, struct cancel *cancel,
                           struct error *err)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(MANIFEST_LIMIT_BYTES);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct descriptor found;
    bool may;

    if (!registry_manifest(target->registry, there, &body, &found, &arena, cancel, err))
        return error_is_expected_code(err, ERROR_NOT_FOUND); /* another client has removed it */
    if (!may_replace(target, &found, &body, digest, cancel, &may, err))
        return false;
    return may || error_set(err, ERROR_INVALID,
                            "%s is an image that no probe made: set overwrite: true to replace it",
                            request->reference.name);
}

bool push_target_check(const struct engine_request *request, const char *digest,
                       struct cancel *cancel, struct error *err)
{
    CLEANUP(target_deinit) struct target target = {.registry = NULL};
    char there[DIGEST_TEXT_BYTES];

    if (request->push.overwrite)
        return true;
    if (!target_open(&target, request, err) ||
        !registry_manifest_digest(target.registry, reference_object(&request->reference), there,
                                  cancel, err))
        return false;
    return !*there || is_same(there, digest) || is_same(there, request->push.last_digest) ||
           check_manifest(&target, request, there, digest, cancel, err);
}

/* ---- clean-up ---- */

struct removal {
    const struct engine_request *request;
    struct registry *registry;
    struct cancel *cancel;
    struct arena arena;
    const char *manifests[MANIFESTS_MAX]; /* the root first */
    size_t n_manifests;
    const char **blobs; /* of all manifests */
    size_t n_blobs;
    bool deleted; /* a manifest was deleted */
};

static bool add_blobs(struct removal *removal, const struct manifest *manifest, struct error *err)
{
    size_t n = removal->n_blobs + manifest->n_children + 1;
    const char **blobs = arena_alloc(&removal->arena, n * sizeof(*blobs));

    if (!blobs)
        return arena_ok(&removal->arena, err);
    if (removal->n_blobs > 0)
        memcpy(blobs, removal->blobs, removal->n_blobs * sizeof(*blobs));
    for (size_t i = 0; i < manifest->n_children; i++)
        blobs[removal->n_blobs++] = manifest->children[i].digest;
    blobs[removal->n_blobs++] = manifest->config.digest;
    removal->blobs = blobs;
    return true;
}

/* A missing manifest is not an error: there is nothing to remove. */
static bool read_manifest(struct removal *removal, const char *digest, struct manifest *manifest,
                          struct error *err)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(MANIFEST_LIMIT_BYTES);
    struct descriptor found;

    *manifest = (struct manifest){.kind = MANIFEST_OTHER};
    if (!registry_manifest(removal->registry, digest, &body, &found, &removal->arena,
                           removal->cancel, err))
        return error_is_expected_code(err, ERROR_NOT_FOUND);
    if (!manifest_parse(manifest, found.media_type, body.data, body.size, &removal->arena, err))
        return false;
    if (removal->n_manifests == MANIFESTS_MAX)
        return error_set(err, ERROR_LIMIT, "the index has more than %zu manifests", MANIFESTS_MAX);
    removal->manifests[removal->n_manifests++] = found.digest;
    return manifest->kind != MANIFEST_IMAGE || add_blobs(removal, manifest, err);
}

static bool read_image(struct removal *removal, const char *digest, struct error *err)
{
    struct manifest root, child;

    if (!read_manifest(removal, digest, &root, err))
        return false;
    for (size_t i = 0; root.kind == MANIFEST_INDEX && i < root.n_children; i++)
        if (!read_manifest(removal, root.children[i].digest, &child, err))
            return false;
    return true;
}

static bool delete_manifests(struct removal *removal, struct error *err)
{
    for (size_t i = 0; i < removal->n_manifests; i++) {
        if (!registry_delete_manifest(removal->registry, removal->manifests[i], removal->cancel,
                                      err))
            return err->code == ERROR_UNSUPPORTED
                       ? error_set(err, ERROR_UNSUPPORTED, "the registry does not support deletion")
                       : error_wrap(err, "manifest %s", removal->manifests[i]);
        removal->deleted = true;
    }
    return true;
}

static bool delete_blob(struct removal *removal, const char *digest, struct error *err)
{
    if (registry_delete_blob(removal->registry, digest, removal->cancel, err) ||
        (removal->deleted && error_is_expected_code(err, ERROR_UNSUPPORTED)))
        return true;
    return err->code == ERROR_UNSUPPORTED
               ? error_set(err, ERROR_UNSUPPORTED,
                           "the registry does not support deletion of blobs")
               : error_wrap(err, "blob %s", digest);
}

/* Blobs are deleted after the manifests that refer to them. */
static bool delete_blobs(struct removal *removal, struct error *err)
{
    const struct upload_sent *sent = removal->request->sent;
    size_t n_sent = sent ? sent->count : 0;

    for (size_t i = 0; i < removal->n_blobs; i++)
        if (!delete_blob(removal, removal->blobs[i], err))
            return false;
    for (size_t i = 0; i < n_sent && i < UPLOAD_SENT_MAX && removal->n_blobs == 0; i++)
        if (!delete_blob(removal, sent->digests[i], err))
            return false;
    return removal->n_blobs > 0 || n_sent <= UPLOAD_SENT_MAX ||
           error_set(err, ERROR_LIMIT, "%zu blobs were sent, only the first %zu were removed",
                     n_sent, UPLOAD_SENT_MAX);
}

static bool tag_stays(const struct removal *removal, const char *tag, const char *digest,
                      bool *stays, struct error *err)
{
    char there[DIGEST_TEXT_BYTES];

    if (!registry_manifest_digest(removal->registry, tag, there, removal->cancel, err))
        return error_wrap(err, "tag %s after the deletion", tag);
    *stays = is_same(there, digest);
    return true;
}

/* Some registries keep the tag of a manifest that they have deleted by its digest. A tag that has
 * another image by now belongs to another client. */
static bool delete_tag(const struct removal *removal, const char *digest, struct error *err)
{
    const char *tag = reference_object(&removal->request->reference);
    bool stays;

    if (!tag_stays(removal, tag, digest, &stays, err))
        return false;
    if (!stays)
        return true;
    if (!registry_delete_tag(removal->registry, tag, removal->cancel, err))
        return error_wrap(err, "the registry deleted the manifest, but the tag %s stays", tag);
    return tag_stays(removal, tag, digest, &stays, err) &&
           (!stays || error_set(err, ERROR_PROTOCOL,
                                "the registry accepted the deletion, but the tag %s stays", tag));
}

static bool remove_all(const struct engine_request *request, const struct engine_result *result,
                       struct cancel *cancel, struct error *err)
{
    CLEANUP(target_deinit) struct target target = {.registry = NULL};
    struct removal removal = {
        .request = request, .cancel = cancel, .arena = ARENA_INIT(ARENA_LIMIT_BYTES)};
    bool ok, blind;

    if (!target_open(&target, request, err))
        return false;
    removal.registry = target.registry;
    ok = (!*result->digest || read_image(&removal, result->digest, err)) &&
         delete_manifests(&removal, err) && delete_blobs(&removal, err) &&
         (!*result->digest || delete_tag(&removal, result->digest, err));
    blind = !removal.deleted && !(request->sent && request->sent->count > 0) &&
            result->traffic.uploaded_bytes > 0;
    arena_deinit(&removal.arena);
    return ok && (!blind || error_set(err, ERROR_UNSUPPORTED,
                                      "it is unknown which blobs were sent before the failure"));
}

void push_target_clean(const struct engine_request *request, struct engine_result *result,
                       struct cancel *run_cancel)
{
    ENGINE_PHASE(result, PHASE_CLEANUP);
    CLEANUP(cancel_deinit) struct cancel cancel;
    struct error err;

    cancel_init(&cancel,
                clock_now_ns() + (cancel_requested(run_cancel) ? REMOVE_CANCELED_NS : REMOVE_NS));
    if (remove_all(request, result, &cancel, &err))
        return;
    error_wrap(&err, "%s was not removed from the registry",
               *result->digest ? result->digest : request->reference.name);
    if (!result->cleanup_failed)
        result->cleanup_error = err;
    result->cleanup_failed = true;
}
