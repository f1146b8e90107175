/* SPDX-License-Identifier: Apache-2.0 */
/* Parses WWW-Authenticate headers of a registry (RFC 9110 11.6.1). */
#pragma once

#include "base/arena.h"

enum auth_challenge_scheme {
    CHALLENGE_NONE,
    CHALLENGE_BASIC,
    CHALLENGE_BEARER,
};

struct auth_challenge {
    enum auth_challenge_scheme scheme;
    const char *realm, *service, *scope, *error; /* "" where absent */
};

/* Replaces *challenge if `header` has a better one: Bearer is better than Basic. A header may have
 * several challenges; invalid ones are skipped. */
bool auth_challenge_parse(struct auth_challenge *challenge, const char *header, struct arena *arena,
                          struct error *err) MUST_CHECK;
