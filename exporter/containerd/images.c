/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/images.h"

#include "containerd/wire/images_wire.h"

#define REQUEST_LIMIT_BYTES ((size_t)64 << 10)
#define SERVICE             "/containerd.services.images.v1.Images/"

bool images_list(const struct scope *scope, struct arena *arena, struct image_records *records,
                 struct cancel *cancel, struct error *err)
{
    struct image_records_list list = {records, arena};

    *records = (struct image_records){0};
    return containerd_query_parts(scope, SERVICE "List", "name", images_wire_list, &list, cancel,
                                  err);
}

bool images_get(const struct scope *scope, const char *name, struct arena *arena,
                struct image_record *record, struct cancel *cancel, struct error *err)
{
    return containerd_query_name(scope, SERVICE "Get", name, images_wire_got, arena, record, cancel,
                                 err);
}

bool images_create(const struct scope *scope, const struct image_record *record,
                   struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);

    images_wire_create(&request, record, &arena);
    return arena_ok(&arena, err) &&
           containerd_query(scope, SERVICE "Create", &request, NULL, NULL, NULL, cancel, err);
}

bool images_delete(const struct scope *scope, const char *name, struct cancel *cancel,
                   struct error *err)
{
    return containerd_delete(scope, SERVICE "Delete", name, cancel, err);
}
