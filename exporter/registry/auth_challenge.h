/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate headers of a registry (RFC 9110 11.6.1), read into what we can answer. */
#ifndef REGISTRY_AUTH_CHALLENGE_H
#define REGISTRY_AUTH_CHALLENGE_H

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

/* Takes the better of what *auth_challenge holds and what `header` offers: bearer, then basic. A
 * header may carry several challenges; what cannot be read is skipped. */
bool auth_challenge_parse(struct auth_challenge *auth_challenge, const char *header,
                          struct arena *arena, struct error *err) MUST_CHECK;

#endif
