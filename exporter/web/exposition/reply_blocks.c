/* SPDX-License-Identifier: Apache-2.0 */
#include "web/exposition/reply_blocks.h"

struct reply_blocks *reply_blocks_new(size_t parts)
{
    size_t blocks_size = parts * sizeof(struct block *);
    struct reply_blocks *reply =
        malloc(sizeof(*reply) + blocks_size + parts * sizeof(struct iovec));

    if (!reply)
        return NULL;
    reply->parts = (struct iovec *)(reply->blocks_ + parts);
    reply->n = reply->size = 0;
    return reply;
}

void reply_blocks_release(struct reply_blocks *reply)
{
    for (size_t i = 0; i < reply->n; i++)
        block_unref(reply->blocks_[i]);
    free(reply);
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
