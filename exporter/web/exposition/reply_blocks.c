/* SPDX-License-Identifier: Apache-2.0 */
#include "web/exposition/reply_blocks.h"

#define SPARE_MAX 16

void lease_pool_init(struct lease_pool *pool)
{
    *pool = (struct lease_pool){0};
    pthread_mutex_init(&pool->lock_, NULL);
}

static void free_lease(struct exposition_lease *lease)
{
    free(lease->parts);
    free(lease->blocks_);
    free(lease);
}

void lease_pool_deinit(struct lease_pool *pool)
{
    while (pool->spare_) {
        struct exposition_lease *lease = pool->spare_;

        pool->spare_ = lease->next_;
        free_lease(lease);
    }
    pthread_mutex_destroy(&pool->lock_);
}

static struct exposition_lease *take_spare(struct lease_pool *pool)
{
    struct exposition_lease *lease;
    LOCK_SCOPE(&pool->lock_);

    lease = pool->spare_;
    if (lease) {
        pool->spare_ = lease->next_;
        pool->n_spare_--;
    }
    return lease;
}

static bool make_room(struct exposition_lease *lease, size_t parts)
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

struct exposition_lease *lease_new(struct lease_pool *pool, size_t parts)
{
    struct exposition_lease *lease = take_spare(pool);

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

static bool give_back(struct exposition_lease *lease)
{
    struct lease_pool *pool = lease->pool_;
    LOCK_SCOPE(&pool->lock_);

    if (pool->n_spare_ == SPARE_MAX)
        return false;
    lease->next_ = pool->spare_;
    pool->spare_ = lease;
    pool->n_spare_++;
    return true;
}

void lease_release(struct exposition_lease *lease)
{
    for (size_t i = 0; i < lease->n; i++)
        block_unref(lease->blocks_[i]);
    if (!give_back(lease))
        free_lease(lease);
}

void lease_add(struct exposition_lease *lease, const void *data, size_t size)
{
    lease->parts[lease->n] = (struct iovec){(void *)data, size};
    lease->blocks_[lease->n++] = NULL;
    lease->size += size;
}

bool lease_add_block(struct exposition_lease *lease, struct block *block)
{
    if (!block)
        return false;
    lease_add(lease, block->data, block->size);
    lease->blocks_[lease->n - 1] = block;
    return true;
}
