/* SPDX-License-Identifier: Apache-2.0 */
/* CRI calls have no namespace header: containerd always uses k8s.io for them. */
#include "containerd/cri/cri.h"

#include "base/clock.h"
#include "base/text.h"
#include "containerd/containers.h"
#include "containerd/introspection.h"
#include "containerd/wire/cri_wire.h"
#include "encoding/json.h"

#include <string.h>
#include <sys/stat.h>

#define REQUEST_LIMIT_BYTES ((size_t)64 << 10)
#define REPLY_LIMIT_BYTES   ((size_t)16 << 20)
#define RUNTIME_SERVICE     "/runtime.v1.RuntimeService/"
#define IMAGE_SERVICE       "/runtime.v1.ImageService/"

#define SANDBOX_FILTER "labels.\"io.cri-containerd.kind\"==sandbox"

static void wipe(struct buf *reply)
{
    if (reply->data)
        explicit_bzero(reply->data, reply->size);
    buf_deinit(reply);
}

/* Returns NULL if the configuration is invalid JSON or has no such member; that is no error. */
static const char *configured_image(const char *config, struct arena *arena)
{
    struct error ignored;
    CLEANUP(json_freep)
    struct json_document *document = json_parse(config, strlen(config), &ignored);
    const char *image =
        document ? json_text(json_member(json_root(document), "sandboxImage")) : NULL;

    return image && image[0] != '\0' ? arena_strdup(arena, image) : NULL;
}

/* Copies the conditions out of the arena that also holds the configuration. */
static bool keep_conditions(struct cri_status *status, struct arena *arena, struct error *err)
{
    struct cri_condition *copies = arena_alloc(arena, status->count * sizeof(*copies));

    for (size_t i = 0; copies && i < status->count; i++)
        copies[i] = (struct cri_condition){arena_strdup(arena, status->conditions[i].type),
                                           status->conditions[i].met};
    status->conditions = copies;
    return arena_ok(arena, err);
}

bool cri_status(struct containerd *daemon, struct arena *arena, struct cri_status *status,
                struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena unpacked = ARENA_INIT(REPLY_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(wipe) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);
    const struct scope scope = {.daemon = daemon};
    char *config;

    cri_wire_status_verbose(&request);
    *status = (struct cri_status){0};
    if (!containerd_call(&scope, RUNTIME_SERVICE "Status", &request, &reply, cancel, err) ||
        !cri_wire_status(&reply, &unpacked, status, &config, err))
        return false;
    if (config) {
        status->sandbox_image = configured_image(config, arena);
        explicit_bzero(config, strlen(config));
    }
    return keep_conditions(status, arena, err);
}

bool cri_images(struct containerd *daemon, struct arena *arena, struct cri_images *images,
                struct cancel *cancel, struct error *err)
{
    const struct scope scope = {.daemon = daemon};

    return containerd_query(&scope, IMAGE_SERVICE "ListImages", NULL, cri_wire_images, arena,
                            images, cancel, err);
}

/* A snapshotter without a folder of its own choice is in ".../io.containerd.snapshotter.v1.NAME",
 * which CRI also takes for a proxy, that has none. */
static const char *name_of_root(const char *root)
{
    const char *last = strrchr(root, '/');
    const char *name = last ? last + 1 : root;

    return text_starts_with(name, SNAPSHOTTER_PLUGIN ".") ? name + sizeof(SNAPSHOTTER_PLUGIN) : "";
}

bool cri_snapshotter(struct containerd *daemon, struct arena *arena, const char **name,
                     struct cancel *cancel, struct error *err)
{
    const struct scope scope = {.daemon = daemon};
    struct plugins plugins;
    const char *root;

    *name = "";
    if (!containerd_query(&scope, IMAGE_SERVICE "ImageFsInfo", NULL, cri_wire_image_root, arena,
                          &root, cancel, err))
        return error_is_expected(err, STATUS_GRPC, RPC_UNIMPLEMENTED);
    *name = name_of_root(root);
    if (**name != '\0' || *root == '\0')
        return true;
    if (!introspection_plugins(daemon, arena, &plugins, cancel, err))
        return false;
    for (size_t i = 0; i < plugins.count; i++) {
        const char *export = labels_get(&plugins.items[i].exports, "root");

        if (strcmp(plugins.items[i].type, SNAPSHOTTER_PLUGIN) == 0 && export &&
            strcmp(export, root) == 0)
            *name = plugins.items[i].id;
    }
    return true;
}

bool cri_presence(struct containerd *daemon, const char *image, struct cri_presence *presence,
                  struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    const struct scope scope = {.daemon = daemon};

    cri_wire_image(&request, image);
    return containerd_query(&scope, IMAGE_SERVICE "ImageStatus", &request, cri_wire_presence, NULL,
                            presence, cancel, err);
}

struct newest_sandbox {
    struct arena *arena;
    int64_t created_unix_ns;
    const char *image; /* NULL: none yet */
};

/* Keeps the image of the newest sandbox that has the name of one. An image that has lost its name
 * is recorded by its digest. */
static bool keep_newest(void *arg, const struct container_info *info, struct error *err)
{
    struct newest_sandbox *newest = arg;

    if (info->created_unix_ns <= newest->created_unix_ns)
        return true;
    newest->created_unix_ns = info->created_unix_ns;
    newest->image = NULL;
    if (info->image[0] != '\0' && !text_starts_with(info->image, "sha256:"))
        newest->image = arena_strdup(newest->arena, info->image);
    return arena_ok(newest->arena, err);
}

/* When the daemon began to listen, in nanoseconds since 1970; INT64_MAX: unknown. Nothing writes to
 * a socket file afterwards. */
static int64_t started_unix_ns(const struct containerd *daemon)
{
    struct stat info;

    if (stat(containerd_address(daemon), &info) < 0 || !S_ISSOCK(info.st_mode))
        return INT64_MAX;
    return (int64_t)info.st_mtim.tv_sec * NS_PER_SECOND + info.st_mtim.tv_nsec;
}

bool cri_sandbox_image(struct containerd *daemon, const struct cri_status *status,
                       struct arena *arena, const char **image, struct cancel *cancel,
                       struct error *err)
{
    const struct scope scope = {.daemon = daemon, .name_space = CRI_NAMESPACE};
    struct newest_sandbox newest = {arena, started_unix_ns(daemon), NULL};

    *image = status->sandbox_image;
    if (*image)
        return true;
    if (!containers_list(&scope, SANDBOX_FILTER, keep_newest, &newest, cancel, err))
        return false;
    *image = newest.image;
    return true;
}
