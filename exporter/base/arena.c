/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

/* Many arenas stay small, so a new block has a quarter of the size used so far. */
#define BLOCK_MIN_BYTES ((size_t)512)
#define BLOCK_MAX_BYTES ((size_t)8192)

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

static size_t block_size(const struct arena *arena, size_t wanted)
{
    size_t size = arena->used_bytes / 4;

    size = size < BLOCK_MIN_BYTES ? BLOCK_MIN_BYTES : size;
    size = size > BLOCK_MAX_BYTES ? BLOCK_MAX_BYTES : size;
    return wanted > size ? wanted : size;
}

/* `align` must be a power of 2, at most that of max_align_t. */
static void *allocate(struct arena *arena, size_t size, size_t align)
{
    struct arena_block *block = arena->blocks_;
    size_t padding = block ? -block->used & (align - 1) : 0;
    void *ptr;

    if (arena->failure_ != ERROR_NONE)
        return NULL;
    if (block && (block->size - block->used < padding || /* start a new block */
                  block->size - block->used - padding < size)) {
        block = NULL;
        padding = 0;
    }
    if (size > SIZE_MAX - padding || size + padding > arena->limit_bytes - arena->used_bytes) {
        arena->failure_ = ERROR_LIMIT;
        return NULL;
    }
    if (!block)
        block = add_block(arena, block_size(arena, size));
    if (!block)
        return NULL;
    arena->used_bytes += size + padding;
    ptr = block->data + block->used + padding;
    block->used += size + padding;
    return ptr;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return allocate(arena, size, alignof(max_align_t));
}

char *arena_strndup(struct arena *arena, const char *str, size_t size)
{
    char *copy = allocate(arena, size + (size < SIZE_MAX), 1);

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

        if (arena->secret)
            explicit_bzero(block->data, block->used);
        free(block);
        block = next;
    }
    *arena = (struct arena){.limit_bytes = arena->limit_bytes, .secret = arena->secret};
}
