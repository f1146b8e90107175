/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collects the blobs of the image from its manifests, and dates each of them by one list per
 * namespace. A blob that is not in the store was either discarded after unpacking, and then its
 * snapshot is as new as the pull, or it was never fetched.
 */
#include "engines/image/pulled_image.h"

#include "base/clock.h"
#include "base/text.h"
#include "containerd/content.h"
#include "containerd/images.h"
#include "containerd/introspection.h"
#include "containerd/snapshots.h"
#include "engines/image/recent_blobs.h"
#include "oci/name_map.h"

#include <stdio.h>
#include <string.h>

#define ARENA_LIMIT_BYTES  ((size_t)64 << 20)
#define BLOBS_MAX          ((size_t)4096)
#define NO_LAYER           SIZE_MAX
#define SNAPSHOT_LABEL     "containerd.io/gc.ref.snapshot."
#define SHAREABLE_LABEL    "containerd.io/namespace.shareable"
#define METADATA_PLUGIN    "io.containerd.metadata.v1"
#define ISOLATED_POLICY    "isolated"
#define NS_PER_SECOND_REAL 1e9

struct blob {
    const char *digest;
    uint64_t bytes;
    size_t layer;            /* index in the unpacked image; NO_LAYER: none */
    int64_t created_unix_ns; /* in the namespace of the image; 0: not there */
    bool cached;
};

struct examination {
    const struct pulled_image_query *query;
    struct engine_result *result;
    struct cancel *cancel;
    struct arena arena;
    struct blob *blobs; /* without duplicates */
    size_t n_blobs;
    struct name_map index;    /* digest -> index of `blobs` */
    struct manifest manifest; /* of the platform */
    const char *config_digest;
    const char *snapshotter;    /* NULL: unknown */
    struct image_config config; /* only if the snapshotter is known */
    bool has_config;
};

static void examination_deinit(struct examination *e)
{
    arena_deinit(&e->arena);
    name_map_deinit(&e->index);
}

/* Adds to result->note. */
static void add_note(const struct examination *e, const char *text, size_t count)
{
    char *out = e->result->note;
    size_t used = strlen(out);

    if (count > 0)
        snprintf(out + used, sizeof(e->result->note) - used, "%s%s: %zu", used ? "; " : "", text,
                 count);
}

/* The declared bytes count a blob as often as manifests name it. */
static bool add(struct examination *e, const struct descriptor *descriptor, size_t layer,
                struct error *err)
{
    uint64_t bytes = descriptor->size > 0 ? (uint64_t)descriptor->size : 0;

    e->result->declared_bytes += bytes;
    if (!digest_valid(descriptor->digest))
        return error_set(err, ERROR_UNSUPPORTED, "unsupported digest \"%s\"", descriptor->digest);
    if (name_map_find(&e->index, descriptor->digest, NULL))
        return true;
    if (e->n_blobs == BLOBS_MAX)
        return error_set(err, ERROR_LIMIT, "the image has more than %zu blobs", BLOBS_MAX);
    if (!e->blobs && !(e->blobs = arena_alloc(&e->arena, BLOBS_MAX * sizeof(*e->blobs))))
        return arena_ok(&e->arena, err);
    e->blobs[e->n_blobs] =
        (struct blob){.digest = descriptor->digest, .bytes = bytes, .layer = layer};
    return name_map_add(&e->index, descriptor->digest, e->n_blobs++, err);
}

static bool read_manifest(struct examination *e, const struct descriptor *descriptor,
                          struct manifest *manifest, struct error *err)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(MANIFEST_LIMIT_BYTES);

    return content_read(e->query->scope, descriptor->digest, &body, e->cancel, err) &&
           manifest_parse(manifest, descriptor->media_type, body.data, body.size, &e->arena, err);
}

static bool add_parts(struct examination *e, const struct manifest *manifest, bool unpacked,
                      struct error *err)
{
    size_t layer = 0;

    if (!add(e, &manifest->config, NO_LAYER, err))
        return false;
    for (size_t i = 0; i < manifest->n_children; i++) {
        const struct descriptor *child = &manifest->children[i];
        bool is_layer = unpacked && manifest_is_layer(child->media_type);

        if (!add(e, child, is_layer ? layer++ : NO_LAYER, err))
            return false;
    }
    return true;
}

static bool read_config(struct examination *e, struct error *err)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(MANIFEST_LIMIT_BYTES);

    if (!content_read(e->query->scope, e->config_digest, &body, e->cancel, err))
        return error_is_expected_code(err, ERROR_NOT_FOUND);
    e->has_config = image_config_parse(&e->config, body.data, body.size, &e->arena, err);
    return e->has_config || error_wrap(err, "config");
}

/* The daemon has pulled an entry that names no platform: whether it is for this one. */
static bool check_platform(struct examination *e, const struct descriptor *entry, struct error *err)
{
    static const struct platform unknown = {"", "", ""};

    return entry->has_platform ||
           (read_config(e, err) &&
            platform_check(e->query->platform, entry,
                           e->has_config ? &e->config.platform : &unknown, err));
}

/* Adds the manifest of the platform and its parts. */
static bool add_chosen(struct examination *e, const struct descriptor *descriptor,
                       struct error *err)
{
    if (!add(e, descriptor, NO_LAYER, err) || !read_manifest(e, descriptor, &e->manifest, err))
        return false;
    if (e->manifest.kind != MANIFEST_IMAGE)
        return error_set(err, ERROR_UNSUPPORTED, "an index within an index");
    engine_report_manifest(descriptor->digest, e->result);
    e->config_digest = e->manifest.config.digest;
    return add_parts(e, &e->manifest, true, err);
}

/* Adds another entry of the index. If its manifest is not in the store, neither the manifest nor
 * its parts were fetched. */
static bool add_other(struct examination *e, const struct descriptor *descriptor, struct error *err)
{
    struct manifest manifest;

    if (!add(e, descriptor, NO_LAYER, err))
        return false;
    if (manifest_kind(descriptor->media_type) != MANIFEST_IMAGE)
        return true;
    if (!read_manifest(e, descriptor, &manifest, err))
        return error_is_expected_code(err, ERROR_NOT_FOUND);
    return add_parts(e, &manifest, false, err);
}

static bool add_entries(struct examination *e, const struct manifest *index, struct error *err)
{
    const struct descriptor *chosen;

    if (platform_find(e->query->platform, index, &chosen, err)) {
        if (!add_chosen(e, chosen, err) || !check_platform(e, chosen, err))
            return false;
    } else if (!e->query->all_platforms || !error_is_expected_code(err, ERROR_NOT_FOUND)) {
        return false;
    }
    for (size_t i = 0; e->query->all_platforms && i < index->n_children; i++)
        if (&index->children[i] != chosen && !add_other(e, &index->children[i], err))
            return false;
    return true;
}

/* Collects all blobs, starting from the image record. */
static bool collect(struct examination *e, struct error *err)
{
    struct image_record record;
    struct manifest top;

    e->result->declared_bytes = 0;
    if (!images_get(e->query->scope, e->query->name, &e->arena, &record, e->cancel, err))
        return false;
    engine_report_root(&record.target, e->result);
    switch (manifest_kind(record.target.media_type)) {
    case MANIFEST_IMAGE:
        return add_chosen(e, &record.target, err);
    case MANIFEST_INDEX:
        return add(e, &record.target, NO_LAYER, err) &&
               read_manifest(e, &record.target, &top, err) && add_entries(e, &top, err);
    default:
        return error_set(err, ERROR_UNSUPPORTED, "unsupported media type \"%s\"",
                         record.target.media_type);
    }
}

/* The label of the configuration that refers to its snapshot has the name of the snapshotter. */
static void find_snapshotter(struct examination *e, const struct labels *labels)
{
    for (size_t i = 0; i < labels->count && !e->snapshotter; i++)
        if (text_starts_with(labels->items[i].name, SNAPSHOT_LABEL))
            e->snapshotter =
                arena_strdup(&e->arena, labels->items[i].name + strlen(SNAPSHOT_LABEL));
}

static struct blob *find_blob(const struct examination *e, const char *digest)
{
    uint64_t place;

    return name_map_find(&e->index, digest, &place) ? &e->blobs[place] : NULL;
}

static bool date_own(void *arg, const struct content_record *record, struct error *err)
{
    struct examination *e = arg;
    struct blob *blob = find_blob(e, record->digest);

    if (!blob)
        return true; /* the daemon lists more than the request asked for */
    blob->created_unix_ns = record->created_unix_ns;
    blob->cached = record->created_unix_ns < e->query->started_unix_ns;
    if (e->config_digest && strcmp(record->digest, e->config_digest) == 0)
        find_snapshotter(e, &record->labels);
    return arena_ok(&e->arena, err);
}

static bool date_foreign(void *arg, const struct content_record *record, struct error *err)
{
    struct examination *e = arg;
    struct blob *blob = find_blob(e, record->digest);

    (void)err;
    if (blob && (record->created_unix_ns < e->query->started_unix_ns ||
                 record->created_unix_ns < blob->created_unix_ns))
        blob->cached = true;
    return true;
}

/* Dates the blobs that are not known to be cached. */
static bool date(struct examination *e, const struct scope *scope, content_record_visit *visit,
                 struct error *err)
{
    const char **digests = arena_alloc(&e->arena, e->n_blobs * sizeof(*digests));
    size_t count = 0;

    for (size_t i = 0; digests && i < e->n_blobs; i++)
        if (!e->blobs[i].cached)
            digests[count++] = e->blobs[i].digest;
    return arena_ok(&e->arena, err) &&
           content_find(scope, digests, count, visit, e, e->cancel, err);
}

/* *shared: namespaces share content, which is the default of containerd. */
static bool read_policy(struct examination *e, bool *shared, struct error *err)
{
    struct plugins plugins;

    if (!introspection_plugins(e->query->scope->daemon, &e->arena, &plugins, e->cancel, err))
        return false;
    *shared = strcmp(plugin_export(&plugins, METADATA_PLUGIN, "policy"), ISOLATED_POLICY) != 0;
    return true;
}

static bool date_in_other_namespaces(struct examination *e, struct error *err)
{
    const struct scope *own = e->query->scope;
    struct containerd_namespaces namespaces;
    bool shared;

    if (!read_policy(e, &shared, err) ||
        !containerd_namespaces(own->daemon, &e->arena, &namespaces, e->cancel, err))
        return false;
    for (size_t i = 0; i < namespaces.count; i++) {
        const struct containerd_namespace *other = &namespaces.items[i];
        const struct scope scope = {.daemon = own->daemon, .name_space = other->name};
        const char *shareable = labels_get(&other->labels, SHAREABLE_LABEL);

        if (strcmp(other->name, own->name_space) == 0 ||
            (!shared && (!shareable || strcmp(shareable, "true") != 0)))
            continue;
        if (!date(e, &scope, date_foreign, err))
            return error_wrap(err, "namespace %s", other->name);
    }
    return true;
}

/* Must follow the lists: what another run removed since then has been recorded. */
static void date_by_other_runs(struct examination *e)
{
    for (size_t i = 0; i < e->n_blobs; i++) {
        struct blob *blob = &e->blobs[i];

        blob->cached = blob->cached || (blob->created_unix_ns != 0 &&
                                        recent_blobs_shared(blob->digest, e->query->started_unix_ns,
                                                            blob->created_unix_ns));
    }
}

static bool has_snapshots(const struct examination *e)
{
    return e->has_config && e->snapshotter && e->snapshotter[0] != '\0';
}

/* Whether *err says that the daemon lacks the snapshotter or the snapshot. */
static bool is_absence(struct error *err)
{
    return error_is_expected(err, STATUS_GRPC, RPC_NOT_FOUND) ||
           error_is_expected(err, STATUS_GRPC, RPC_INVALID_ARGUMENT);
}

/* *is_new: this pull has unpacked the layer, so it has fetched it, too. */
static bool date_snapshot(struct examination *e, size_t layer, bool *is_new, struct error *err)
{
    char chain_id[DIGEST_TEXT_BYTES];
    struct snapshot_info info;

    *is_new = false;
    if (!has_snapshots(e) || layer >= e->config.n_diff_ids)
        return true;
    if (!digest_chain_id(e->config.diff_ids, layer + 1, chain_id, err))
        return false;
    if (!snapshots_stat(e->query->scope, e->snapshotter, chain_id, &e->arena, &info, e->cancel,
                        err))
        return is_absence(err);
    *is_new = info.created * NS_PER_SECOND_REAL >= (double)e->query->started_unix_ns;
    return true;
}

/* Classifies blobs that are not in the store: not fetched, unless a new snapshot proves otherwise.
 */
static bool classify_missing(struct examination *e, struct error *err)
{
    size_t n_cached = 0, n_discarded = 0, n_missing = 0;

    for (size_t i = 0; i < e->n_blobs; i++) {
        struct blob *blob = &e->blobs[i];
        bool is_new = false;

        n_cached += blob->cached;
        if (blob->created_unix_ns != 0 || blob->cached)
            continue;
        if (blob->layer != NO_LAYER && !date_snapshot(e, blob->layer, &is_new, err))
            return false;
        blob->cached = !is_new;
        *(is_new ? &n_discarded : &n_missing) += 1;
    }
    add_note(e, "blobs that existed before, in this namespace or another", n_cached);
    add_note(e, "layers that were fetched, unpacked and discarded", n_discarded);
    add_note(e, "blobs that are not in the content store and count as not fetched", n_missing);
    return true;
}

static void sum_up(struct examination *e)
{
    struct engine_result *result = e->result;

    result->cached_bytes = result->traffic.fetched_bytes = 0;
    for (size_t i = 0; i < e->n_blobs; i++) {
        const struct blob *blob = &e->blobs[i];

        *(blob->cached ? &result->cached_bytes : &result->traffic.fetched_bytes) += blob->bytes;
    }
}

static bool measure_snapshots(struct examination *e, struct error *err)
{
    char chain_id[DIGEST_TEXT_BYTES];
    uint64_t sum = 0, bytes;

    if (!e->query->snapshotter || !has_snapshots(e))
        return true;
    for (size_t i = 0; i < e->config.n_diff_ids; i++) {
        if (!digest_chain_id(e->config.diff_ids, i + 1, chain_id, err))
            return false;
        if (!snapshots_usage(e->query->scope, e->snapshotter, chain_id, &bytes, e->cancel, err))
            return is_absence(err);
        sum += bytes;
    }
    e->result->unpacked_bytes = sum;
    return true;
}

static bool examine(struct examination *e, struct error *err)
{
    if (!collect(e, err) || !date(e, e->query->scope, date_own, err) ||
        !date_in_other_namespaces(e, err))
        return false;
    date_by_other_runs(e);
    return (e->has_config || !e->config_digest || !e->snapshotter || read_config(e, err)) &&
           classify_missing(e, err) && measure_snapshots(e, err);
}

bool pulled_image_examine(const struct pulled_image_query *query, struct engine_result *result,
                          struct cancel *cancel, struct error *err)
{
    CLEANUP(examination_deinit)
    struct examination e = {
        .query = query,
        .result = result,
        .cancel = cancel,
        .arena = ARENA_INIT(ARENA_LIMIT_BYTES),
        .index = NAME_MAP_INIT,
        .snapshotter = query->snapshotter && query->snapshotter[0] ? query->snapshotter : NULL,
    };

    if (!examine(&e, err))
        return error_wrap(err, "examine %s in namespace %s", query->name, query->scope->name_space);
    sum_up(&e);
    return true;
}
