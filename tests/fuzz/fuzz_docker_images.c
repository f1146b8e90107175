/* SPDX-License-Identifier: Apache-2.0 */
/* A response of the Docker Engine API, read as a list of images and as an inspection. Every image
 * that is read must have an id, and no more names than the response. */
#include "docker/docker_images.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_names(const struct docker_names *names, const struct json *array)
{
    if (names->count > json_count(array))
        __builtin_trap();
    for (size_t i = 0; i < names->count; i++)
        if (!names->items[i])
            __builtin_trap();
}

static void check_image(const struct docker_image *image, const struct json *node)
{
    if (!image->id || image->bytes > INT64_MAX)
        __builtin_trap();
    check_names(&image->tags, json_member(node, "RepoTags"));
    check_names(&image->digests, json_member(node, "RepoDigests"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 20);
    struct error err = {0};
    CLEANUP(json_freep)
    struct json_document *document = json_parse(size > 0 ? (const char *)data : "", size, &err);
    struct docker_images images = {0};
    struct docker_image image;

    if (!document)
        return 0;
    if (docker_image_read(json_root(document), &image, &arena, &err))
        check_image(&image, json_root(document));
    if (!docker_images_read(json_root(document), &arena, &images, &err))
        return 0;
    if (images.count != json_count(json_root(document)))
        __builtin_trap();
    for (size_t i = 0; i < images.count; i++)
        check_image(&images.items[i], json_item(json_root(document), i));
    return 0;
}
