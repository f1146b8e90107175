/* SPDX-License-Identifier: Apache-2.0 */
#include "docker/docker_images.h"

#include "oci/manifest.h"

#include <stdio.h>
#include <string.h>

#define LIST_LIMIT_BYTES  ((size_t)32 << 20) /* some 50,000 images */
#define IMAGE_LIMIT_BYTES ((size_t)4 << 20)
#define REPLY_LIMIT_BYTES ((size_t)1 << 20)
#define NAME_BYTES        ((size_t)1024)
#define PATH_BYTES        (NAME_BYTES + 64)

const char *docker_image_name(const struct reference *reference, struct arena *arena)
{
    char name[NAME_BYTES];

    snprintf(name, sizeof(name), "%s/%s%s%s", reference->host, reference->repository,
             reference->digest ? "@" : ":", reference->digest ? reference->digest : reference->tag);
    return arena_strdup(arena, name);
}

static void read_names(const struct json *array, struct docker_names *names, struct arena *arena)
{
    size_t count = json_count(array);

    *names =
        (struct docker_names){count > 0 ? arena_alloc(arena, count * sizeof(*names->items)) : NULL};
    for (size_t i = 0; names->items && i < count; i++) {
        const char *name = json_text(json_item(array, i));

        if (name)
            names->items[names->count++] = arena_strdup(arena, name);
    }
}

/* The labels are in the object of a list, but in "Config" of an inspection. */
static bool is_generated(const struct json *node)
{
    const struct json *config = json_member(node, "Config");

    return json_text(json_member(json_member(config ? config : node, "Labels"), MANIFEST_OURS));
}

bool docker_image_read(const struct json *node, struct docker_image *image, struct arena *arena,
                       struct error *err)
{
    const char *id = json_text(json_member(node, "Id"));
    int64_t bytes;

    if (!id)
        return error_set(err, ERROR_PROTOCOL, "invalid image of Docker: expected an Id");
    *image =
        (struct docker_image){.id = arena_strdup(arena, id), .is_generated = is_generated(node)};
    if (json_int(json_member(node, "Size"), &bytes) && bytes > 0)
        image->bytes = (uint64_t)bytes;
    image->n_layers = json_count(json_member(json_member(node, "RootFS"), "Layers"));
    read_names(json_member(node, "RepoTags"), &image->tags, arena);
    read_names(json_member(node, "RepoDigests"), &image->digests, arena);
    return arena_ok(arena, err);
}

bool docker_images_read(const struct json *root, struct arena *arena, struct docker_images *images,
                        struct error *err)
{
    size_t count = json_count(root);

    if (!json_is_array(root))
        return error_set(err, ERROR_PROTOCOL,
                         "invalid list of images of Docker: expected an array");
    images->items = arena_alloc(arena, (count + 1) * sizeof(*images->items));
    if (!images->items)
        return arena_ok(arena, err);
    for (images->count = 0; images->count < count; images->count++)
        if (!docker_image_read(json_item(root, images->count), &images->items[images->count], arena,
                               err))
            return false;
    return true;
}

bool docker_has_containerd_store(struct docker_client *client, bool *has, struct cancel *cancel,
                                 struct error *err)
{
    CLEANUP(json_freep)
    struct json_document *document = docker_get(client, "/info", REPLY_LIMIT_BYTES, cancel, err);
    const struct json *pairs = json_member(json_root(document), "DriverStatus");

    *has = false;
    if (!document)
        return error_is_expected(err, STATUS_HTTP, ANY_STATUS);
    for (size_t i = 0; i < json_count(pairs); i++) {
        const char *value = json_text(json_item(json_item(pairs, i), 1));

        *has |= value && strcmp(value, "io.containerd.snapshotter.v1") == 0;
    }
    return true;
}

bool docker_images_list(struct docker_client *client, bool all, struct arena *arena,
                        struct docker_images *images, struct cancel *cancel, struct error *err)
{
    CLEANUP(json_freep)
    struct json_document *document = docker_get(client, all ? "/images/json?all=1" : "/images/json",
                                                LIST_LIMIT_BYTES, cancel, err);

    return document && docker_images_read(json_root(document), arena, images, err);
}

bool docker_image_find(struct docker_client *client, const char *name, struct arena *arena,
                       struct docker_image *image, bool *found, struct cancel *cancel,
                       struct error *err)
{
    char path[PATH_BYTES];
    CLEANUP(json_freep) struct json_document *document = NULL;

    snprintf(path, sizeof(path), "/images/%s/json", name);
    document = docker_get(client, path, IMAGE_LIMIT_BYTES, cancel, err);
    *found = document;
    if (!document)
        return error_is_expected(err, STATUS_HTTP, 404);
    return docker_image_read(json_root(document), image, arena, err);
}

bool docker_image_layers(struct docker_client *client, const char *name, uint64_t *bytes,
                         size_t max, size_t *count, struct cancel *cancel, struct error *err)
{
    char path[PATH_BYTES];
    CLEANUP(json_freep) struct json_document *document = NULL;
    const struct json *root;
    int64_t size;

    snprintf(path, sizeof(path), "/images/%s/history", name);
    document = docker_get(client, path, IMAGE_LIMIT_BYTES, cancel, err);
    if (!document)
        return false;
    root = json_root(document);
    *count = 0;
    for (size_t left = json_count(root); left > 0 && *count < max; left--)
        if (json_int(json_member(json_item(root, left - 1), "Size"), &size) && size > 0)
            bytes[(*count)++] = (uint64_t)size;
    return true;
}

bool docker_image_tag(struct docker_client *client, const char *name,
                      const struct reference *reference, struct cancel *cancel, struct error *err)
{
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(REPLY_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf path = BUF_INIT(8 * NAME_BYTES); /* escapes are longer */

    buf_printf(&path, "/images/%s/tag?repo=", name);
    http_escape(&path, reference->host);
    http_escape(&path, "/");
    http_escape(&path, reference->repository);
    buf_append_str(&path, "&tag=");
    http_escape(&path, reference->tag);
    return buf_ok(&path, err) &&
           docker_call(client, "POST", path.data, NULL, &response, cancel, err);
}

bool docker_image_remove(struct docker_client *client, const char *name, struct cancel *cancel,
                         struct error *err)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof(path), "/images/%s?noprune=false", name);
    return docker_delete(client, path, cancel, err);
}
