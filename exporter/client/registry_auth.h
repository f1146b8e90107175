/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How one registry is told who we are: the answer to its 401.
 *
 * For registry*.c alone. Credentials go to the registry (Basic) or to the token server that the
 * registry names (Bearer), and nowhere else; no message ever contains them or a token.
 */
#ifndef CLIENT_REGISTRY_AUTH_H
#define CLIENT_REGISTRY_AUTH_H

#include "client/challenge.h"
#include "client/http.h"

struct registry_auth {
    struct http *http; /* borrowed */
    bool plain_http;   /* the registry itself is asked without TLS */
    char *username, *password;
    char *scope;  /* "repository:library/busybox:pull" */
    char *header; /* "Authorization: ..." once it is known; NULL before */
    enum challenge_scheme scheme;
    double token_seconds; /* of all token requests; negative if there was none */
};

bool registry_auth_init(struct registry_auth *auth, struct http *http, const char *username,
                        const char *password, const char *scope, struct error *err) MUST_CHECK;
void registry_auth_deinit(struct registry_auth *auth);

/* Makes auth->header from the challenges of a 401. ERROR_UNAUTHORIZED if there is none that we
 * can answer, or if we have answered already all that we can. */
bool registry_auth_answer(struct registry_auth *auth, const struct http_response *refusal,
                          struct cancel *cancel, struct error *err) MUST_CHECK;

#endif
