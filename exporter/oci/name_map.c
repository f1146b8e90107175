/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing with linear probing. At most half of the slots are used, so a search ends. */
#include "oci/name_map.h"

#include "base/text.h"

#include <string.h>

#define FIRST_SLOTS ((size_t)64) /* a power of two */

struct name_slot {
    uint32_t hash;
    uint32_t name; /* offset in the text, plus one; 0: free */
    uint64_t value;
};

_Static_assert(NAME_MAP_TEXT_MAX < UINT32_MAX, "the offset of a name must fit its field");

/* Folds the hash to 32 bits. */
static uint32_t hash_of(const char *name)
{
    uint64_t hash = text_hash(TEXT_HASH_INIT, name);

    return (uint32_t)(hash ^ hash >> 32);
}

/* The slot of the name, or the free slot for it. */
static struct name_slot *search(const struct name_map *map, const char *name, uint32_t hash)
{
    size_t mask = map->n_slots_ - 1;
    size_t at = hash & mask;

    while (map->slots_[at].name != 0) {
        struct name_slot *slot = &map->slots_[at];

        if (slot->hash == hash && strcmp(map->text_.data + slot->name - 1, name) == 0)
            return slot;
        at = (at + 1) & mask;
    }
    return &map->slots_[at];
}

static bool grow(struct name_map *map, struct error *err)
{
    size_t n_slots = map->n_slots_ == 0 ? FIRST_SLOTS : map->n_slots_ * 2;
    struct name_slot *slots = calloc(n_slots, sizeof(*slots));

    if (!slots)
        return error_memory(err);
    for (size_t i = 0; i < map->n_slots_; i++) {
        size_t at = map->slots_[i].hash & (n_slots - 1);

        if (map->slots_[i].name == 0)
            continue;
        while (slots[at].name != 0)
            at = (at + 1) & (n_slots - 1);
        slots[at] = map->slots_[i];
    }
    free(map->slots_);
    map->slots_ = slots;
    map->n_slots_ = n_slots;
    return true;
}

bool name_map_add(struct name_map *map, const char *name, uint64_t value, struct error *err)
{
    uint32_t hash = hash_of(name);
    struct name_slot *slot;

    if (map->count >= map->n_slots_ / 2 && !grow(map, err))
        return false;
    slot = search(map, name, hash);
    if (slot->name == 0) {
        size_t offset = map->text_.size;

        if (map->count >= NAME_MAP_NAMES_MAX)
            return error_set(err, ERROR_LIMIT, "more than %zu names", NAME_MAP_NAMES_MAX);
        buf_append(&map->text_, name, strlen(name) + 1);
        if (!buf_ok(&map->text_, err))
            return false;
        *slot = (struct name_slot){.hash = hash, .name = (uint32_t)offset + 1};
        map->count++;
    }
    slot->value = value;
    return true;
}

bool name_map_find(const struct name_map *map, const char *name, uint64_t *value)
{
    const struct name_slot *slot = map->count > 0 ? search(map, name, hash_of(name)) : NULL;

    if (!slot || slot->name == 0)
        return false;
    if (value)
        *value = slot->value;
    return true;
}

void name_map_clear(struct name_map *map)
{
    if (map->slots_)
        memset(map->slots_, 0, map->n_slots_ * sizeof(*map->slots_));
    buf_clear(&map->text_);
    map->count = 0;
}

void name_map_deinit(struct name_map *map)
{
    free(map->slots_);
    buf_deinit(&map->text_);
    *map = (struct name_map)NAME_MAP_INIT;
}
