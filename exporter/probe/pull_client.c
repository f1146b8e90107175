/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pull, engine "client": we fetch, containerd stores and unpacks.
 *
 * Every byte crosses the network, whatever other namespaces of the daemon hold:
 * blobs are uploaded without telling the daemon their digest before the end. All
 * labels are known when a blob is committed, so nothing is updated afterwards.
 */
#include "client/content.h"
#include "client/images.h"
#include "client/snapshots.h"
#include "probe/probe.h"
#include "probe/workspace.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)32 << 20)
#define REF_BYTES         ((size_t)256)
#define LABELS_MAX        ((size_t)1024) /* on one blob: as many as layers get a reference */

struct pull {
    const struct probe_request *request;
    struct probe_result *result;
    struct registry *registry;
    struct workspace workspace;
    struct arena arena; /* everything that is known of the image */
    struct buf index_body, manifest_body, config_body;
    struct descriptor root, manifest_descriptor;
    struct manifest manifest;
    struct image_config config;
    char top_chain_id[DIGEST_TEXT_BYTES];
    struct cancel *cancel;
};

static struct label label(const char *name, const char *value)
{
    return (struct label){name, value};
}

/* "containerd.io/gc.ref.content.l.3" */
static char *numbered(struct arena *arena, const char *prefix, size_t number)
{
    char name[64];

    snprintf(name, sizeof(name), "%s%zu", prefix, number);
    return arena_strdup(arena, name);
}

/* From the reference to the manifest of the platform, through an index if there is one. */
static bool resolve(struct pull *pull, struct error *err)
{
    PROBE_PHASE(pull->result, PHASE_RESOLVE);
    const char *object = reference_object(&pull->request->reference);
    struct manifest top;
    const struct descriptor *chosen;

    if (!registry_manifest(pull->registry, object, &pull->index_body, &pull->root, &pull->arena,
                           pull->cancel, err) ||
        !manifest_parse(&top, pull->root.media_type, pull->index_body.data, pull->index_body.size,
                        &pull->arena, err))
        return false;
    if (top.kind == MANIFEST_OTHER)
        return error_set(err, ERROR_UNSUPPORTED, "media type \"%s\"", pull->root.media_type);
    pull->manifest_descriptor = pull->root;
    pull->manifest = top;
    if (top.kind == MANIFEST_IMAGE)
        return true;
    chosen = platform_choose(&pull->request->platform, &top);
    if (!chosen)
        return error_set(err, ERROR_NOT_FOUND, "the index has no image for this platform");
    if (!registry_manifest(pull->registry, chosen->digest, &pull->manifest_body,
                           &pull->manifest_descriptor, &pull->arena, pull->cancel, err) ||
        !manifest_parse(&pull->manifest, chosen->media_type, pull->manifest_body.data,
                        pull->manifest_body.size, &pull->arena, err))
        return false;
    if (pull->manifest.kind != MANIFEST_IMAGE)
        return error_set(err, ERROR_UNSUPPORTED, "an index within an index");
    if (pull->manifest_descriptor.size != chosen->size)
        return error_set(err, ERROR_SIZE_MISMATCH, "the index promises %lld bytes for %s, got %lld",
                         (long long)chosen->size, chosen->digest,
                         (long long)pull->manifest_descriptor.size);
    return true;
}

static bool has_index(const struct pull *pull)
{
    return pull->manifest_body.size > 0;
}

/* What the manifests say, known before any layer is fetched. */
static void note_identity(struct pull *pull)
{
    struct probe_result *result = pull->result;

    snprintf(result->digest, sizeof(result->digest), "%s", pull->root.digest);
    snprintf(result->manifest_digest, sizeof(result->manifest_digest), "%s",
             pull->manifest_descriptor.digest);
    snprintf(result->media_type, sizeof(result->media_type), "%s", pull->root.media_type);
    snprintf(result->host, sizeof(result->host), "%s", pull->request->reference.endpoint);
    result->declared_bytes = (uint64_t)pull->root.size + (uint64_t)pull->manifest.config.size;
    if (has_index(pull))
        result->declared_bytes += (uint64_t)pull->manifest_descriptor.size;
    for (size_t i = 0; i < pull->manifest.n_children; i++)
        result->declared_bytes += (uint64_t)pull->manifest.children[i].size;
}

static void ref_of(const struct pull *pull, const char *digest, char out[REF_BYTES])
{
    snprintf(out, REF_BYTES, "%s-%s", pull->workspace.lease, digest);
}

static bool store(struct pull *pull, const struct descriptor *descriptor, const struct buf *body,
                  const struct labels *labels, struct error *err)
{
    const struct content_info info = {descriptor->digest, body->size};
    char ref[REF_BYTES];

    ref_of(pull, descriptor->digest, ref);
    return content_put(&pull->workspace.scope, ref, &info, body->data ? body->data : "", labels,
                       pull->cancel, err);
}

static bool sink_to_writer(void *arg, const void *data, size_t size, struct error *err)
{
    return content_writer_write(arg, data, size, err);
}

static bool sink_to_buf(void *arg, const void *data, size_t size, struct error *err)
{
    buf_append(arg, data, size);
    return buf_ok(arg, err);
}

/* The configuration names the layers' diff ids, and through them the snapshot to come. */
static bool fetch_config(struct pull *pull, struct error *err)
{
    const struct descriptor *descriptor = &pull->manifest.config;
    char name[WORKSPACE_NAME_BYTES];
    struct label item;
    const struct labels labels = {&item, 1};

    if (!registry_blob(pull->registry, descriptor, sink_to_buf, &pull->config_body, pull->cancel,
                       err) ||
        !image_config_parse(&pull->config, pull->config_body.data, pull->config_body.size,
                            &pull->arena, err) ||
        !digest_chain_id(pull->config.diff_ids, pull->config.n_diff_ids, pull->top_chain_id, err))
        return error_wrap(err, "config");
    snprintf(name, sizeof(name), "containerd.io/gc.ref.snapshot.%s", pull->request->snapshotter);
    item = label(name, pull->top_chain_id);
    return store(pull, descriptor, &pull->config_body,
                 pull->config.n_diff_ids > 0 ? &labels : &(struct labels){0}, err);
}

static bool fetch_layer(struct pull *pull, const struct descriptor *layer, struct error *err)
{
    char ref[REF_BYTES];
    CLEANUP(content_writer_freep) struct content_writer *writer = NULL;

    ref_of(pull, layer->digest, ref);
    writer =
        content_writer_open(&pull->workspace.scope, ref, (uint64_t)layer->size, pull->cancel, err);
    return writer &&
           registry_blob(pull->registry, layer, sink_to_writer, writer, pull->cancel, err) &&
           content_writer_commit(writer, layer->digest, &(struct labels){0}, err);
}

/* A manifest may name a layer twice; it is fetched once. */
static bool seen_before(const struct manifest *manifest, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (strcmp(manifest->children[j].digest, manifest->children[i].digest) == 0)
            return true;
    return false;
}

static bool fetch(struct pull *pull, struct error *err)
{
    PROBE_PHASE(pull->result, PHASE_FETCH);

    if (!fetch_config(pull, err))
        return false;
    for (size_t i = 0; i < pull->manifest.n_children; i++)
        if (!seen_before(&pull->manifest, i) &&
            !fetch_layer(pull, &pull->manifest.children[i], err))
            return error_wrap(err, "layer %zu", i);
    return true;
}

/* The manifest goes after its children, with labels that keep them. */
static bool store_manifest(struct pull *pull, struct error *err)
{
    size_t n = pull->manifest.n_children + 1;
    struct label *items = arena_alloc(&pull->arena, n * sizeof(*items));
    struct labels labels = {items, 1};

    if (n > LABELS_MAX)
        return error_set(err, ERROR_LIMIT, "%zu layers", n - 1);
    if (!items)
        return arena_ok(&pull->arena, err);
    items[0] = label("containerd.io/gc.ref.content.config", pull->manifest.config.digest);
    for (size_t i = 0; i + 1 < n; i++)
        items[labels.count++] = label(numbered(&pull->arena, "containerd.io/gc.ref.content.l.", i),
                                      pull->manifest.children[i].digest);
    return arena_ok(&pull->arena, err) &&
           store(pull, &pull->manifest_descriptor,
                 has_index(pull) ? &pull->manifest_body : &pull->index_body, &labels, err);
}

static bool store_index(struct pull *pull, struct error *err)
{
    struct label item = label("containerd.io/gc.ref.content.m.0", pull->manifest_descriptor.digest);

    return store(pull, &pull->root, &pull->index_body, &(struct labels){&item, 1}, err);
}

/* Into the snapshot `chain_id` on top of `parent`. After a failure the active snapshot stays: the
 * lease holds it, and goes at the end of the run. */
static bool unpack_layer(struct pull *pull, const struct descriptor *layer, const char *parent,
                         const char *diff_id, const char *chain_id, struct error *err)
{
    const struct scope *scope = &pull->workspace.scope;
    const char *snapshotter = pull->request->snapshotter;
    char key[REF_BYTES];
    const struct snapshot_info active = {.name = key, .parent = parent};
    CLEANUP(buf_deinit) struct buf mounts = BUF_INIT((size_t)1 << 20);
    struct descriptor applied;

    snprintf(key, sizeof(key), "extract-%lld %s", (long long)clock_now_ns(), chain_id);
    if (!snapshots_prepare(scope, snapshotter, &active, chain_id, &mounts, pull->cancel, err))
        return false;
    if (!snapshots_apply(scope, layer, &mounts, &applied, &pull->arena, pull->cancel, err))
        return false;
    if (strcmp(applied.digest, diff_id) != 0)
        return error_set(err, ERROR_UNPACK, "the layer unpacks to %s, its config says %s",
                         applied.digest, diff_id);
    pull->result->unpacked_bytes += (uint64_t)applied.size;
    return snapshots_commit(scope, snapshotter, key, chain_id, pull->cancel, err);
}

static bool unpack(struct pull *pull, struct error *err)
{
    PROBE_PHASE(pull->result, PHASE_UNPACK);
    char parent[DIGEST_TEXT_BYTES] = "", chain_id[DIGEST_TEXT_BYTES];
    size_t n = 0;

    for (size_t i = 0; i < pull->manifest.n_children; i++) {
        const struct descriptor *layer = &pull->manifest.children[i];

        if (!manifest_is_layer(layer->media_type))
            continue;
        if (n == pull->config.n_diff_ids)
            return error_set(err, ERROR_UNPACK, "more layers than diff ids in the config");
        if (!digest_chain_id(pull->config.diff_ids, n + 1, chain_id, err) ||
            !unpack_layer(pull, layer, parent, pull->config.diff_ids[n], chain_id, err))
            return error_wrap(err, "unpack layer %zu", i);
        memcpy(parent, chain_id, sizeof(parent));
        n++;
    }
    return n == pull->config.n_diff_ids ||
           error_set(err, ERROR_UNPACK, "%zu layers, but %zu diff ids in the config", n,
                     pull->config.n_diff_ids);
}

static bool create_image(struct pull *pull, struct error *err)
{
    const struct image_record record = {
        .name = pull->request->reference.name,
        .target = pull->root,
    };

    return images_create(&pull->workspace.scope, &record, pull->cancel, err);
}

static bool pull_image(struct pull *pull, struct error *err)
{
    if (!workspace_open(&pull->workspace, pull->request, pull->cancel, err) || !resolve(pull, err))
        return false;
    note_identity(pull);
    return fetch(pull, err) && store_manifest(pull, err) &&
           (!has_index(pull) || store_index(pull, err)) && unpack(pull, err) &&
           create_image(pull, err);
}

static bool run(const struct probe_request *request, struct probe_result *result,
                struct cancel *cancel, struct error *err)
{
    int64_t start_ns = clock_now_ns();
    CLEANUP(registry_freep)
    struct registry *registry = registry_new(&request->reference, &request->registry, err);
    struct pull pull = {
        .request = request,
        .result = result,
        .registry = registry,
        .arena = ARENA_INIT(ARENA_LIMIT_BYTES),
        .index_body = BUF_INIT(MANIFEST_LIMIT_BYTES),
        .manifest_body = BUF_INIT(MANIFEST_LIMIT_BYTES),
        .config_body = BUF_INIT(MANIFEST_LIMIT_BYTES),
        .cancel = cancel,
    };
    bool ok;

    if (!registry)
        return false;
    ok = pull_image(&pull, err);
    result->seconds = ns_to_seconds(clock_now_ns() - start_ns);
    result->traffic = *registry_traffic(registry);
    workspace_close(&pull.workspace, cancel, result);
    arena_deinit(&pull.arena);
    buf_deinit(&pull.index_body);
    buf_deinit(&pull.manifest_body);
    buf_deinit(&pull.config_body);
    return ok;
}

const struct probe_engine pull_client_engine = {"pull", "client", run};
