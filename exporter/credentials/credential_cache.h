/* SPDX-License-Identifier: Apache-2.0 */
/* A cache of the responses of credential providers, until they expire. Any thread may use it.
 * Secrets are wiped when an entry is removed. */
#pragma once

#include "base/buf.h"

#include <stdint.h>

struct credential_cache;

struct credential_cache *credential_cache_new(struct error *err);
void credential_cache_free(struct credential_cache *cache);

/* Appends the response stored under `key`. Returns false if there is none or it has expired. */
bool credential_cache_get(struct credential_cache *cache, const char *key, struct buf *answer);

/* Replaces the response under `key`. A full cache evicts the entry that expires first. Without
 * memory the response is not stored. */
void credential_cache_put(struct credential_cache *cache, const char *key, const char *answer,
                          int64_t expires_ns);
