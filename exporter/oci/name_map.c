/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing with linear probing; never more than half full, so a search ends. */
#include "oci/name_map.h"

#include "base/text.h"

#include <string.h>

#define FIRST_SLOTS ((size_t)64) /* a power of two */

struct digest_slot {
    uint32_t hash;
    uint32_t name; /* its place in the text, plus one; 0: free. */
    uint64_t value;
};

_Static_assert(NAME_MAP_TEXT_MAX < UINT32_MAX, "the place of a name must fit its field");

static uint32_t hash_of(const char *name) /* folded to 32 bits */
{
    uint64_t hash = text_hash(TEXT_HASH_INIT, name);
    return (uint32_t)(hash ^ hash >> 32);
}

/* The slot of the name, or the free one where it would go. */
static struct digest_slot *search(const struct name_map *set, const char *name, uint32_t hash)
{
    size_t mask = set->n_slots_ - 1;
    size_t at = hash & mask;
    while (set->slots_[at].name != 0) {
        struct digest_slot *slot = &set->slots_[at];
        if (slot->hash == hash && strcmp(set->text_.data + slot->name - 1, name) == 0)
            return slot;
        at = (at + 1) & mask;
    }
    return &set->slots_[at];
}

static bool grow(struct name_map *set, struct error *err)
{
    size_t n_slots = set->n_slots_ == 0 ? FIRST_SLOTS : set->n_slots_ * 2;
    struct digest_slot *slots = calloc(n_slots, sizeof(*slots));
    if (!slots)
        return error_memory(err);
    for (size_t i = 0; i < set->n_slots_; i++) {
        if (set->slots_[i].name == 0)
            continue;
        size_t at = set->slots_[i].hash & (n_slots - 1);
        while (slots[at].name != 0)
            at = (at + 1) & (n_slots - 1);
        slots[at] = set->slots_[i];
    }
    free(set->slots_);
    set->slots_ = slots;
    set->n_slots_ = n_slots;
    return true;
}

bool name_map_add(struct name_map *set, const char *name, uint64_t value, struct error *err)
{
    if (set->count >= set->n_slots_ / 2 && !grow(set, err))
        return false;
    uint32_t hash = hash_of(name);
    struct digest_slot *slot = search(set, name, hash);
    if (slot->name == 0) {
        if (set->count >= NAME_MAP_NAMES_MAX)
            return error_set(err, ERROR_LIMIT, "more than %zu names", NAME_MAP_NAMES_MAX);
        size_t place = set->text_.size;
        buf_append(&set->text_, name, strlen(name) + 1);
        if (!buf_ok(&set->text_, err))
            return false;
        *slot = (struct digest_slot){.hash = hash, .name = (uint32_t)place + 1};
        set->count++;
    }
    slot->value = value;
    return true;
}

bool name_map_find(const struct name_map *set, const char *name, uint64_t *value)
{
    if (set->count == 0)
        return false;
    const struct digest_slot *slot = search(set, name, hash_of(name));
    if (slot->name == 0)
        return false;
    if (value)
        *value = slot->value;
    return true;
}

void name_map_clear(struct name_map *set)
{
    if (set->slots_)
        memset(set->slots_, 0, set->n_slots_ * sizeof(*set->slots_));
    buf_clear(&set->text_);
    set->count = 0;
}

void name_map_deinit(struct name_map *set)
{
    free(set->slots_);
    buf_deinit(&set->text_);
    *set = (struct name_map)NAME_MAP_INIT;
}
