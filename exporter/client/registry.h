/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One repository of a registry, by the OCI distribution protocol.
 *
 * Bytes of blobs are streamed: a pull or push takes the same memory whatever the
 * size of the image. Every digest and size is verified here, while the bytes pass:
 * what comes back true is what was promised. HTTP statuses and the registry's own
 * error codes become an error_code here and nowhere else (err->status is the HTTP
 * status). 401 is answered by Basic or Bearer (token) authentication once per scope.
 */
#ifndef CLIENT_REGISTRY_H
#define CLIENT_REGISTRY_H

#include "client/http.h"
#include "client/manifest.h"
#include "client/reference.h"

struct registry; /* belongs to one thread */

struct registry_options {
    bool plain_http;
    bool skip_verify;
    const char *ca_file;             /* "" or NULL: the system's */
    const char *username, *password; /* "" or NULL: anonymous */
    bool push;                       /* ask for the right to push, too */
};

/* What the network saw so far; also after a failure. Stages: seconds, negative if not seen;
 * those of the first connection to the registry, `token` the sum of all token requests. */
struct registry_traffic {
    uint64_t fetched_bytes;  /* bodies of manifests and blobs received */
    uint64_t uploaded_bytes; /* bodies of manifests and blobs sent */
    double dns, connect, tls, token, first_byte;
};

struct registry *registry_new(const struct reference *reference,
                              const struct registry_options *options, struct error *err);
void registry_free(struct registry *registry);
DEFINE_CLEANUP(struct registry *, registry_free)

const struct registry_traffic *registry_traffic(const struct registry *registry);

/* GETs a manifest or index by tag or digest into `body`. *found: media type (from Content-Type,
 * parameters cut), digest (of the bytes) and size. A digest that was asked for or that the
 * registry announces (Docker-Content-Digest) and that is not that of the bytes:
 * ERROR_DIGEST_MISMATCH. More than MANIFEST_LIMIT_BYTES: ERROR_LIMIT. */
bool registry_manifest(struct registry *registry, const char *object, struct buf *body,
                       struct descriptor *found, struct arena *arena, struct cancel *cancel,
                       struct error *err) MUST_CHECK;

/* Streams a blob into `sink`. More or fewer bytes than blob->size: ERROR_SIZE_MISMATCH; other
 * bytes: ERROR_DIGEST_MISMATCH. */
bool registry_blob(struct registry *registry, const struct descriptor *blob, http_sink *sink,
                   void *arg, struct cancel *cancel, struct error *err) MUST_CHECK;

/* HEAD of a blob: *exists is the answer, errors are errors. */
bool registry_blob_exists(struct registry *registry, const struct descriptor *blob, bool *exists,
                          struct cancel *cancel, struct error *err) MUST_CHECK;

/* Where the body of an upload comes from: rewind() is called before every attempt (a 401 may
 * ask for a second one), then read() until the end. */
struct registry_source {
    bool (*rewind)(void *arg, struct cancel *cancel, struct error *err);
    http_source *read;
    void *arg;
};

/* POST, then PUT of the whole blob. */
bool registry_push_blob(struct registry *registry, const struct descriptor *blob,
                        const struct registry_source *source, struct cancel *cancel,
                        struct error *err) MUST_CHECK;

/* PUT. The digest that the registry answers must be manifest->digest: ERROR_DIGEST_MISMATCH. */
bool registry_push_manifest(struct registry *registry, const char *object,
                            const struct descriptor *manifest, const struct buf *body,
                            struct cancel *cancel, struct error *err) MUST_CHECK;

#endif
