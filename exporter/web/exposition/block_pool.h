/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of ready bytes that several replies share, and that are used again.
 *
 * A block never changes while anybody else holds it. The last one to let go gives it back to the
 * pool, which keeps a few of each size for the next; any thread may.
 */
#ifndef WEB_EXPOSITION_BLOCK_POOL_H
#define WEB_EXPOSITION_BLOCK_POOL_H

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>

struct block_pool;

struct block {
    struct block_pool *pool_;
    struct block *next_;
    _Atomic unsigned refs_;
    unsigned kind_; /* of capacity */
    size_t size;
    char data[];
};

struct block_pool *block_pool_new(void);
void block_pool_free(struct block_pool *pool); /* after all of its blocks */
DEFINE_CLEANUP(struct block_pool *, block_pool_free)

struct block *block_new(struct block_pool *pool, const void *data, size_t size); /* or NULL */
struct block *block_ref(struct block *block);
void block_unref(struct block *block); /* NULL: nothing */

/* Makes *block, which may be NULL, hold these bytes: in place if nobody else has it. False, with
 * *block NULL, without memory. */
bool block_put(struct block_pool *pool, struct block **block, const void *data,
               size_t size) MUST_CHECK;

/* What it takes, which is more than its size. */
size_t block_capacity(const struct block *block);

#endif
