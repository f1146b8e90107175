/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One repository of a registry, by the OCI distribution protocol, through its mirrors.
 *
 * Bytes of blobs are streamed: a pull or push takes the same memory whatever the
 * size of the image. Every digest and size is verified here, while the bytes pass:
 * what comes back true is what was promised. HTTP statuses and the registry's own
 * error codes become an error_code here and nowhere else (err->status is the HTTP
 * status). 401 is answered by Basic or Bearer (token) authentication once per scope.
 */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include "base/progress.h"
#include "credentials/credentials.h"
#include "net/http.h"
#include "oci/digest.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "registry/hosts/hosts.h"

struct registry; /* belongs to one thread */

struct registry_options {
    const struct host_list *hosts;         /* who is asked, in this order; outlives the registry */
    const struct credentials *credentials; /* NULL: anonymous; copied */
    enum http_family family;
    bool push;                 /* ask for the right to push, too */
    struct progress *progress; /* NULL: nobody wants to know */
};

/* What the network saw so far; also after a failure. Stages: seconds, negative if not seen;
 * those of the first connection to the host that served the manifest, `token` the sum of all
 * token requests. */
struct registry_traffic {
    uint64_t fetched_bytes;  /* bodies of manifests and blobs received */
    uint64_t uploaded_bytes; /* bodies of manifests and blobs sent */
    double dns, connect, tls, token, first_byte;
    unsigned resumed;  /* transfers that broke off and were taken up again */
    unsigned stranded; /* broken uploads that the registry did not take back */
    double rate_limit, rate_limit_remaining; /* as the registry itself last said; negative: never */
    double retry_after;                      /* seconds it asked us to wait; negative: never */
    int64_t certificate_expiry; /* unix time; the registry's own, no mirror's; 0: none */
};

#define REGISTRY_TRAFFIC_INIT                                                                 \
    {                                                                                         \
        .dns = -1, .connect = -1, .tls = -1, .token = -1, .first_byte = -1, .rate_limit = -1, \
        .rate_limit_remaining = -1, .retry_after = -1                                         \
    }

/* Adds bytes and counts, and takes over what `more` says of the registry's limits; the stages of
 * the network stay. */
void registry_traffic_add(struct registry_traffic *sum, const struct registry_traffic *more);

struct registry *registry_new(const struct reference *reference,
                              const struct registry_options *options, struct error *err);
void registry_free(struct registry *registry);
DEFINE_CLEANUP(struct registry *, registry_free)

/* Another handle on the same repository, for another thread: connections of its own, tokens in
 * common. Ends before the first. */
struct registry *registry_branch(struct registry *registry, struct error *err);

/* Of this handle; those of branches that have ended are in their first one's. */
const struct registry_traffic *registry_traffic(const struct registry *registry);

/* Who served the last manifest: "mirror.example:5000"; "" before. */
const char *registry_served_by(const struct registry *registry);

/* What the first host said that was asked for the last manifest in vain; ERROR_NONE if the first
 * one had it. */
const struct error *registry_passed_over(const struct registry *registry);

/* GETs a manifest or index by tag or digest into `body`. *found: media type (from Content-Type,
 * parameters cut), digest (of the bytes) and size. A digest that was asked for or that the
 * registry announces (Docker-Content-Digest) and that is not that of the bytes:
 * ERROR_DIGEST_MISMATCH. More than MANIFEST_LIMIT_BYTES: ERROR_LIMIT. */
bool registry_manifest(struct registry *registry, const char *object, struct buf *body,
                       struct descriptor *found, struct arena *arena, struct cancel *cancel,
                       struct error *err) MUST_CHECK;

/* Streams a blob into `sink`, from the first host that has it; where a connection breaks, goes on
 * from there. More or fewer bytes than blob->size: ERROR_SIZE_MISMATCH; other bytes:
 * ERROR_DIGEST_MISMATCH. */
bool registry_blob(struct registry *registry, const struct descriptor *blob, http_sink *sink,
                   void *arg, struct cancel *cancel, struct error *err) MUST_CHECK;

/* The same for a sink that verifies the digest itself: here only the size is. */
bool registry_blob_unverified(struct registry *registry, const struct descriptor *blob,
                              http_sink *sink, void *arg, struct cancel *cancel,
                              struct error *err) MUST_CHECK;

/* HEAD of a blob, where pushes go: *exists is the answer, errors are errors. */
bool registry_blob_exists(struct registry *registry, const struct descriptor *blob, bool *exists,
                          struct cancel *cancel, struct error *err) MUST_CHECK;

/* Where the body of an upload comes from: rewind(), then read() towards the end, as often as the
 * beginning is needed again (a 401 may ask for it, or a broken connection). */
struct registry_source {
    bool (*rewind)(void *arg, struct cancel *cancel, struct error *err); /* to the beginning */
    http_source *read;
    void *arg;
};

struct registry_upload {
    uint64_t chunk_bytes; /* PATCHes of this size, then an empty PUT; 0: one PUT */
    const char
        *mount_from; /* a repository of the same registry to mount the blob from; NULL: none */
};

/* POST, then the blob. A connection that breaks is made again, and the upload goes on from where
 * the registry has it (chunked), or anew where it has forgotten or never keeps a part (one PUT):
 * three times without getting further. *mounted: the registry took it from `mount_from`, and
 * nothing was sent. */
bool registry_push_blob(struct registry *registry, const struct descriptor *blob,
                        const struct registry_source *source, const struct registry_upload *how,
                        bool *mounted, struct cancel *cancel, struct error *err) MUST_CHECK;

/* PUT. The digest that the registry answers must be manifest->digest: ERROR_DIGEST_MISMATCH. */
bool registry_push_manifest(struct registry *registry, const char *object,
                            const struct descriptor *manifest, const struct buf *body,
                            struct cancel *cancel, struct error *err) MUST_CHECK;

/* HEAD of a manifest, where pushes go: "" in `digest` where there is none. */
bool registry_manifest_digest(struct registry *registry, const char *object,
                              char digest[DIGEST_TEXT_BYTES], struct cancel *cancel,
                              struct error *err) MUST_CHECK;

/* DELETE of a manifest by digest, or of a blob. Gone already is success. ERROR_UNSUPPORTED where
 * the registry deletes nothing (405, or 400 UNSUPPORTED). */
bool registry_delete_manifest(struct registry *registry, const char *digest, struct cancel *cancel,
                              struct error *err) MUST_CHECK;
bool registry_delete_blob(struct registry *registry, const char *digest, struct cancel *cancel,
                          struct error *err) MUST_CHECK;

#endif
