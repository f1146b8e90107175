/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers that nobody has ever seen: a tar with one file of random bytes, which no
 * compression makes smaller and no registry holds yet.
 *
 * The bytes come from xoshiro256** (Blackman and Vigna, "Scrambled linear
 * pseudorandom number generators", 2018), seeded by the kernel: fast enough that
 * making them is not what is measured.
 */
#ifndef PROBE_GENERATOR_H
#define PROBE_GENERATOR_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct generator {
    uint64_t state_[4]; /* private */
};

bool generator_init(struct generator *generator, struct error *err) MUST_CHECK;
void generator_fill(struct generator *generator, void *data, size_t size);

#define GENERATOR_HEADER_BYTES ((size_t)512)

/* Size of the tar around a file of `file_bytes`. */
uint64_t generator_tar_bytes(uint64_t file_bytes);

/* The tar's first block, for a file of that name and size; and the zeros after its bytes. */
void generator_tar_header(unsigned char header[GENERATOR_HEADER_BYTES], const char *name,
                          uint64_t file_bytes);
uint64_t generator_tar_padding(uint64_t file_bytes);

#endif
