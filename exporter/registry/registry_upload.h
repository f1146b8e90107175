/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one blob upload, and its five requests. Only registry_push.c uses it; that file also
 * decides what to do after a broken connection. */
#pragma once

#include "registry/registry_call.h"

/* What was sent. */
struct registry_content {
    const char *digest;
    const struct registry_source *source; /* of all of it */
};

struct blob_upload {
    struct registry *registry;
    struct registry_mirror *mirror;
    const struct descriptor *blob;
    struct registry_content content; /* of the whole blob */
    struct buf url;                  /* Location of the last response; empty: no open upload */
    struct buf scope;                /* of the token; empty: the registry's own */
    bool foreign;                    /* `url` is on another host: it must not get credentials */
    uint64_t offset;                 /* the registry has all bytes before */
    uint64_t sent;                   /* the client has sent all bytes before */
    uint64_t accepted;               /* the registry has accepted all bytes before with a 2xx */
    uint64_t min_chunk_bytes;        /* OCI-Chunk-Min-Length */
    bool range_lags;                 /* its Range header is known to lag behind what it has */
    char odd_range[64]; /* the last Range header that did not match `odd_bytes`; "": none */
    uint64_t odd_bytes; /* that were accepted then */
};

#define BLOB_UPLOAD_INIT(registry_, blob_, source_)                                        \
    {                                                                                      \
        .registry = (registry_), .blob = (blob_), .content = {(blob_)->digest, (source_)}, \
        .url = BUF_INIT(REGISTRY_URL_BYTES), .scope = BUF_INIT(REGISTRY_URL_BYTES)         \
    }
void blob_upload_deinit(struct blob_upload *upload);

/* POST: opens an upload. */
bool blob_upload_open(struct blob_upload *upload, struct cancel *cancel,
                      struct error *err) MUST_CHECK;

/* POST that asks the registry to mount the blob from repository `from`; *mounted if it did. Else an
 * upload is open. */
bool blob_upload_mount(struct blob_upload *upload, const char *from, bool *mounted,
                       struct cancel *cancel, struct error *err) MUST_CHECK;

/* PATCH: sends the bytes from `offset` to `end` of `source`, and moves `offset`. If the Range of
 * the response lags behind, a GET asks for the state of the upload. If that has no progress
 * either, the acceptance counts: the registry verifies the digest in the end. */
bool blob_upload_send(struct blob_upload *upload, const struct registry_source *source,
                      uint64_t end, struct cancel *cancel, struct error *err) MUST_CHECK;

/* GET: reads `url` and `offset` again. */
bool blob_upload_refresh(struct blob_upload *upload, struct cancel *cancel,
                         struct error *err) MUST_CHECK;

/* Whether the registry answered the request that failed. */
bool blob_upload_was_answered(const struct error *err);

/* After a 416: the registry has more than its Range header said. Moves `offset` to all that was
 * accepted, and returns true if that is further. */
bool blob_upload_skip_accepted(struct blob_upload *upload);

/* PUT: completes the upload with the whole blob of `source`, or without a body (NULL). */
bool blob_upload_finish(struct blob_upload *upload, const struct registry_source *source,
                        struct cancel *cancel, struct error *err) MUST_CHECK;

/* DELETE with a short deadline, even shorter if `stopping`. A failure is counted as stranded. */
void blob_upload_cancel(struct blob_upload *upload, bool stopping);

/* Checks the status and Docker-Content-Digest, if the response has one, of a completed upload. The
 * registry may use another algorithm than the exporter: then the source is read again. */
bool registry_check_stored(const struct registry_call *call, const struct http_response *response,
                           const struct registry_content *content, struct cancel *cancel,
                           struct error *err) MUST_CHECK;
