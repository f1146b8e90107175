/* SPDX-License-Identifier: Apache-2.0 */
/* What a page that is being sent is made of: references to blocks, until it was sent. */
#ifndef WEB_EXPOSITION_REPLY_BLOCKS_H
#define WEB_EXPOSITION_REPLY_BLOCKS_H

#include "web/exposition/block_pool.h"
#include "web/exposition/gzip.h"

#include <sys/uio.h>

struct lease_pool {
    pthread_mutex_t lock_;
    struct exposition_lease *spare_;
    size_t n_spare_;
};

struct exposition_lease {
    struct lease_pool *pool_;
    struct exposition_lease *next_;
    struct iovec *parts;
    struct block **blocks_; /* one for each part, or NULL */
    size_t n, size, capacity_;
    unsigned char finish[GZIP_FINISH_BYTES];
};

void lease_pool_init(struct lease_pool *pool);
void lease_pool_deinit(struct lease_pool *pool); /* after all leases */

/* An empty one with room for so many parts; NULL without memory. */
struct exposition_lease *lease_new(struct lease_pool *pool, size_t parts);
void lease_release(struct exposition_lease *lease); /* from any thread */
DEFINE_CLEANUP(struct exposition_lease *, lease_release)

void lease_add(struct exposition_lease *lease, const void *data, size_t size);
/* Takes the block over. False if there is none: no memory. */
bool lease_add_block(struct exposition_lease *lease, struct block *block) MUST_CHECK;

#endif
