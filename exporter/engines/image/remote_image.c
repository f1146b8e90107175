/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/image/remote_image.h"

#include "base/text.h"
#include "registry/registry_blob.h"
#include "registry/registry_read.h"

#include <stdio.h>
#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)32 << 20)
#define SCHEMA_1          "application/vnd.docker.distribution.manifest.v1+"

void remote_image_init(struct remote_image *image)
{
    *image = (struct remote_image){.arena = ARENA_INIT(ARENA_LIMIT_BYTES),
                                   .root_body = BUF_INIT(MANIFEST_LIMIT_BYTES)};
}

void remote_image_deinit(struct remote_image *image)
{
    for (size_t i = 0; i < image->n_manifests; i++) {
        buf_deinit(&image->manifests[i].body);
        buf_deinit(&image->manifests[i].config_body);
    }
    buf_deinit(&image->root_body);
    arena_deinit(&image->arena);
}

const struct buf *remote_manifest_body(const struct remote_image *image,
                                       const struct remote_manifest *manifest)
{
    return image->has_index ? &manifest->body : &image->root_body;
}

static struct remote_manifest *add_manifest(struct remote_image *image)
{
    struct remote_manifest *manifest = &image->manifests[image->n_manifests++];

    *manifest = (struct remote_manifest){.body = BUF_INIT(MANIFEST_LIMIT_BYTES),
                                         .config_body = BUF_INIT(MANIFEST_LIMIT_BYTES)};
    return manifest;
}

static bool check_size(const struct descriptor *expected, int64_t size, struct error *err)
{
    return size == expected->size ||
           error_set(err, ERROR_SIZE_MISMATCH, "manifest has %lld bytes, expected %lld: %s",
                     (long long)size, (long long)expected->size, expected->digest);
}

/* Fetches one entry of the index. */
static bool fetch_manifest(struct remote_image *image, struct registry *registry,
                           const struct descriptor *entry, struct cancel *cancel, struct error *err)
{
    struct remote_manifest *manifest = add_manifest(image);

    if (!registry_manifest(registry, entry->digest, &manifest->body, &manifest->descriptor,
                           &image->arena, cancel, err) ||
        !manifest_parse(&manifest->manifest, entry->media_type, manifest->body.data,
                        manifest->body.size, &image->arena, err))
        return false;
    manifest->descriptor.media_type = entry->media_type;
    if (manifest->manifest.kind != MANIFEST_IMAGE)
        return error_set(err, ERROR_UNSUPPORTED, "an index within an index");
    return check_size(entry, manifest->descriptor.size, err);
}

static bool fetch_config(struct registry *registry, struct remote_manifest *manifest,
                         struct cancel *cancel, struct error *err)
{
    return manifest->config_body.size > 0 ||
           registry_blob(registry, &manifest->manifest.config, http_sink_to_buf,
                         &manifest->config_body, cancel, err) ||
           error_wrap(err, "config");
}

static bool parse_config(struct remote_image *image, struct error *err)
{
    return image_config_parse(&image->config, image->chosen->config_body.data,
                              image->chosen->config_body.size, &image->arena, err) ||
           error_wrap(err, "config");
}

/* An entry may name no platform. */
static bool check_platform(struct remote_image *image, struct registry *registry,
                           const struct descriptor *entry, const struct platform_matcher *platform,
                           struct cancel *cancel, struct error *err)
{
    return entry->has_platform ||
           (fetch_config(registry, image->chosen, cancel, err) && parse_config(image, err) &&
            platform_check(platform, entry, &image->config.platform, err));
}

static bool fetch_entries(struct remote_image *image, struct registry *registry,
                          const struct manifest *index, const struct engine_request *request,
                          struct cancel *cancel, struct error *err)
{
    const struct descriptor *chosen;

    if (!platform_find(&request->platform, index, &chosen, err))
        return false;
    if (request->all_platforms && index->n_children > REMOTE_MANIFESTS_MAX)
        return error_set(err, ERROR_LIMIT, "the index has %zu entries: at most %zu are supported",
                         index->n_children, REMOTE_MANIFESTS_MAX);
    for (size_t i = 0; i < index->n_children; i++) {
        const struct descriptor *entry = &index->children[i];

        if (entry != chosen && !request->all_platforms)
            continue;
        if (!fetch_manifest(image, registry, entry, cancel, err))
            return false;
        if (entry == chosen)
            image->chosen = &image->manifests[image->n_manifests - 1];
    }
    return check_platform(image, registry, chosen, &request->platform, cancel, err);
}

/* containerd goes by Content-Type alone, and takes plain text for schema 1. */
static bool check_type(const char *type, struct error *err)
{
    if (manifest_kind(type) != MANIFEST_OTHER)
        return true;
    if (strcmp(type, "text/plain") == 0 || text_starts_with(type, SCHEMA_1))
        return error_set(err, ERROR_UNSUPPORTED,
                         "Content-Type \"%.80s\" means a schema 1 manifest, which is not supported",
                         type);
    return error_set(err, ERROR_PROTOCOL,
                     "Content-Type \"%.80s\": expected that of a manifest or index", type);
}

/* The registry does not have what it has announced for a tag. A wrong digest is the reason if the
 * tag itself can be fetched. */
static bool explain_missing(struct remote_image *image, struct registry *registry,
                            const char *object, struct cancel *cancel, struct error *err)
{
    struct descriptor found;
    struct error why = {0};

    if (err->code != ERROR_NOT_FOUND || strchr(object, ':'))
        return false;
    if (!registry_manifest(registry, object, &image->root_body, &found, &image->arena, cancel,
                           &why))
        *err = why.code == ERROR_DIGEST_MISMATCH ? why : *err;
    else
        error_set(err, ERROR_DIGEST_MISMATCH,
                  "the registry announces %s for %s, and does not have it: it has %s",
                  image->root.digest, object, found.digest);
    return false;
}

static bool fetch_root(struct remote_image *image, struct registry *registry, const char *object,
                       struct cancel *cancel, struct error *err)
{
    struct descriptor found;

    if (!registry_resolve(registry, object, &image->root, &image->arena, cancel, err) ||
        !check_type(image->root.media_type, err))
        return false;
    if (!registry_manifest(registry, image->root.digest, &image->root_body, &found, &image->arena,
                           cancel, err))
        return explain_missing(image, registry, object, cancel, err);
    return check_size(&image->root, found.size, err);
}

static bool find_manifests(struct remote_image *image, struct registry *registry,
                           const struct engine_request *request, struct cancel *cancel,
                           struct error *err)
{
    struct manifest top;

    if (!fetch_root(image, registry, reference_object(&request->reference), cancel, err) ||
        !manifest_parse(&top, image->root.media_type, image->root_body.data, image->root_body.size,
                        &image->arena, err))
        return false;
    image->has_index = top.kind == MANIFEST_INDEX;
    image->manifests = arena_alloc(&image->arena, REMOTE_MANIFESTS_MAX * sizeof(*image->manifests));
    if (!image->manifests)
        return arena_ok(&image->arena, err);
    if (image->has_index)
        return fetch_entries(image, registry, &top, request, cancel, err);
    image->chosen = add_manifest(image);
    image->chosen->descriptor = image->root;
    image->chosen->manifest = top;
    return true;
}

static bool list_layers(struct remote_image *image, struct error *err)
{
    size_t n = 0;

    for (size_t i = 0; i < image->n_manifests; i++)
        n += image->manifests[i].manifest.n_children;
    if (n > MANIFEST_CHILDREN_MAX)
        return error_set(err, ERROR_LIMIT, "the image has %zu layers: at most %zu are supported", n,
                         MANIFEST_CHILDREN_MAX);
    image->layers = arena_alloc(&image->arena, (n + 1) * sizeof(*image->layers));
    if (!image->layers)
        return arena_ok(&image->arena, err);
    for (size_t i = 0; i < image->n_manifests; i++)
        for (size_t j = 0; j < image->manifests[i].manifest.n_children; j++)
            image->layers[image->n_layers++] = &image->manifests[i].manifest.children[j];
    return true;
}

static void report_identity(const struct remote_image *image, const struct registry *registry,
                            struct engine_result *result)
{
    engine_report_root(&image->root, result);
    engine_report_manifest(image->chosen->descriptor.digest, result);
    snprintf(result->host, sizeof(result->host), "%s", registry_served_by(registry));
    result->passed_over = *registry_passed_over(registry);
    result->declared_bytes = image->has_index ? (uint64_t)image->root.size : 0;
    for (size_t i = 0; i < image->n_manifests; i++)
        result->declared_bytes += (uint64_t)image->manifests[i].descriptor.size +
                                  (uint64_t)image->manifests[i].manifest.config.size;
    for (size_t i = 0; i < image->n_layers; i++)
        result->declared_bytes += (uint64_t)image->layers[i]->size;
    progress_expect(result->progress, result->declared_bytes);
}

bool remote_image_resolve(struct remote_image *image, struct registry *registry,
                          const struct engine_request *request, struct engine_result *result,
                          struct cancel *cancel, struct error *err)
{
    ENGINE_PHASE(result, PHASE_RESOLVE);

    if (!find_manifests(image, registry, request, cancel, err) || !list_layers(image, err))
        return false;
    report_identity(image, registry, result);
    return true;
}

bool remote_image_fetch_configs(struct remote_image *image, struct registry *registry,
                                struct cancel *cancel, struct error *err)
{
    for (size_t i = 0; i < image->n_manifests; i++)
        if (!fetch_config(registry, &image->manifests[i], cancel, err))
            return false;
    return parse_config(image, err);
}

bool remote_layer_failed(const struct descriptor *layer, struct error *err)
{
    if (err->code != ERROR_NOT_FOUND || !manifest_is_foreign_layer(layer->media_type))
        return false;
    return error_set(err, ERROR_UNSUPPORTED,
                     "the registry does not have the foreign layer %s: the exporter does not ask "
                     "other servers for it",
                     layer->digest);
}
