/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/image_cache_pack.h"

#include <string.h>

struct pack {
    char *room; /* NULL: only counts */
    size_t used;
};

static const char *pack_bytes(struct pack *pack, const char *data, size_t size)
{
    char *at = pack->room ? pack->room + pack->used : NULL;

    pack->used += size;
    return at ? memcpy(at, data, size) : NULL;
}

static const char *pack_text(struct pack *pack, const char *text)
{
    return text[0] == '\0' ? "" : pack_bytes(pack, text, strlen(text) + 1);
}

static struct platform pack_platform(struct pack *pack, const struct platform *from)
{
    return (struct platform){
        .os = pack_text(pack, from->os),
        .architecture = pack_text(pack, from->architecture),
        .variant = pack_text(pack, from->variant),
        .has_features = from->has_features,
    };
}

/* Copies what a check reads. A check ignores the media types of layers and configurations. */
static struct descriptor pack_part(struct pack *pack, const struct descriptor *from)
{
    return (struct descriptor){
        .media_type = "",
        .digest = pack_text(pack, from->digest),
        .size = from->size,
        .platform = {"", "", ""},
    };
}

static const char *pack_data(struct pack *pack, const struct descriptor *from)
{
    return from->data ? pack_bytes(pack, from->data, (size_t)from->size) : NULL;
}

static struct descriptor pack_entry(struct pack *pack, const struct descriptor *from)
{
    struct descriptor to = pack_part(pack, from);

    to.media_type = pack_text(pack, from->media_type);
    to.data = pack_data(pack, from);
    to.has_platform = from->has_platform;
    if (from->has_platform)
        to.platform = pack_platform(pack, &from->platform);
    return to;
}

static void pack_child(struct pack *pack, const struct manifest *from, size_t i,
                       struct descriptor *children)
{
    const struct descriptor *child = &from->children[i];
    struct descriptor to =
        from->kind == MANIFEST_INDEX ? pack_entry(pack, child) : pack_part(pack, child);

    if (children)
        children[i] = to;
}

size_t image_cache_pack_manifest(const struct manifest *from, struct manifest *to, char *room)
{
    struct descriptor *children = (struct descriptor *)(void *)room;
    struct pack pack = {.room = room, .used = from->n_children * sizeof(*children)};
    struct manifest result = {.kind = from->kind, .n_children = from->n_children};

    result.media_type = pack_text(&pack, from->media_type);
    result.children = children;
    if (from->kind == MANIFEST_IMAGE) {
        result.config = pack_part(&pack, &from->config);
        result.config.data = pack_data(&pack, &from->config);
    }
    for (size_t i = 0; i < from->n_children; i++)
        pack_child(&pack, from, i, children);
    if (room)
        *to = result;
    return pack.used;
}

size_t image_cache_pack_config(const struct image_config_facts *from, struct image_config_facts *to,
                               char *room)
{
    struct pack pack = {.room = room};
    const struct image_config_facts result = {pack_platform(&pack, &from->platform),
                                              pack_text(&pack, from->chain_id)};

    if (room)
        *to = result;
    return pack.used;
}
