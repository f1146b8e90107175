/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of operations that push, and their checks. */
#include "probe/push_settings.h"

#include "base/buf.h"
#include "engines/engines.h"

#include <string.h>

#define LAYERS_MAX      64
#define LAYER_BYTES_MAX (UINT64_C(4) << 30)
#define LAYER_BYTES     (UINT64_C(1) << 20) /* the default */
#define CHUNK_BYTES_MIN (UINT64_C(4) << 10)
#define CHUNK_BYTES_MAX (UINT64_C(4) << 30)
#define NAME_MAX_BYTES  ((size_t)2048)

static const char *const format_choices[] = {"oci", "docker", NULL};

const struct setting push_settings[] = {
    SETTING(SETTING_UINT, struct probe, push.content.layers, "content.layers", "1",
            "Layers of the generated image."),
    SETTING(SETTING_BYTES, struct probe, push.content.layer_bytes, "content.size", "1MiB",
            "Random bytes in each layer, different on every run."),
    SETTING_CHOICE(struct probe, format, "content.format", format_choices, "oci",
                   "Media types of the generated image: oci, docker."),
    SETTING(SETTING_BOOL, struct probe, push.content.index, "content.index", "false",
            "Whether the push adds an index of one platform."),
    SETTING(SETTING_STRING, struct probe, push.content.image, "content.image", "",
            "Image of containerd or Docker to push instead of a generated one.",
            .example = "docker.io/library/busybox:1.36"),
    SETTING(SETTING_STRING, struct probe, push.content.name_space, "content.namespace",
            PROBE_DEFAULT_NAMESPACE, "Namespace of containerd that has content.image."),
    SETTING(SETTING_BYTES, struct probe, push.chunk_bytes, "upload.chunk_size", "0",
            "Size of the chunks in which a blob is sent; 0: the whole blob at once.",
            .example = "8MiB"),
    SETTING(SETTING_STRING, struct probe, push.mount_from, "upload.mount_from", "",
            "Repository of the same registry that blobs may be mounted from.",
            .example = "base/images"),
    SETTING(SETTING_BOOL, struct probe, push.overwrite, "overwrite", "false",
            "Whether the push may replace an image that no probe pushed."),
    SETTING(SETTING_BOOL, struct probe, delete_remote, "delete_remote", "false",
            "Whether the run deletes the image from the registry afterwards."),
    {0},
};

static bool check_generated(const struct push_content *content, const char **key, struct error *err)
{
    *key = "content.layers";
    if (content->layers < 1 || content->layers > LAYERS_MAX)
        return error_set(err, ERROR_INVALID, "must be 1 to %d", LAYERS_MAX);
    *key = "content.size";
    return (content->layer_bytes >= 1 && content->layer_bytes <= LAYER_BYTES_MAX) ||
           error_set(err, ERROR_INVALID, "must be 1 to 4GiB");
}

/* An image of a daemon is pushed unchanged, so settings that describe a generated image are
 * refused. */
static bool check_daemon_image(struct push_content *content, struct arena *arena, const char **key,
                               struct error *err)
{
    struct reference image;

    *key = "content.image";
    if (!*content->image)
        return true;
    if (content->layers != 1 || content->layer_bytes != LAYER_BYTES || content->docker_types ||
        content->index)
        return error_set(
            err, ERROR_INVALID,
            "is pushed unchanged and excludes content.layers, .size, .format and .index");
    if (!reference_parse(&image, content->image, arena, err))
        return false;
    content->image = image.name;
    *key = "content.namespace";
    return *content->name_space || error_set(err, ERROR_INVALID, "must not be empty");
}

static bool check_upload(const struct probe *probe, struct arena *arena, const char **key,
                         struct error *err)
{
    CLEANUP(buf_deinit) struct buf name = BUF_INIT(NAME_MAX_BYTES);
    const char *from = probe->push.mount_from;
    uint64_t chunk_bytes = probe->push.chunk_bytes;
    struct reference source;

    *key = "upload.chunk_size";
    if (chunk_bytes > 0 && (chunk_bytes < CHUNK_BYTES_MIN || chunk_bytes > CHUNK_BYTES_MAX))
        return error_set(err, ERROR_INVALID, "must be 0, or 4KiB to 4GiB");
    *key = "upload.mount_from";
    if (!*from)
        return true;
    buf_printf(&name, "%s/%s", probe->reference.host, from);
    if (strpbrk(from, ":@"))
        return error_set(err, ERROR_INVALID, "invalid repository \"%s\": must not contain : or @",
                         from);
    return buf_ok(&name, err) && reference_parse(&source, name.data, arena, err);
}

static bool find_read_back(struct probe *probe, const char **key, struct error *err)
{
    CLEANUP(buf_deinit) struct buf names = BUF_INIT(1024);

    *key = "read_back";
    if (!probe->read_back_name || !*probe->read_back_name)
        return true;
    probe->read_back = engine_find("pull", probe->read_back_name);
    if (probe->read_back)
        return true;
    for (size_t i = 0; engines[i]; i++)
        if (strcmp(engines[i]->operation, "pull") == 0)
            buf_printf(&names, "%s%s", names.size > 0 ? ", " : "", engines[i]->name);
    return error_set(err, ERROR_INVALID,
                     "unknown engine \"%s\" for operation pull: expected one of %s",
                     probe->read_back_name, names.data ? names.data : "");
}

/* The engine that reads back must support the settings of the push. */
static bool check_read_back(struct probe *probe, const char **key, struct error *err)
{
    unsigned wanted = (*probe->platform ? ENGINE_PLATFORM : 0) |
                      (probe->family != HTTP_FAMILY_ANY ? ENGINE_OWN_NETWORK : 0);

    if (!find_read_back(probe, key, err))
        return false;
    return !probe->read_back || (probe->read_back->abilities & wanted) == wanted ||
           error_set(err, ERROR_UNSUPPORTED,
                     "settings platform and address_family are not supported by engine \"%s\"",
                     probe->read_back->name);
}

bool push_check(struct probe *probe, const char *operation, struct arena *arena, const char **key,
                struct error *err)
{
    if (!probe_check(probe, operation, arena, key, err))
        return false;
    *key = "image";
    if (!probe->reference.tag || probe->reference.digest)
        return error_set(err, ERROR_INVALID,
                         "a push needs a reference with a tag and without a digest");
    return check_generated(&probe->push.content, key, err) &&
           check_daemon_image(&probe->push.content, arena, key, err) &&
           check_upload(probe, arena, key, err) && check_read_back(probe, key, err);
}
