/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How one host is told who we are: the answer to its 401. Any thread may use it.
 *
 * For registry*.c alone. Credentials go to the registry (Basic) or to the token server that the
 * registry names (Bearer), and nowhere else; no message ever contains them or a token.
 */
#ifndef REGISTRY_REGISTRY_AUTH_H
#define REGISTRY_REGISTRY_AUTH_H

#include "base/progress.h"
#include "credentials/credentials.h"
#include "net/http.h"
#include "registry/auth_challenge.h"

#include <stdatomic.h>

struct registry_auth {
    pthread_mutex_t lock;      /* of what follows the options; held while a token is asked for */
    struct progress *progress; /* or NULL */
    atomic_bool plain_http;    /* the registry itself is asked without TLS */
    struct credentials who;
    char *scope;          /* "repository:library/busybox:pull" */
    struct secret header; /* "Authorization: ..." once it is known */
    unsigned generation;  /* of the header: 0 before the first */
    enum auth_challenge_scheme scheme;
    double token_seconds;              /* of all token requests; negative if there was none */
    struct registry_auth *root, *next; /* of a host's others: its first one, and a list */
};

/* `who` is copied; NULL: anonymous. */
struct registry_auth *registry_auth_new(const struct credentials *who, const char *scope,
                                        struct error *err);
void registry_auth_free(struct registry_auth *auth);
DEFINE_CLEANUP(struct registry_auth *, registry_auth_free)

/* The same host's for another scope, which may be several words; made when it is first asked for,
 * ends with `auth`. NULL with *err. */
struct registry_auth *registry_auth_for(struct registry_auth *auth, const char *scope,
                                        struct error *err);

/* What to send now; header->text stays NULL where nothing is known yet. */
bool registry_auth_header(struct registry_auth *auth, struct secret *header, unsigned *generation,
                          struct error *err) MUST_CHECK;

/* Makes a header from the challenges of a 401 that the header of `generation` met; if another
 * thread made a newer one meanwhile, that is the answer. ERROR_UNAUTHORIZED if there is no
 * auth_challenge that we can answer, or if we have answered already all that we can. `http` is for
 * the token. */
bool registry_auth_answer(struct registry_auth *auth, struct http *http,
                          const struct http_response *refusal, unsigned generation,
                          struct cancel *cancel, struct error *err) MUST_CHECK;

/* Those of its others, too. */
double registry_auth_token_seconds(struct registry_auth *auth);

#endif
