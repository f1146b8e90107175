/* SPDX-License-Identifier: Apache-2.0 */
#include "web/exposition/block_pool.h"

#include <stdint.h>
#include <string.h>

#define KINDS            96 /* up to 2^28 bytes */
#define SPARE_BYTES_MAX  ((size_t)256 << 10)
#define SMALLEST_SHIFT   4
#define STEPS_PER_DOUBLE 4 /* wastes a fifth at most */

struct block_pool {
    pthread_mutex_t lock;
    struct block *spare[KINDS];
    size_t spare_bytes;
};

static size_t capacity_of(unsigned kind)
{
    return (size_t)(STEPS_PER_DOUBLE + kind % STEPS_PER_DOUBLE)
           << (kind / STEPS_PER_DOUBLE + SMALLEST_SHIFT);
}

/* The smallest kind that holds `size`; KINDS: too large. */
static unsigned kind_for(size_t size)
{
    unsigned kind = 0;

    while (kind < KINDS && capacity_of(kind) < size)
        kind += capacity_of(kind) * 2 <= size ? STEPS_PER_DOUBLE : 1;
    return kind;
}

struct block_pool *block_pool_new(void)
{
    struct block_pool *pool = calloc(1, sizeof(*pool));

    if (pool)
        pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

void block_pool_free(struct block_pool *pool)
{
    for (unsigned kind = 0; kind < KINDS; kind++)
        while (pool->spare[kind]) {
            struct block *block = pool->spare[kind];

            pool->spare[kind] = block->next_;
            free(block);
        }
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static struct block *take_spare(struct block_pool *pool, unsigned kind)
{
    struct block *block;
    LOCK_SCOPE(&pool->lock);

    block = pool->spare[kind];
    if (block) {
        pool->spare[kind] = block->next_;
        pool->spare_bytes -= capacity_of(kind);
    }
    return block;
}

struct block *block_new(struct block_pool *pool, const void *data, size_t size)
{
    unsigned kind = kind_for(size);
    struct block *block = kind < KINDS ? take_spare(pool, kind) : NULL;

    if (!block && kind < KINDS)
        block = malloc(sizeof(*block) + capacity_of(kind));
    if (!block)
        return NULL;
    block->pool_ = pool;
    block->kind_ = kind;
    block->refs_ = 1;
    block->size = size;
    if (size > 0)
        memcpy(block->data, data, size);
    return block;
}

struct block *block_ref(struct block *block)
{
    block->refs_++;
    return block;
}

/* Returns false if the pool is full. */
static bool give_back(struct block *block)
{
    struct block_pool *pool = block->pool_;
    size_t capacity = capacity_of(block->kind_);
    LOCK_SCOPE(&pool->lock);

    if (pool->spare_bytes + capacity > SPARE_BYTES_MAX)
        return false;
    block->next_ = pool->spare[block->kind_];
    pool->spare[block->kind_] = block;
    pool->spare_bytes += capacity;
    return true;
}

void block_unref(struct block *block)
{
    if (block && --block->refs_ == 0 && !give_back(block))
        free(block);
}

bool block_put(struct block_pool *pool, struct block **block, const void *data, size_t size)
{
    struct block *old = *block;

    if (old && old->refs_ == 1 && old->kind_ == kind_for(size)) {
        if (size > 0)
            memcpy(old->data, data, size);
        old->size = size;
        return true;
    }
    *block = block_new(pool, data, size);
    block_unref(old);
    return *block;
}

size_t block_capacity(const struct block *block)
{
    return sizeof(*block) + capacity_of(block->kind_);
}
