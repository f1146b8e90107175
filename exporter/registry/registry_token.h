/* SPDX-License-Identifier: Apache-2.0 */
/* Token requests by POST or GET. Only registry_auth.c may include it. */
#pragma once

#include "registry/registry_auth.h"

#define TOKEN_BYTES_MAX ((size_t)64 << 10)

bool registry_auth_has_credentials(const struct registry_auth *auth);

/* Appends "Authorization: Basic ...". */
void registry_auth_append_basic(struct buf *out, const struct registry_auth *auth);

/* Requests the scope of `auth` and the scopes of the challenge. Returns true for any status. */
bool registry_token_request(struct registry_auth *auth, struct http *http,
                            const struct auth_challenge *challenge, struct http_response *response,
                            struct cancel *cancel, struct error *err) MUST_CHECK;
