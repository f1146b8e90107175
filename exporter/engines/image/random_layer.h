/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers that nobody has ever seen: a tar with one file of random bytes, which no
 * compression makes smaller and no registry holds yet.
 *
 * The bytes come from xoshiro256++ (Blackman and Vigna, "Scrambled linear pseudorandom number
 * generators", ACM TOMS 47, 2021), four of them side by side, so that one instruction serves
 * several. Their states follow from one seed by splitmix64 (Steele, Lea and Flood, "Fast splittable
 * pseudorandom number generators", OOPSLA 2014): who knows the seed can make the bytes again, on a
 * machine of the same byte order.
 */
#ifndef ENGINES_IMAGE_RANDOM_LAYER_H
#define ENGINES_IMAGE_RANDOM_LAYER_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define RANDOM_LAYER_LANES       4
#define RANDOM_LAYER_BLOCK_BYTES (RANDOM_LAYER_LANES * sizeof(uint64_t))

struct random_layer {
    uint64_t state_[4][RANDOM_LAYER_LANES];         /* private: one word of each lane in a row */
    unsigned char spare_[RANDOM_LAYER_BLOCK_BYTES]; /* made, and not asked for yet: its end */
    size_t n_spare_;
};

/* From the kernel; never 0. */
bool random_layer_seed(uint64_t *seed, struct error *err) MUST_CHECK;

/* Each number makes other bytes of the same seed. */
void random_layer_init(struct random_layer *random_layer, uint64_t seed, uint64_t number);

/* What comes next, however it is divided into calls. */
void random_layer_fill(struct random_layer *random_layer, void *data, size_t size);

#define RANDOM_LAYER_HEADER_BYTES ((size_t)512)

/* Size of the tar around a file of `file_bytes`. */
uint64_t random_layer_tar_bytes(uint64_t file_bytes);

/* The tar's first block, for a file of that name and size; and the zeros after its bytes. */
void random_layer_tar_header(unsigned char header[RANDOM_LAYER_HEADER_BYTES], const char *name,
                             uint64_t file_bytes);
uint64_t random_layer_tar_padding(uint64_t file_bytes);

#endif
