/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authentication with one host of a registry. Any thread may use it. Only registry*.c may include
 * it.
 *
 * Credentials are sent only to the registry (Basic) or to the token server that the registry names
 * (Bearer). Messages never contain credentials or tokens.
 */
#pragma once

#include "base/progress.h"
#include "credentials/credentials.h"
#include "net/http/http.h"
#include "registry/auth_challenge.h"

#include <stdatomic.h>

struct registry_auth {
    pthread_mutex_t lock; /* guards header, generation, scheme, next; held during a token request */
    struct progress *progress; /* may be NULL */
    atomic_bool plain_http;    /* the registry is reached without TLS */
    struct credentials credentials;
    char *scope;          /* "repository:library/busybox:pull" */
    char *origin;         /* of a guest: "https://cdn.example"; else NULL */
    struct secret header; /* "Authorization: ..."; NULL before the first 401 */
    unsigned generation;  /* of the header; 0: no header */
    enum auth_challenge_scheme scheme;
    double token_seconds; /* of all token requests; negative: none */
    /* The first scope of the host; its other scopes and its guests. */
    struct registry_auth *parent, *next;
};

/* Copies `credentials`; NULL: anonymous. */
struct registry_auth *registry_auth_new(const struct credentials *credentials, const char *scope,
                                        struct error *err);
void registry_auth_free(struct registry_auth *auth);
DEFINE_CLEANUP(struct registry_auth *, registry_auth_free)

/* Returns the authentication for another scope of the same host; owned by `auth`. The scope may be
 * several words. NULL with *err. */
struct registry_auth *registry_auth_for(struct registry_auth *auth, const char *scope,
                                        struct error *err);

/* Returns the authentication for the same scope at another host, a guest, to which a redirect
 * leads: anonymous, because credentials are for the registry; owned by `auth`. NULL with *err. */
struct registry_auth *registry_auth_guest(struct registry_auth *auth, const char *url,
                                          struct error *err);

/* Copies the current header; header->text stays NULL if there is none. */
bool registry_auth_header(struct registry_auth *auth, struct secret *header, unsigned *generation,
                          struct error *err) MUST_CHECK;

/* Makes a new header from the challenges of a 401 that answered the header of `generation`. Does
 * nothing if another thread has made a newer header. ERROR_UNAUTHORIZED if the exporter cannot
 * answer any challenge, or the registry has rejected the credentials. `http` is used for the token
 * request. */
bool registry_auth_answer(struct registry_auth *auth, struct http *http,
                          const struct http_response *refusal, unsigned generation,
                          struct cancel *cancel, struct error *err) MUST_CHECK;

/* Seconds of the token requests of all scopes of the host. */
double registry_auth_token_seconds(struct registry_auth *auth);
