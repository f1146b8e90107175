/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of pseudorandom bytes: AES-128 in counter mode, which no compression makes smaller.
 *
 * The same key and number give the same bytes on every machine, however the caller divides them
 * into calls. A stream belongs to one thread.
 */
#pragma once

#include "base/error.h"
#include "base/own.h"

#include <stdint.h>

struct keystream;

/* NULL on failure. Streams of one key with different numbers have no bytes in common. */
struct keystream *keystream_new(uint64_t key, uint64_t number, struct error *err);
void keystream_free(struct keystream *keystream);
DEFINE_CLEANUP(struct keystream *, keystream_free)

/* Writes the next `size` bytes of the stream to `data`. */
void keystream_fill(struct keystream *keystream, void *data, size_t size);
