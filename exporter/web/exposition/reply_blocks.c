/* SPDX-License-Identifier: Apache-2.0 */
#include "web/exposition/reply_blocks.h"

#define SPARE_MAX 16

void reply_blocks_pool_init(struct reply_blocks_pool *pool)
{
    *pool = (struct reply_blocks_pool){0};
    pthread_mutex_init(&pool->lock_, NULL);
}

static void free_reply(struct reply_blocks *reply)
{
    free(reply->parts);
    free(reply->blocks_);
    free(reply);
}

void reply_blocks_pool_deinit(struct reply_blocks_pool *pool)
{
    while (pool->spare_) {
        struct reply_blocks *reply = pool->spare_;

        pool->spare_ = reply->next_;
        free_reply(reply);
    }
    pthread_mutex_destroy(&pool->lock_);
}

static struct reply_blocks *take_spare(struct reply_blocks_pool *pool)
{
    struct reply_blocks *reply;
    LOCK_SCOPE(&pool->lock_);

    reply = pool->spare_;
    if (reply) {
        pool->spare_ = reply->next_;
        pool->n_spare_--;
    }
    return reply;
}

static bool reserve_parts(struct reply_blocks *reply, size_t parts)
{
    if (parts <= reply->capacity_)
        return true;
    reply->capacity_ = 0;
    free(reply->parts);
    free(reply->blocks_);
    reply->parts = calloc(parts, sizeof(*reply->parts));
    reply->blocks_ = calloc(parts, sizeof(struct block *));
    if (!reply->parts || !reply->blocks_)
        return false;
    reply->capacity_ = parts;
    return true;
}

struct reply_blocks *reply_blocks_new(struct reply_blocks_pool *pool, size_t parts)
{
    struct reply_blocks *reply = take_spare(pool);

    if (!reply)
        reply = calloc(1, sizeof(*reply));
    if (!reply)
        return NULL;
    reply->pool_ = pool;
    reply->n = reply->size = 0;
    if (reserve_parts(reply, parts))
        return reply;
    free_reply(reply);
    return NULL;
}

static bool give_back(struct reply_blocks *reply)
{
    struct reply_blocks_pool *pool = reply->pool_;
    LOCK_SCOPE(&pool->lock_);

    if (pool->n_spare_ == SPARE_MAX)
        return false;
    reply->next_ = pool->spare_;
    pool->spare_ = reply;
    pool->n_spare_++;
    return true;
}

void reply_blocks_release(struct reply_blocks *reply)
{
    for (size_t i = 0; i < reply->n; i++)
        block_unref(reply->blocks_[i]);
    if (!give_back(reply))
        free_reply(reply);
}

void reply_blocks_add(struct reply_blocks *reply, const void *data, size_t size)
{
    reply->parts[reply->n] = (struct iovec){(void *)data, size};
    reply->blocks_[reply->n++] = NULL;
    reply->size += size;
}

bool reply_blocks_add_block(struct reply_blocks *reply, struct block *block)
{
    if (!block)
        return false;
    reply_blocks_add(reply, block->data, block->size);
    reply->blocks_[reply->n - 1] = block;
    return true;
}
