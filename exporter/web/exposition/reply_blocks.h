/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a reply: references to blocks, held until the reply was sent. */
#pragma once

#include "web/exposition/block_pool.h"
#include "web/exposition/gzip.h"

#include <sys/uio.h>

struct reply_blocks {
    struct iovec *parts;
    size_t n, size;
    unsigned char finish[GZIP_FINISH_BYTES];
    struct block *blocks_[]; /* one for each part, or NULL; then the parts */
};

/* An empty reply with room for `parts`; NULL without memory. */
struct reply_blocks *reply_blocks_new(size_t parts);
void reply_blocks_release(struct reply_blocks *reply); /* thread-safe */
DEFINE_CLEANUP(struct reply_blocks *, reply_blocks_release)

void reply_blocks_add(struct reply_blocks *reply, const void *data, size_t size);
/* Takes the block over. Returns false if it is NULL. */
bool reply_blocks_add_block(struct reply_blocks *reply, struct block *block) MUST_CHECK;
