/* SPDX-License-Identifier: Apache-2.0 */
/* The struct behind registry.h, and how its mirrors are tried. Only registry*.c may include it. */
#pragma once

#include "registry/registry.h"
#include "registry/registry_auth.h"

#define REGISTRY_URL_BYTES ((size_t)16 << 10)

/* One host of the list: a mirror, or the registry itself. */
struct registry_mirror {
    const struct host *host;
    const char *repository;     /* as this host names it */
    struct http *http;          /* NULL before the first request */
    char *base;                 /* "https://registry.example:5000/v2/library/busybox" */
    bool own;                   /* the registry itself, not a mirror of it */
    bool plain;                 /* HTTP without TLS */
    bool settled;               /* the host has answered, so `plain` is final */
    struct registry_auth *auth; /* owned by the parent */
    struct http_times times;    /* of the first connection */
};

struct registry {
    struct registry *parent; /* NULL, or this is a clone */
    pthread_mutex_t lock;    /* guards the traffic of a parent while clones are freed */
    const struct host_list *hosts;
    enum http_family family;
    struct progress *progress; /* may be NULL */
    bool push;
    struct reference reference;      /* its texts are the caller's */
    struct registry_mirror *mirrors; /* one for each host */
    struct registry_mirror *served;  /* served the last manifest; NULL before */
    struct error passed_over;        /* of the last registry_try_mirrors() that succeeded */
    struct registry_traffic traffic;
};

enum registry_verdict {
    REGISTRY_DONE,
    REGISTRY_NEXT,   /* try the next host */
    REGISTRY_GIVE_UP /* no other host can succeed */
};

/* Calls `attempt` for each host with all of `capabilities`, until one succeeds. On failure *err is
 * the most informative error: a response precedes a failed connection, and any other status
 * precedes "not found". */
typedef enum registry_verdict registry_attempt(struct registry *registry,
                                               struct registry_mirror *mirror, void *arg,
                                               struct cancel *cancel, struct error *err);
bool registry_try_mirrors(struct registry *registry, unsigned capabilities,
                          registry_attempt *attempt, void *arg, struct cancel *cancel,
                          struct error *err) MUST_CHECK;

/* Returns the first host that accepts pushes; NULL with *err if there is none. */
struct registry_mirror *registry_push_mirror(struct registry *registry, struct error *err);
