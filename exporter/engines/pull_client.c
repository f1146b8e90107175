/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pull, engine "client": the exporter fetches, containerd stores and unpacks.
 *
 * Every byte crosses the network, whatever other namespaces of the daemon have: the daemon learns
 * the digest of a blob only at the commit, where it compares. All labels are known when a blob is
 * committed, so no blob is updated afterwards. Several layers are fetched at a time; a layer is
 * unpacked while later layers are fetched.
 */
#include "containerd/content_writer.h"
#include "containerd/images.h"
#include "containerd/snapshots.h"
#include "engines/daemon/workspace.h"
#include "engines/image/parallel_blobs.h"
#include "engines/image/remote_image.h"

#include "base/clock.h"
#include "registry/registry_blob.h"

#include <stdio.h>
#include <string.h>

#define KEY_BYTES  ((size_t)256)
#define LABELS_MAX ((size_t)1024) /* on one blob: one for each layer */

struct pull {
    const struct engine_request *request;
    struct engine_result *result;
    struct registry *registry;
    struct workspace workspace;
    struct remote_image image;
    struct parallel_blobs *layers; /* that are being fetched */
    struct cancel *cancel;
};

/* "containerd.io/gc.ref.content.l.3" */
static char *numbered(struct arena *arena, const char *prefix, size_t number)
{
    char name[64];

    snprintf(name, sizeof(name), "%s%zu", prefix, number);
    return arena_strdup(arena, name);
}

/* The configuration refers to the snapshot that will be unpacked from the diff ids in it. */
static bool store_configs(struct pull *pull, struct error *err)
{
    char name[WORKSPACE_SNAPSHOTTER_BYTES + 64], chain_id[DIGEST_TEXT_BYTES];
    const struct image_config *config = &pull->image.config;
    struct label item;
    const struct labels labels = {&item, 1}, none = {0};

    if (!digest_chain_id(config->diff_ids, config->n_diff_ids, chain_id, err))
        return error_wrap(err, "config");
    snprintf(name, sizeof(name), "containerd.io/gc.ref.snapshot.%s", pull->workspace.snapshotter);
    item = (struct label){name, chain_id};
    for (size_t i = 0; i < pull->image.n_manifests; i++) {
        const struct remote_manifest *manifest = &pull->image.manifests[i];
        bool unpacked =
            manifest == pull->image.chosen && config->n_diff_ids > 0 && pull->request->unpack;

        if (!workspace_put(&pull->workspace, &manifest->manifest.config, &manifest->config_body,
                           unpacked ? &labels : &none, pull->cancel, err))
            return false;
    }
    return true;
}

/* The exporter does not hash the layer: the daemon compares its digest at the commit. */
static bool fetch_layer(void *arg, struct registry *registry, const struct descriptor *layer,
                        struct cancel *cancel, struct error *err)
{
    const struct pull *pull = arg;
    char ref[WORKSPACE_REF_BYTES];
    CLEANUP(content_writer_freep) struct content_writer *writer = NULL;

    workspace_ref(&pull->workspace, layer->digest, ref);
    writer = content_writer_open(&pull->workspace.scope, ref, (uint64_t)layer->size, cancel, err);
    return writer &&
           (registry_blob_unverified(registry, layer, content_writer_sink, writer, cancel, err) ||
            remote_layer_failed(layer, err)) &&
           content_writer_commit(writer, layer->digest, &(struct labels){0}, err);
}

/* Stores the manifest after its children, with labels that keep them. */
static bool store_manifest(struct pull *pull, const struct remote_manifest *manifest,
                           struct error *err)
{
    struct arena *arena = &pull->image.arena;
    size_t n = manifest->manifest.n_children + 1;
    struct label *items = arena_alloc(arena, n * sizeof(*items));
    struct labels labels = {items, 1};

    if (n > LABELS_MAX)
        return error_set(err, ERROR_LIMIT, "the manifest has %zu layers: at most %zu are supported",
                         n - 1, LABELS_MAX - 1);
    if (!items)
        return arena_ok(arena, err);
    items[0] =
        (struct label){"containerd.io/gc.ref.content.config", manifest->manifest.config.digest};
    for (size_t i = 0; i + 1 < n; i++)
        items[labels.count++] =
            (struct label){numbered(arena, "containerd.io/gc.ref.content.l.", i),
                           manifest->manifest.children[i].digest};
    return arena_ok(arena, err) &&
           workspace_put(&pull->workspace, &manifest->descriptor,
                         remote_manifest_body(&pull->image, manifest), &labels, pull->cancel, err);
}

static bool store_index(struct pull *pull, struct error *err)
{
    struct arena *arena = &pull->image.arena;
    struct label items[REMOTE_MANIFESTS_MAX];
    struct labels labels = {items, 0};

    for (size_t i = 0; i < pull->image.n_manifests; i++)
        items[labels.count++] =
            (struct label){numbered(arena, "containerd.io/gc.ref.content.m.", i),
                           pull->image.manifests[i].descriptor.digest};
    return arena_ok(arena, err) &&
           workspace_put(&pull->workspace, &pull->image.root, &pull->image.root_body, &labels,
                         pull->cancel, err);
}

static bool store_manifests(struct pull *pull, struct error *err)
{
    for (size_t i = 0; i < pull->image.n_manifests; i++)
        if (!store_manifest(pull, &pull->image.manifests[i], err))
            return false;
    return !pull->image.has_index || store_index(pull, err);
}

/* Unpacks a layer into the snapshot `chain_id` on top of `parent`. After a failure the active
 * snapshot is removed with the lease at the end of the run. */
static bool unpack_layer(struct pull *pull, const struct descriptor *layer, const char *parent,
                         const char *diff_id, const char *chain_id, struct error *err)
{
    const struct scope *scope = &pull->workspace.scope;
    const char *snapshotter = pull->workspace.snapshotter;
    char key[KEY_BYTES];
    const struct snapshot_info active = {.name = key, .parent = parent};
    CLEANUP(buf_deinit) struct buf mounts = BUF_INIT((size_t)1 << 20);
    struct descriptor applied;

    snprintf(key, sizeof(key), "extract-%lld %s", (long long)clock_now_ns(), chain_id);
    if (!snapshots_prepare(scope, snapshotter, &active, chain_id, &mounts, pull->cancel, err))
        return false;
    if (!snapshots_apply(scope, layer, &mounts, &applied, &pull->image.arena, pull->cancel, err))
        return false;
    if (!digest_same_algorithm(applied.digest, diff_id))
        return error_set(err, ERROR_UNSUPPORTED,
                         "the config has the diff id %s, but the daemon computes %s", diff_id,
                         applied.digest);
    if (strcmp(applied.digest, diff_id) != 0)
        return error_set(err, ERROR_UNPACK,
                         "the layer unpacks to diff id %s, expected %s as in the config",
                         applied.digest, diff_id);
    pull->result->unpacked_bytes += (uint64_t)applied.size;
    return snapshots_commit(scope, snapshotter, key, chain_id, pull->cancel, err);
}

/* The index in image->layers of the first layer of the chosen manifest. */
static size_t first_layer(const struct remote_image *image)
{
    size_t first = 0;

    for (const struct remote_manifest *at = image->manifests; at != image->chosen; at++)
        first += at->manifest.n_children;
    return first;
}

static bool unpack_next(struct pull *pull, const struct descriptor *layer, size_t n,
                        char parent[DIGEST_TEXT_BYTES], struct error *err)
{
    ENGINE_PHASE(pull->result, PHASE_UNPACK);
    const struct image_config *config = &pull->image.config;
    char chain_id[DIGEST_TEXT_BYTES];
    int64_t start_ns = clock_now_ns();

    if (n == config->n_diff_ids)
        return error_set(err, ERROR_UNPACK,
                         "the manifest has more layers than the config has diff ids");
    if (!digest_chain_id(config->diff_ids, n + 1, chain_id, err) ||
        !unpack_layer(pull, layer, parent, config->diff_ids[n], chain_id, err))
        return false;
    memcpy(parent, chain_id, sizeof(chain_id));
    progress_note(pull->request->progress, "unpacked %.19s in %.3f s", layer->digest,
                  seconds_between(start_ns, clock_now_ns()));
    return true;
}

/* Other blobs than layers may be the ones that the config means. */
static bool refuse_layers(const struct pull *pull, size_t n, struct error *err)
{
    const struct manifest *manifest = &pull->image.chosen->manifest;
    size_t n_diff_ids = pull->image.config.n_diff_ids;

    for (size_t i = 0; i < manifest->n_children && manifest->n_children == n_diff_ids; i++)
        if (!manifest_may_be_layer(manifest->children[i].media_type))
            return error_set(err, ERROR_UNSUPPORTED, "layer %zu has the media type \"%.80s\"", i,
                             manifest->children[i].media_type);
    return error_set(err, ERROR_UNPACK, "the manifest has %zu layers, the config %zu diff ids", n,
                     n_diff_ids);
}

/* Unpacks each layer as soon as it is stored. */
static bool unpack(struct pull *pull, struct error *err)
{
    const struct manifest *manifest = &pull->image.chosen->manifest;
    size_t first = first_layer(&pull->image), n = 0;
    char parent[DIGEST_TEXT_BYTES] = "";

    for (size_t i = 0; i < manifest->n_children; i++) {
        if (!manifest_may_be_layer(manifest->children[i].media_type))
            continue;
        if (!parallel_blobs_wait(pull->layers, first + i, err))
            return false;
        if (!unpack_next(pull, &manifest->children[i], n, parent, err))
            return error_wrap(err, "unpack layer %zu", i);
        n++;
    }
    return n == pull->image.config.n_diff_ids || refuse_layers(pull, n, err);
}

static bool fetch_and_unpack(struct pull *pull, struct error *err)
{
    const struct parallel_blobs_plan plan = {.registry = pull->registry,
                                             .blobs = pull->image.layers,
                                             .count = pull->image.n_layers,
                                             .at_once = pull->request->max_concurrent_downloads,
                                             .fetch = fetch_layer,
                                             .arg = pull,
                                             .progress = pull->request->progress};
    int64_t start_ns = clock_now_ns(), ended_ns = start_ns;
    CLEANUP(parallel_blobs_freep) struct parallel_blobs *layers = NULL;
    bool ok;

    progress_phase(pull->request->progress, engine_phase_name(PHASE_FETCH));
    if (!remote_image_fetch_configs(&pull->image, pull->registry, pull->cancel, err) ||
        !store_configs(pull, err))
        return false;
    layers = pull->layers = parallel_blobs_start(&plan, pull->cancel, err);
    ok = layers && (!pull->request->unpack || unpack(pull, err)) &&
         parallel_blobs_join(layers, &ended_ns, err);
    pull->result->phase_seconds[PHASE_FETCH] =
        ns_to_seconds((ok ? ended_ns : clock_now_ns()) - start_ns);
    return ok;
}

static bool create_image(struct pull *pull, struct error *err)
{
    const struct image_record record = {
        .name = pull->request->reference.name,
        .target = pull->image.root,
    };

    return images_create(&pull->workspace.scope, &record, pull->cancel, err);
}

static bool open_workspace(struct pull *pull, struct error *err)
{
    const char *usual = pull->request->snapshotter;

    if (!workspace_open(&pull->workspace, pull->request, pull->cancel, err))
        return false;
    if (pull->request->unpack && strcmp(pull->workspace.snapshotter, usual) != 0)
        snprintf(pull->result->note, sizeof(pull->result->note),
                 "containerd has not loaded the snapshotter %s: the layers are unpacked into %s",
                 usual, pull->workspace.snapshotter);
    return true;
}

static bool pull_image(struct pull *pull, struct error *err)
{
    return open_workspace(pull, err) &&
           remote_image_resolve(&pull->image, pull->registry, pull->request, pull->result,
                                pull->cancel, err) &&
           fetch_and_unpack(pull, err) && store_manifests(pull, err) && create_image(pull, err);
}

static bool run(const struct engine_request *request, struct engine_result *result,
                struct cancel *cancel, struct error *err)
{
    int64_t start_ns = clock_now_ns();
    CLEANUP(registry_freep)
    struct registry *registry = engine_registry(request, false, err);
    struct pull pull = {
        .request = request, .result = result, .registry = registry, .cancel = cancel};
    bool ok;

    if (!registry)
        return false;
    remote_image_init(&pull.image);
    ok = pull_image(&pull, err);
    result->seconds = ns_to_seconds(clock_now_ns() - start_ns);
    result->traffic = *registry_traffic(registry);
    workspace_close(&pull.workspace, cancel, result);
    remote_image_deinit(&pull.image);
    return ok;
}

const struct engine pull_client_engine = {
    .operation = "pull",
    .name = "client",
    .abilities = ENGINE_UNPACK | ENGINE_PLATFORM | ENGINE_ALL_PLATFORMS | ENGINE_SNAPSHOTTER |
                 ENGINE_ANY_SNAPSHOTTER | ENGINE_OWN_NETWORK | ENGINE_SEES_HOST |
                 ENGINE_SEES_MANIFEST,
    .preference = 3,
    .offered = workspace_offered,
    .run = run,
};
