/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One repository of a registry, by the OCI distribution protocol, through its mirrors.
 *
 * registry_read.h gets manifests and blobs, registry_push.h uploads and deletes them. Blobs are
 * streamed: a pull or push takes the same memory whatever the size of the image. Every digest and
 * size is verified while the bytes pass. HTTP statuses and the registry's own error codes become an
 * error_code here and nowhere else; err->status is the HTTP status. A 401 is answered by Basic or
 * Bearer (token) authentication once per scope.
 */
#pragma once

#include "base/progress.h"
#include "credentials/credentials.h"
#include "net/http/http.h"
#include "oci/reference.h"
#include "registry/hosts/hosts.h"

struct registry; /* belongs to one thread */

struct registry_options {
    const struct host_list *hosts; /* in the order of the attempts; must outlive the registry */
    const struct credentials *credentials; /* NULL: anonymous; copied */
    enum http_family family;
    bool push;                 /* also request the push scope */
    struct progress *progress; /* may be NULL */
};

/* Network statistics; also valid after a failure. Times are seconds, negative if not measured:
 * those of the first connection to the host that served the manifest; `token` is the sum of all
 * token requests. */
struct registry_traffic {
    uint64_t fetched_bytes;  /* received bodies of manifests and blobs */
    uint64_t uploaded_bytes; /* sent bodies of manifests and blobs */
    double dns, connect, tls, token, first_byte;
    unsigned resumed;  /* transfers that were resumed after the connection broke */
    unsigned stranded; /* broken uploads that could not be canceled in the registry */
    double rate_limit, rate_limit_remaining; /* last values of the registry; negative: none */
    double retry_after;         /* seconds of the longest Retry-After; negative: none */
    int64_t certificate_expiry; /* unix time; of the registry, not of a mirror; 0: none */
};

#define REGISTRY_TRAFFIC_INIT                                                                 \
    {                                                                                         \
        .dns = -1, .connect = -1, .tls = -1, .token = -1, .first_byte = -1, .rate_limit = -1, \
        .rate_limit_remaining = -1, .retry_after = -1                                         \
    }

/* Adds bytes and counts, and takes over limits and certificate of `more`. The times of `sum` do not
 * change. */
void registry_traffic_add(struct registry_traffic *sum, const struct registry_traffic *more);

/* NULL on failure, also with the failure of the hosts if their list could not be made. */
struct registry *registry_new(const struct reference *reference,
                              const struct registry_options *options, struct error *err);
void registry_free(struct registry *registry);
DEFINE_CLEANUP(struct registry *, registry_free)

/* Returns a handle on the same repository for another thread, with its own connections and shared
 * tokens. Must be freed before `registry`, which then takes over its traffic. */
struct registry *registry_clone(struct registry *registry, struct error *err);

/* The traffic of this handle and of its freed clones. */
const struct registry_traffic *registry_traffic(const struct registry *registry);

/* The host that served the last manifest: "mirror.example:5000"; "" before. */
const char *registry_served_by(const struct registry *registry);

/* The failure of the first host that could not serve the last manifest; ERROR_NONE if the first
 * host served it. */
const struct error *registry_passed_over(const struct registry *registry);
