/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of a generated layer: a tar with one file of random bytes. No compression makes it
 * smaller, and no registry has it yet. The bytes are a keystream (oci/keystream.h) whose key is the
 * seed of the run and whose number is that of the layer.
 */
#pragma once

#include "base/error.h"

#include <stdint.h>

#define RANDOM_LAYER_HEADER_BYTES ((size_t)512)

/* Takes a seed from the kernel; never 0. */
bool random_layer_seed(uint64_t *seed, struct error *err) MUST_CHECK;

/* Returns the size of the tar around a file of `file_bytes`: a header, the file, zeros up to the
 * next block, and two blocks of zeros. */
uint64_t random_layer_tar_bytes(uint64_t file_bytes);

/* Writes the first block of the tar, for a file of that name and size. */
void random_layer_tar_header(unsigned char header[RANDOM_LAYER_HEADER_BYTES], const char *name,
                             uint64_t file_bytes);
