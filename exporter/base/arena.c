/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)8192)

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    alignas(max_align_t) unsigned char data[];
};

static struct arena_block *add_block(struct arena *arena, size_t size)
{
    struct arena_block *block = calloc(1, sizeof(*block) + size);

    if (!block) {
        arena->failure_ = ERROR_MEMORY;
        return NULL;
    }
    block->size = size;
    block->next = arena->blocks_;
    arena->blocks_ = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    struct arena_block *block = arena->blocks_;
    void *ptr;

    if (arena->failure_ != ERROR_NONE)
        return NULL;
    if (size > SIZE_MAX - align) { /* as good as over any limit */
        arena->failure_ = ERROR_LIMIT;
        return NULL;
    }
    size = (size + align - 1) & ~(align - 1); /* what it really takes */
    if (size > arena->limit_bytes - arena->used_bytes) {
        arena->failure_ = ERROR_LIMIT;
        return NULL;
    }
    arena->used_bytes += size;
    if (!block || block->size - block->used < size)
        block = add_block(arena, size > BLOCK_BYTES ? size : BLOCK_BYTES);
    if (!block)
        return NULL;
    ptr = block->data + block->used;
    block->used += size;
    return ptr;
}

char *arena_strndup(struct arena *arena, const char *str, size_t size)
{
    char *copy = arena_alloc(arena, size + 1);

    return copy ? memcpy(copy, str, size) : NULL;
}

char *arena_strdup(struct arena *arena, const char *str)
{
    return arena_strndup(arena, str, strlen(str));
}

bool arena_ok(const struct arena *arena, struct error *err)
{
    switch (arena->failure_) {
    case ERROR_NONE:
        return true;
    case ERROR_LIMIT:
        return error_set(err, ERROR_LIMIT, "more than %zu bytes", arena->limit_bytes);
    default:
        return error_set(err, ERROR_MEMORY, "out of memory after %zu bytes", arena->used_bytes);
    }
}

void arena_deinit(struct arena *arena)
{
    struct arena_block *block = arena->blocks_;

    while (block) {
        struct arena_block *next = block->next;

        free(block);
        block = next;
    }
    *arena = (struct arena)ARENA_INIT(arena->limit_bytes);
}
