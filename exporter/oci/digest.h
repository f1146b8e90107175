/* SPDX-License-Identifier: Apache-2.0 */
/* sha256 of a stream, as "sha256:<64 hex digits>". The only file that knows OpenSSL is digest.c. */
#ifndef OCI_DIGEST_H
#define OCI_DIGEST_H

#include "base/error.h"

#include <stddef.h>

#define DIGEST_TEXT_BYTES 72 /* "sha256:" + 64 + NUL */

struct digest; /* one running hash; belongs to one thread */

struct digest *digest_new(struct error *err);
void digest_update(struct digest *digest, const void *data, size_t size);
/* Ends the hash and starts a new one. */
void digest_finish(struct digest *digest, char out[DIGEST_TEXT_BYTES]);
void digest_free(struct digest *digest);
DEFINE_CLEANUP(struct digest *, digest_free)

/* Of one piece of memory. */
bool digest_of(const void *data, size_t size, char out[DIGEST_TEXT_BYTES],
               struct error *err) MUST_CHECK;

/* Whether `text` is "sha256:" and 64 lower-case hex digits. */
bool digest_valid(const char *text);

/* The chain id of `n` layers: c1 = d1, c(n) = sha256(c(n-1) + " " + d(n)); "" for none. */
bool digest_chain_id(const char *const *diff_ids, size_t n, char out[DIGEST_TEXT_BYTES],
                     struct error *err) MUST_CHECK;

#endif
