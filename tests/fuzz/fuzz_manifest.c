/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a manifest, an index and a config. An accepted document, written again,
 * must read as the same.
 */
#include "inventory/image_cache_pack.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES ((size_t)8 << 20)
#define TEXT_BYTES  ((size_t)32 << 20) /* a control character becomes six bytes */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void require_same(const struct descriptor *a, const struct descriptor *b)
{
    require(strcmp(a->media_type, b->media_type) == 0);
    require(strcmp(a->digest, b->digest) == 0);
    require(a->size == b->size);
}

static void check_image(const struct manifest *image)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(2 * ARENA_BYTES);
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(TEXT_BYTES);
    struct manifest again;
    struct error err;
    manifest_write(&text, MEDIA_TYPE_OCI_MANIFEST, &image->config, image->children,
                   image->n_children);
    require(buf_ok(&text, &err));
    require(manifest_read(&again, MEDIA_TYPE_OCI_MANIFEST, text.data, text.size, &arena, &err));
    require_same(&image->config, &again.config);
    require(image->n_children == again.n_children);
    for (size_t i = 0; i < again.n_children; i++)
        require_same(&image->children[i], &again.children[i]);
}

static void check_pack(const struct manifest *from)
{
    size_t size = image_cache_pack_manifest(from, NULL, NULL);
    CLEANUP(freep) char *room = malloc(size + 1);
    struct manifest to;
    require(room && image_cache_pack_manifest(from, &to, room) == size);
    require(to.n_children == from->n_children);
    for (size_t i = 0; i < to.n_children; i++) {
        require(strcmp(to.children[i].digest, from->children[i].digest) == 0);
        require(to.children[i].has_platform ==
                (from->kind == MANIFEST_INDEX && from->children[i].has_platform));
    }
}

static void check_config(const struct image_config *config)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(2 * ARENA_BYTES);
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(TEXT_BYTES);
    struct image_config again;
    struct error err;
    image_config_write(&text, &config->platform, config->diff_ids, config->n_diff_ids);
    require(buf_ok(&text, &err));
    require(image_config_parse(&again, text.data, text.size, &arena, &err));
    require(strcmp(config->platform.os, again.platform.os) == 0);
    require(strcmp(config->platform.architecture, again.platform.architecture) == 0);
    require(strcmp(config->platform.variant, again.platform.variant) == 0);
    require(config->n_diff_ids == again.n_diff_ids);
    for (size_t i = 0; i < again.n_diff_ids; i++)
        require(strcmp(config->diff_ids[i], again.diff_ids[i]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_BYTES);
    struct manifest manifest;
    struct image_config config;
    struct error err = {0};
    if (manifest_read(&manifest, MEDIA_TYPE_OCI_MANIFEST, data, size, &arena, &err)) {
        check_image(&manifest);
        check_pack(&manifest);
    }
    arena_deinit(&arena);
    if (manifest_read(&manifest, MEDIA_TYPE_DOCKER_LIST, data, size, &arena, &err)) {
        require(manifest.kind == MANIFEST_INDEX && manifest.n_children <= MANIFEST_CHILDREN_MAX);
        check_pack(&manifest);
    }
    arena_deinit(&arena);
    if (image_config_parse(&config, data, size, &arena, &err))
        check_config(&config);
    return 0;
}
