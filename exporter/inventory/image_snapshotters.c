/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/image_snapshotters.h"

#include "base/clock.h"
#include "containerd/content.h"
#include "containerd/namespaces.h"

#include <stdio.h>
#include <string.h>

void image_snapshotters_init(struct image_snapshotters *snapshotters)
{
    *snapshotters = (struct image_snapshotters){.configs = NAME_MAP_INIT};
    for (size_t i = 0; i < IMAGE_SNAPSHOTTERS_MAX; i++)
        snapshotters->items[i].snapshots = (struct name_map)NAME_MAP_INIT;
}

void image_snapshotters_deinit(struct image_snapshotters *snapshotters)
{
    name_map_deinit(&snapshotters->configs);
    for (size_t i = 0; i < IMAGE_SNAPSHOTTERS_MAX; i++)
        name_map_deinit(&snapshotters->items[i].snapshots);
}

/* Returns the index of the snapshotter, or IMAGE_SNAPSHOTTERS_MAX if there is no room for it. */
static size_t index_of(struct image_snapshotters *snapshotters, const char *name, size_t size)
{
    size_t i = 0;

    while (i < snapshotters->count && (strncmp(snapshotters->items[i].name, name, size) != 0 ||
                                       snapshotters->items[i].name[size] != '\0'))
        i++;
    if (i < snapshotters->count || i == IMAGE_SNAPSHOTTERS_MAX || size == 0)
        return size == 0 ? IMAGE_SNAPSHOTTERS_MAX : i;
    snprintf(snapshotters->items[i].name, SNAPSHOTTER_NAME_BYTES, "%.*s", (int)size, name);
    snapshotters->items[i].state = SNAPSHOTTER_UNKNOWN;
    name_map_clear(&snapshotters->items[i].snapshots);
    snapshotters->count++;
    return i;
}

void image_snapshotters_begin(struct image_snapshotters *snapshotters, const char *own, bool only)
{
    snapshotters->count = 0;
    snapshotters->ignores_labels = only;
    error_clear(&snapshotters->failure);
    (void)index_of(snapshotters, own, strnlen(own, SNAPSHOTTER_NAME_BYTES - 1)); /* the first */
}

void image_snapshotters_clear(struct image_snapshotters *snapshotters)
{
    name_map_clear(&snapshotters->configs);
    for (size_t i = 0; i < snapshotters->count; i++) {
        name_map_clear(&snapshotters->items[i].snapshots);
        if (snapshotters->items[i].state != SNAPSHOTTER_FAILED)
            snapshotters->items[i].state = SNAPSHOTTER_UNKNOWN;
    }
}

bool image_snapshotters_note(struct image_snapshotters *snapshotters, const char *digest,
                             const char *names, struct error *err)
{
    uint64_t bits = 0;

    if (snapshotters->ignores_labels)
        return true;
    while (*names != '\0') {
        size_t size = strcspn(names, CONTENT_SNAPSHOTTERS_END);
        size_t i = size < SNAPSHOTTER_NAME_BYTES ? index_of(snapshotters, names, size)
                                                 : IMAGE_SNAPSHOTTERS_MAX;

        if (i < IMAGE_SNAPSHOTTERS_MAX)
            bits |= UINT64_C(1) << i;
        names += size + (names[size] != '\0');
    }
    return bits == 0 || name_map_add(&snapshotters->configs, digest, bits, err);
}

static bool open_list(const struct image_snapshotter *item, const struct scope *scope,
                      struct rpc_stream **stream, struct cancel *cancel, struct error *err)
{
    int64_t whole_ns = deadline_share(cancel, 2); /* the rest of the scan needs time, too */

    *stream = snapshots_list_begin(scope, item->name, cancel, err);
    cancel->deadline_ns = whole_ns;
    return *stream;
}

/* False if the failure is one of the daemon. */
static bool settle(struct image_snapshotters *snapshotters, struct image_snapshotter *item,
                   const struct scope *scope, struct cancel *cancel, struct error *err)
{
    item->state = SNAPSHOTTER_ABSENT;
    if (error_is_expected(err, STATUS_GRPC, RPC_INVALID_ARGUMENT) ||
        error_is_expected(err, STATUS_GRPC, RPC_NOT_FOUND))
        return true;
    if (!failure_is_local(scope->daemon, cancel, err))
        return false;
    item->state = SNAPSHOTTER_FAILED;
    error_wrap(err, "snapshotter %s", item->name);
    if (snapshotters->failure.code == ERROR_NONE)
        snapshotters->failure = *err;
    error_clear(err);
    return true;
}

static bool add_snapshot(void *arg, const struct snapshot_info *info, struct error *err)
{
    return name_map_add(arg, info->name, 0, err);
}

static bool end_list(struct image_snapshotters *snapshotters, struct image_snapshotter *item,
                     struct rpc_stream *stream, const struct scope *scope, struct cancel *cancel,
                     struct error *err)
{
    if (!snapshots_list_end(scope, stream, add_snapshot, &item->snapshots, err))
        return settle(snapshotters, item, scope, cancel, err);
    item->state = SNAPSHOTTER_LISTED;
    return true;
}

bool image_snapshotters_open(const struct image_snapshotters *snapshotters,
                             const struct scope *scope, struct rpc_stream **stream,
                             struct cancel *cancel, struct error *err)
{
    const struct image_snapshotter *own = &snapshotters->items[0];

    *stream = NULL;
    return own->state == SNAPSHOTTER_FAILED || open_list(own, scope, stream, cancel, err);
}

bool image_snapshotters_list(struct image_snapshotters *snapshotters, struct rpc_stream *stream,
                             const struct scope *scope, struct cancel *cancel, struct error *err)
{
    for (size_t i = 0; i < snapshotters->count; i++) {
        struct image_snapshotter *item = &snapshotters->items[i];

        if (item->state == SNAPSHOTTER_FAILED)
            continue;
        if (i > 0 && !open_list(item, scope, &stream, cancel, err))
            return false;
        if (!end_list(snapshotters, item, stream, scope, cancel, err))
            return false;
    }
    return true;
}

enum image_lookup image_snapshotters_find(const struct image_snapshotters *snapshotters,
                                          const char *config_digest, const char *chain_id)
{
    uint64_t bits = 0, failed = 0;

    (void)name_map_find(&snapshotters->configs, config_digest, &bits);
    bits |= 1; /* the namespace's own */
    for (size_t i = 0; i < snapshotters->count; i++) {
        const struct image_snapshotter *item = &snapshotters->items[i];

        if (!(bits >> i & 1))
            continue;
        failed += item->state == SNAPSHOTTER_FAILED;
        if (item->state == SNAPSHOTTER_LISTED && name_map_find(&item->snapshots, chain_id, NULL))
            return IMAGE_FOUND;
    }
    if (failed > 0)
        return IMAGE_UNKNOWN;
    return snapshotters->items[0].state == SNAPSHOTTER_LISTED ? IMAGE_MISSING : IMAGE_UNREADABLE;
}
