/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 128 bits by which something is known again, and from which nobody who lacks the key learns
 * anything: SipHash-2-4 with its longer result (Aumasson and Bernstein, "SipHash: a fast
 * short-input PRF", 2012).
 */
#ifndef OS_KEYED_HASH_H
#define OS_KEYED_HASH_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define KEYED_HASH_BYTES 16

struct keyed_hash_key {
    uint64_t halves[2];
};

/* A key of random bits. */
bool keyed_hash_key_make(struct keyed_hash_key *key, struct error *err) MUST_CHECK;

void keyed_hash(const struct keyed_hash_key *key, const void *data, size_t size,
                unsigned char out[KEYED_HASH_BYTES]);

#endif
