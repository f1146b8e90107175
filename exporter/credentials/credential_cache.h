/* SPDX-License-Identifier: Apache-2.0 */
/* What credential providers answered, until it is too old. Secrets are wiped when they go. */
#ifndef CREDENTIALS_CREDENTIAL_CACHE_H
#define CREDENTIALS_CREDENTIAL_CACHE_H

#include "credentials/credentials.h"

/* Appends the answer that was put under this key; false if there is none, or none any more. */
bool credential_cache_get(struct credential_cache *cache, const char *key, struct buf *answer);

/* Where there is no room, what expires first goes. Without memory it is not kept. */
void credential_cache_put(struct credential_cache *cache, const char *key, const char *answer,
                          int64_t expires_ns);

#endif
