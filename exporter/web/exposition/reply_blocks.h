/* SPDX-License-Identifier: Apache-2.0 */
/* What a page that is being sent is made of: references to blocks, until it was sent. */
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
void reply_blocks_pool_deinit(struct reply_blocks_pool *pool); /* after all leases */

/* An empty one with room for so many parts; NULL without memory. */
struct reply_blocks *reply_blocks_new(struct reply_blocks_pool *pool, size_t parts);
void reply_blocks_release(struct reply_blocks *lease); /* from any thread */
DEFINE_CLEANUP(struct reply_blocks *, reply_blocks_release)

void reply_blocks_add(struct reply_blocks *lease, const void *data, size_t size);
/* Takes the block over. False if there is none: no memory. */
bool reply_blocks_add_block(struct reply_blocks *lease, struct block *block) MUST_CHECK;

#endif
