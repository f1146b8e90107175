/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials for a registry: user and password, or tokens. Messages never contain them. */
#pragma once

#include "base/clock.h"
#include "base/secret.h"

#define CREDENTIALS_WAIT_NS (10 * NS_PER_SECOND) /* time limit of one helper or plugin */

/* The `text` of an absent secret is NULL. All absent: anonymous. */
struct credentials {
    struct secret username, password;
    struct secret identity_token; /* "refresh token": exchanged for a bearer token */
    struct secret registry_token; /* is itself the bearer token */
    const char *source;           /* a constant for the log: "auth", "docker_config",
                                   * "credential helper", "credential provider"; NULL: anonymous */
    const char *searched;         /* the configured file in which they were looked for; NULL: none.
                                   * The settings own it */
};

void credentials_deinit(struct credentials *credentials);

/* Whether any secret is present and not empty. */
bool credentials_any(const struct credentials *credentials);

/* Copies the secrets and `searched`, not `source`. After a failure the caller must still deinit
 * `to`. */
bool credentials_copy(struct credentials *to, const struct credentials *from,
                      struct error *err) MUST_CHECK;
