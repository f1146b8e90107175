/* SPDX-License-Identifier: Apache-2.0 */
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

static bool check_made(const struct push_content *content, const char **key, struct error *err)
{
    *key = "content.layers";
    if (content->layers < 1 || content->layers > LAYERS_MAX)
        return error_set(err, ERROR_INVALID, "must be 1 to %d", LAYERS_MAX);
    *key = "content.size";
    return (content->layer_bytes >= 1 && content->layer_bytes <= LAYER_BYTES_MAX) ||
           error_set(err, ERROR_INVALID, "must be 1 to 4GiB");
}

/* An image that is there is sent as it is: what would describe a made one is a mistake. */
static bool check_held(struct push_content *content, struct arena *arena, const char **key,
                       struct error *err)
{
    struct reference image;

    *key = "content.image";
    if (!*content->image)
        return true;
    if (content->layers != 1 || content->layer_bytes != LAYER_BYTES || content->docker_types ||
        content->index)
        return error_set(err, ERROR_INVALID,
                         "is sent as it is: without content.layers, .size, .format and .index");
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
        return error_set(err, ERROR_INVALID, "\"%s\" is not a repository", from);
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
    return error_set(err, ERROR_INVALID, "engine \"%s\" cannot pull; there is: %s",
                     probe->read_back_name, names.data ? names.data : "");
}

/* What it could not honour of what the push does. */
static bool check_read_back(struct probe *probe, const char **key, struct error *err)
{
    unsigned wanted = (*probe->platform ? ENGINE_PLATFORM : 0) |
                      (probe->family != HTTP_FAMILY_ANY ? ENGINE_OWN_NETWORK : 0);

    if (!find_read_back(probe, key, err))
        return false;
    return !probe->read_back || (probe->read_back->abilities & wanted) == wanted ||
           error_set(err, ERROR_UNSUPPORTED, "engine %s has no say in platform or address_family",
                     probe->read_back->name);
}

bool probe_check_push(struct probe *probe, const char *operation, struct arena *arena,
                      const char **key, struct error *err)
{
    if (!probe_check(probe, operation, arena, key, err))
        return false;
    *key = "image";
    if (!probe->reference.tag || probe->reference.digest)
        return error_set(err, ERROR_INVALID, "a push needs a tag, and no digest");
    return check_made(&probe->push.content, key, err) &&
           check_held(&probe->push.content, arena, key, err) &&
           check_upload(probe, arena, key, err) && check_read_back(probe, key, err);
}
