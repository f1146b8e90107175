/* SPDX-License-Identifier: Apache-2.0 */
/* Two maps: the known sizes, and those that this round has seen. snapshot_sizes_end() replaces the
 * first by the second. */
#include "inventory/snapshot_sizes.h"

#define KEY_LIMIT_BYTES ((size_t)8192)

void snapshot_sizes_begin(struct snapshot_sizes *sizes, size_t max_calls)
{
    sizes->calls_left_ = max_calls;
    name_map_clear(&sizes->seen_);
}

/* A name may be reused for other content, so the creation time is part of the key. */
static bool key_of(struct buf *key, const struct scope *scope, const char *snapshotter,
                   const struct snapshot_info *snapshot, struct error *err)
{
    buf_printf(key, "%s/%s/%.6f/%s", scope->name_space, snapshotter, snapshot->created,
               snapshot->name);
    return buf_ok(key, err);
}

static bool ask(struct snapshot_sizes *sizes, const struct scope *scope, const char *snapshotter,
                const struct snapshot_info *snapshot, uint64_t *size, struct cancel *cancel,
                struct error *err)
{
    sizes->calls_left_--;
    *size = 0;
    return snapshots_usage(scope, snapshotter, snapshot->name, size, cancel, err) ||
           error_is_expected_code(err, ERROR_NOT_FOUND);
}

bool snapshot_sizes_add(struct snapshot_sizes *sizes, const struct scope *scope,
                        const char *snapshotter, const struct snapshot_info *snapshot,
                        uint64_t *bytes, bool *complete, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(KEY_LIMIT_BYTES);
    uint64_t size;

    if (!key_of(&key, scope, snapshotter, snapshot, err))
        return false;
    if (!name_map_find(&sizes->known_, key.data, &size)) {
        if (sizes->calls_left_ == 0) {
            *complete = false;
            return true;
        }
        if (!ask(sizes, scope, snapshotter, snapshot, &size, cancel, err) ||
            !name_map_add(&sizes->known_, key.data, size, err))
            return false;
    }
    *bytes += size;
    return name_map_add(&sizes->seen_, key.data, size, err);
}

void snapshot_sizes_end(struct snapshot_sizes *sizes)
{
    name_map_deinit(&sizes->known_);
    sizes->known_ = sizes->seen_;
    sizes->seen_ = (struct name_map)NAME_MAP_INIT;
}

void snapshot_sizes_deinit(struct snapshot_sizes *sizes)
{
    name_map_deinit(&sizes->known_);
    name_map_deinit(&sizes->seen_);
}
