/* SPDX-License-Identifier: Apache-2.0 */
/* sha256 digests of streams, as "sha256:<64 hex digits>". */
#pragma once

#include "base/error.h"

#include <stddef.h>

#define DIGEST_TEXT_BYTES 72 /* "sha256:" + 64 + NUL */

struct digest; /* a running hash, not thread-safe */

struct digest *digest_new(struct error *err);
void digest_update(struct digest *digest, const void *data, size_t size);
/* Returns the digest and starts a new one. */
void digest_finish(struct digest *digest, char out[DIGEST_TEXT_BYTES]);
void digest_free(struct digest *digest);
DEFINE_CLEANUP(struct digest *, digest_free)

bool digest_of(const void *data, size_t size, char out[DIGEST_TEXT_BYTES],
               struct error *err) MUST_CHECK;

/* Whether `text` is "sha256:" and 64 lower-case hex digits. */
bool digest_valid(const char *text);

/* The chain id of `n` layers: c(1) = d(1), c(n) = sha256(c(n-1) + " " + d(n)); "" if n is 0.
 * ERROR_UNSUPPORTED for a digest that is not valid. */
bool digest_chain_id(const char *const *diff_ids, size_t n, char out[DIGEST_TEXT_BYTES],
                     struct error *err) MUST_CHECK;
