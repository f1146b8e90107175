/* SPDX-License-Identifier: Apache-2.0 */
#include "web/exposition/reply_blocks.h"

#define SPARE_MAX 16

void reply_blocks_pool_init(struct reply_blocks_pool *pool)
{
    *pool = (struct reply_blocks_pool){0};
    pthread_mutex_init(&pool->lock_, NULL);
}

static void free_lease(struct reply_blocks *lease)
{
    free(lease->parts);
    free(lease->blocks_);
    free(lease);
}

void reply_blocks_pool_deinit(struct reply_blocks_pool *pool)
{
    while (pool->spare_) {
        struct reply_blocks *lease = pool->spare_;

        pool->spare_ = lease->next_;
        free_lease(lease);
    }
    pthread_mutex_destroy(&pool->lock_);
}

static struct reply_blocks *take_spare(struct reply_blocks_pool *pool)
{
    struct reply_blocks *lease;
    LOCK_SCOPE(&pool->lock_);

    lease = pool->spare_;
    if (lease) {
        pool->spare_ = lease->next_;
        pool->n_spare_--;
    }
    return lease;
}

static bool make_room(struct reply_blocks *lease, size_t parts)
{
    if (parts <= lease->capacity_)
        return true;
    lease->capacity_ = 0;
    free(lease->parts);
    free(lease->blocks_);
    lease->parts = calloc(parts, sizeof(*lease->parts));
    lease->blocks_ = calloc(parts, sizeof(struct block *));
    if (!lease->parts || !lease->blocks_)
        return false;
    lease->capacity_ = parts;
    return true;
}

struct reply_blocks *reply_blocks_new(struct reply_blocks_pool *pool, size_t parts)
{
    struct reply_blocks *lease = take_spare(pool);

    if (!lease)
        lease = calloc(1, sizeof(*lease));
    if (!lease)
        return NULL;
    lease->pool_ = pool;
    lease->n = lease->size = 0;
    if (make_room(lease, parts))
        return lease;
    free_lease(lease);
    return NULL;
}

static bool give_back(struct reply_blocks *lease)
{
    struct reply_blocks_pool *pool = lease->pool_;
    LOCK_SCOPE(&pool->lock_);

    if (pool->n_spare_ == SPARE_MAX)
        return false;
    lease->next_ = pool->spare_;
    pool->spare_ = lease;
    pool->n_spare_++;
    return true;
}

void reply_blocks_release(struct reply_blocks *lease)
{
    for (size_t i = 0; i < lease->n; i++)
        block_unref(lease->blocks_[i]);
    if (!give_back(lease))
        free_lease(lease);
}

void reply_blocks_add(struct reply_blocks *lease, const void *data, size_t size)
{
    lease->parts[lease->n] = (struct iovec){(void *)data, size};
    lease->blocks_[lease->n++] = NULL;
    lease->size += size;
}

bool reply_blocks_add_block(struct reply_blocks *lease, struct block *block)
{
    if (!block)
        return false;
    reply_blocks_add(lease, block->data, block->size);
    lease->blocks_[lease->n - 1] = block;
    return true;
}
