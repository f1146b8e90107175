/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes any bytes as replies of the services that the inventory uses. The strings are not longer
 * than the message, statuses and kinds are valid, and an invalid message has an error. Also parses
 * the same bytes as a time.
 */
#include "containerd/wire/containerd_wire.h"
#include "containerd/wire/containers_wire.h"
#include "containerd/wire/content_wire.h"
#include "containerd/wire/cri_wire.h"
#include "containerd/wire/images_wire.h"
#include "containerd/wire/snapshots_wire.h"
#include "encoding/rfc3339.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_BYTES ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static bool refused(const struct error *err)
{
    return err->code == ERROR_PROTOCOL || err->code == ERROR_LIMIT;
}

static bool see_container(void *arg, const struct container_info *info, struct error *err)
{
    (void)err;
    *(size_t *)arg += strlen(info->image) + strlen(info->runtime);
    return true;
}

static bool see_snapshot(void *arg, const struct snapshot_info *info, struct error *err)
{
    (void)err;
    require(info->kind >= SNAPSHOT_UNKNOWN && info->kind <= SNAPSHOT_COMMITTED);
    *(size_t *)arg += strlen(info->name) + strlen(info->parent);
    return true;
}

static void try_visits(const struct buf *message)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    size_t counts[TASK_STATUSES] = {0}, lengths[3] = {0};
    struct containers_visitor all = {see_container, &lengths[0]},
                              one = {see_container, &lengths[1]};
    struct snapshots_visitor snapshots = {see_snapshot, &lengths[2]};
    struct error err;

    if (!containers_wire_visit_all(message, &arena, &all, &err))
        require(refused(&err));
    if (!containers_wire_visit_one(message, &arena, &one, &err))
        require(refused(&err));
    if (!snapshots_wire_visit(message, &arena, &snapshots, &err))
        require(refused(&err));
    for (size_t i = 0; i < 3; i++)
        require(lengths[i] <= message->size);
    if (!tasks_wire_count(message, &arena, counts, &err))
        require(refused(&err));
    for (size_t status = 0; status < TASK_STATUSES; status++)
        require(counts[status] <= message->size / 2);
}

static void try_lists(const struct buf *message)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    struct ingests ingests;
    struct leases leases = {0};
    struct leases_list list = {&leases, &arena};
    struct deprecations deprecations;
    size_t length = 0;
    struct error err;

    if (content_wire_ingests(message, &arena, &ingests, &err))
        for (size_t i = 0; i < ingests.count; i++)
            length += strlen(ingests.items[i].ref);
    if (leases_wire_list(message, &arena, &list, &err)) {
        for (size_t i = 0; i < leases.count; i++)
            length += strlen(leases.items[i].id);
        for (size_t i = 0; i < leases.count; i++)
            (void)labels_get(&leases.items[i].labels, "containerd.io/gc.expire");
    }
    if (introspection_wire_deprecations(message, &arena, &deprecations, &err))
        for (size_t i = 0; i < deprecations.count; i++)
            length += strlen(deprecations.items[i].id);
    require(length <= 3 * message->size);
}

static void try_plugins(const struct buf *message)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    struct plugins plugins;
    size_t length = 0;
    struct error err;

    if (!introspection_wire_plugins(message, &arena, &plugins, &err)) {
        require(refused(&err));
        return;
    }
    for (size_t i = 0; i < plugins.count; i++) {
        const struct plugin *detail = &plugins.items[i];

        (void)labels_get(&detail->exports, "root");
        length += strlen(plugin_status(detail)) > 5;
        for (size_t k = 0; k < detail->n_capabilities; k++)
            length += strlen(detail->capabilities[k]);
        require(!detail->init_error == !detail->init_code);
    }
    require(length <= message->size);
}

static void try_cri(const struct buf *message)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    struct cri_status status = {0};
    struct cri_images images;
    struct cri_presence presence;
    struct cri_names names;
    const char *id;
    size_t length = 0;
    char *config;
    struct error err;

    if (cri_wire_status(message, &arena, &status, &config, &err)) {
        for (size_t i = 0; i < status.count; i++)
            length += strlen(status.conditions[i].type);
        length += config ? strlen(config) : 0;
    }
    if (cri_wire_images(message, &arena, &images, &err))
        for (size_t i = 0; i < images.count; i++)
            length += strlen(images.items[i].name);
    if (cri_wire_presence(message, &arena, &presence, &err))
        require(presence.present || !presence.pinned);
    if (cri_wire_pulled(message, &arena, &id, &err))
        length += strlen(id);
    if (cri_wire_names(message, &arena, &names, &err))
        for (size_t i = 0; i < names.n_tags; i++)
            length += strlen(names.tags[i]);
    require(length <= 4 * message->size);
}

/* A parsed time is in the years 0000 to 9999, or within a day of them. */
static void try_time(const uint8_t *data, size_t size)
{
    CLEANUP(freep) char *text = malloc(size + 1);
    int64_t seconds;
    struct error err;

    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    if (rfc3339_parse(text, &seconds, &err))
        require(seconds >= INT64_C(-62167305600) && seconds <= INT64_C(253402387199));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct buf message = {.data = (char *)data, .size = size, .limit_bytes = size};

    try_visits(&message);
    try_lists(&message);
    try_plugins(&message);
    try_cri(&message);
    try_time(data, size);
    return 0;
}
