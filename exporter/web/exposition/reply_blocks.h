/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a reply: references to blocks, held until the reply was sent. */
#ifndef WEB_EXPOSITION_REPLY_BLOCKS_H
#define WEB_EXPOSITION_REPLY_BLOCKS_H

#include "web/exposition/block_pool.h"
#include "web/exposition/gzip.h"

#include <sys/uio.h>

struct reply_blocks_pool {
    pthread_mutex_t lock_;
    struct reply_blocks *spare_;
    size_t n_spare_;
};

struct reply_blocks {
    struct reply_blocks_pool *pool_;
    struct reply_blocks *next_;
    struct iovec *parts;
    struct block **blocks_; /* one for each part, or NULL */
    size_t n, size, capacity_;
    unsigned char finish[GZIP_FINISH_BYTES];
};

void reply_blocks_pool_init(struct reply_blocks_pool *pool);
void reply_blocks_pool_deinit(struct reply_blocks_pool *pool); /* after all replies */

/* An empty reply with room for `parts`; NULL without memory. */
struct reply_blocks *reply_blocks_new(struct reply_blocks_pool *pool, size_t parts);
void reply_blocks_release(struct reply_blocks *reply); /* thread-safe */
DEFINE_CLEANUP(struct reply_blocks *, reply_blocks_release)

void reply_blocks_add(struct reply_blocks *reply, const void *data, size_t size);
/* Takes the block over. Returns false if it is NULL. */
bool reply_blocks_add_block(struct reply_blocks *reply, struct block *block) MUST_CHECK;

#endif
