/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/images.h"

#include "containerd/wire/images_wire.h"

#define REQUEST_LIMIT_BYTES ((size_t)64 << 10)
#define REPLY_LIMIT_BYTES   ((size_t)16 << 20)

bool images_list(const struct scope *scope, struct arena *arena, struct image_records *records,
                 struct cancel *cancel, struct error *err)
{
    const struct buf nothing = BUF_INIT(0);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    return containerd_call(scope, "/containerd.services.images.v1.Images/List", &nothing, &reply,
                           cancel, err) &&
           images_wire_list(&reply, arena, records, err);
}

bool images_get(const struct scope *scope, const char *name, struct arena *arena,
                struct image_record *record, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    images_wire_get(&request, name);
    return containerd_call(scope, "/containerd.services.images.v1.Images/Get", &request, &reply,
                           cancel, err) &&
           images_wire_got(&reply, arena, record, err);
}

bool images_create(const struct scope *scope, const struct image_record *record,
                   struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    images_wire_create(&request, record, &arena);
    return containerd_call(scope, "/containerd.services.images.v1.Images/Create", &request, &reply,
                           cancel, err);
}

bool images_delete(const struct scope *scope, const char *name, struct cancel *cancel,
                   struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    images_wire_delete(&request, name);
    return containerd_call(scope, "/containerd.services.images.v1.Images/Delete", &request, &reply,
                           cancel, err) ||
           error_is_expected(err, STATUS_GRPC, RPC_NOT_FOUND);
}
