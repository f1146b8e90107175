/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of streams, as "sha256:<64 hex digits>". Registries and containerd 2.3 and later also
 * have content by sha384 and sha512.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>

#define DIGEST_TEXT_BYTES 136 /* "sha512:" + 128 + NUL: the longest */
#define DIGEST_RAW_BYTES  64
#define DIGEST_CANONICAL  "sha256:" /* the algorithm where no digest is given */

struct digest; /* a running hash, not thread-safe */

/* With the algorithm of `like`, a digest or its beginning: ERROR_UNSUPPORTED if it is unknown. */
struct digest *digest_new(const char *like, struct error *err);
void digest_update(struct digest *digest, const void *data, size_t size);
/* Returns the digest and starts a new one. */
void digest_finish(struct digest *digest, char out[DIGEST_TEXT_BYTES]);
void digest_free(struct digest *digest);
DEFINE_CLEANUP(struct digest *, digest_free)

/* By sha256. */
bool digest_of(const void *data, size_t size, char out[DIGEST_TEXT_BYTES],
               struct error *err) MUST_CHECK;
/* With the algorithm of `like`. */
bool digest_of_like(const char *like, const void *data, size_t size, char out[DIGEST_TEXT_BYTES],
                    struct error *err) MUST_CHECK;

/* Whether `text` is the name of a known algorithm, ":", and as many lower-case hex digits as it
 * has. */
bool digest_valid(const char *text);

/* Whether the text begins with an algorithm that digest_new() takes. */
bool digest_is_known(const char *text);

/* Whether `data`, which may be NULL if `size` is 0, has the digest `expected`. */
bool digest_matches(const char *expected, const void *data, size_t size);

/* Whether both begin with the same name of an algorithm and ":", known or not. */
bool digest_same_algorithm(const char *a, const char *b);

/* The parts of a valid digest: the number of its algorithm, which is at least 1, and its bytes,
 * with zeros behind them; and back. False if `text` is not valid. */
bool digest_pack(const char *text, unsigned char *algorithm, unsigned char raw[DIGEST_RAW_BYTES]);
void digest_unpack(unsigned char algorithm, const unsigned char raw[DIGEST_RAW_BYTES],
                   char out[DIGEST_TEXT_BYTES]);

/* The chain id of `n` layers: c(1) = d(1), c(n) = sha256(c(n-1) + " " + d(n)); "" if n is 0. It is
 * sha256 also for layers by another algorithm.
 * ERROR_UNSUPPORTED for a digest that is not valid. */
bool digest_chain_id(const char *const *diff_ids, size_t n, char out[DIGEST_TEXT_BYTES],
                     struct error *err) MUST_CHECK;
