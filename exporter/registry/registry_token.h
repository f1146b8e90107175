/* SPDX-License-Identifier: Apache-2.0 */
/* For registry_auth.c alone: the two ways to ask a token server. */
#ifndef REGISTRY_REGISTRY_TOKEN_H
#define REGISTRY_REGISTRY_TOKEN_H

#include "registry/registry_auth.h"

#define TOKEN_BYTES_MAX ((size_t)64 << 10)

bool registry_auth_has_credentials(const struct registry_auth *auth);

/* "Authorization: Basic ..." */
void registry_auth_append_basic(struct buf *out, const struct registry_auth *auth);

/* For the scope of `auth` and what the auth_challenge adds. Any answer is a success here. */
bool registry_token_request(struct registry_auth *auth, struct http *http,
                            const struct auth_challenge *auth_challenge,
                            struct http_response *response, struct cancel *cancel,
                            struct error *err) MUST_CHECK;

#endif
