/* SPDX-License-Identifier: Apache-2.0 */
/* For registry*.c alone: one question to the registry, as often as its 401
 * makes it necessary. */
#ifndef REGISTRY_REGISTRY_CALL_H
#define REGISTRY_REGISTRY_CALL_H

#include "registry/registry.h"
#include "registry/registry_auth.h"

#define REGISTRY_URL_BYTES    ((size_t)16 << 10)
#define REGISTRY_OBJECT_BYTES ((size_t)200)
#define REGISTRY_DELETE_SCOPE "repository:%s:pull,push,delete"

/* One host of the list. */
struct registry_site {
    const struct host *host;
    struct http *http;          /* made when it is first asked */
    char *base;                 /* "https://registry.example:5000/v2/library/busybox" */
    bool plain;                 /* http */
    bool settled;               /* it has answered: https or http is not in question any more */
    struct registry_auth *auth; /* the trunk's */
    struct http_times times;    /* of the first connection */
};

struct registry {
    struct registry *trunk; /* NULL: this is it */
    pthread_mutex_t lock;   /* of a trunk's traffic, while branches end */
    const struct host_list *hosts;
    enum http_family family;
    struct progress *progress; /* or NULL */
    const char *repository;
    struct registry_site *sites;  /* one for each host */
    struct registry_site *served; /* who gave the last manifest; NULL before */
    struct error passed_over;     /* by the last registry_try_sites() that ended well */
    struct registry_traffic traffic;
};

struct registry_call {
    struct registry_site *site;
    const char *method;
    const char *url;                  /* if NULL: the site's base + path */
    const char *path;                 /* "/manifests/latest" */
    const char *header, *more_header; /* NULL for none */
    const char *scope;     /* of the token, where it is another than the host's own; NULL */
    bool without_identity; /* never tell this host who we are */
    bool follow_redirects;
    http_sink *sink;
    void *sink_arg;
    const struct registry_source *source; /* NULL: no body */
    uint64_t body_bytes;
};

/* Any answer but 401 is a success here. */
bool registry_call(struct registry *registry, const struct registry_call *call,
                   struct http_response *response, struct cancel *cancel,
                   struct error *err) MUST_CHECK;

/* For an answer that is no success: fills *err, saying what was asked. False, always. */
bool registry_refused(const struct registry_call *call, const struct http_response *response,
                      struct error *err);

/* What becomes part of a URL must have nothing in it that a URL would read as its own. */
bool registry_check_object(const char *object, struct error *err) MUST_CHECK;

/* ERROR_DIGEST_MISMATCH; a digest of another kind than ours is no promise that we could check. */
bool registry_check_digest(const char *promised, const char *actual, struct error *err) MUST_CHECK;

/* "/blobs/sha256:..."; ERROR_UNSUPPORTED for another digest. */
bool registry_blob_path(const struct descriptor *blob, char *path, size_t path_size,
                        struct error *err) MUST_CHECK;

#define REGISTRY_ACCEPT                                                                            \
    "Accept: " MEDIA_TYPE_DOCKER_MANIFEST ", " MEDIA_TYPE_DOCKER_LIST ", " MEDIA_TYPE_OCI_MANIFEST \
    ", " MEDIA_TYPE_OCI_INDEX ", */*"

struct registry_manifest_query {
    const char *object;
    struct buf *body;
    struct descriptor *found;
    struct arena *arena;
};

/* registry_manifest() of one host. */
bool registry_ask_manifest(struct registry *registry, struct registry_site *site,
                           const struct registry_manifest_query *query, struct cancel *cancel,
                           struct error *err) MUST_CHECK;

enum registry_verdict {
    REGISTRY_DONE,
    REGISTRY_NEXT,   /* perhaps another host can */
    REGISTRY_GIVE_UP /* no host could */
};

/* Asks one host after the other, of those with all of `capabilities`, until one does it. *err: what
 * the most telling of them said: a host that answers tells more than one that does not, and any
 * other refusal more than "not found". */
typedef enum registry_verdict registry_attempt(struct registry *registry,
                                               struct registry_site *site, void *arg,
                                               struct cancel *cancel, struct error *err);
bool registry_try_sites(struct registry *registry, unsigned capabilities, registry_attempt *attempt,
                        void *arg, struct cancel *cancel, struct error *err) MUST_CHECK;

/* This site gave the manifest: the times that are shown are its. */
void registry_note_served(struct registry *registry, struct registry_site *site);

/* Where pushes go: the first host that takes them; NULL with *err if none does. */
struct registry_site *registry_push_site(struct registry *registry, struct error *err);

#endif
