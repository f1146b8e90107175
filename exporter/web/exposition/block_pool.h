/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reference-counted blocks of bytes that several replies share.
 *
 * A block is immutable while it has more than one reference. The last block_unref() returns it to
 * the pool, which keeps a few blocks of each size for reuse. Thread-safe.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>

struct block_pool;

struct block {
    struct block_pool *pool_;
    struct block *next_;
    _Atomic unsigned refs_;
    unsigned kind_; /* size class */
    size_t size;
    char data[];
};

struct block_pool *block_pool_new(void);
void block_pool_free(struct block_pool *pool); /* after all its blocks */
DEFINE_CLEANUP(struct block_pool *, block_pool_free)

struct block *block_new(struct block_pool *pool, const void *data, size_t size); /* or NULL */
struct block *block_ref(struct block *block);
void block_unref(struct block *block); /* accepts NULL */

/* Replaces the content of *block, which may be NULL: in place if the caller holds the only
 * reference. Returns false, with *block NULL, without memory. */
bool block_put(struct block_pool *pool, struct block **block, const void *data,
               size_t size) MUST_CHECK;

/* The allocated bytes, which are more than its size. */
size_t block_capacity(const struct block *block);
