/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For registry_push.c alone: one upload of a blob as the registry keeps it, with the place where
 * it goes on and what is there already. What to do when one breaks off is decided elsewhere.
 */
#ifndef REGISTRY_REGISTRY_UPLOAD_H
#define REGISTRY_REGISTRY_UPLOAD_H

#include "registry/registry_call.h"

struct blob_upload {
    struct registry *registry;
    struct registry_site *site;
    const struct descriptor *blob;
    struct buf url;           /* where it goes on, as the last answer told; empty: not open */
    struct buf scope;         /* of the token; empty: the registry's own */
    bool foreign;             /* another host's or scheme's: it is not told who we are */
    uint64_t offset;          /* the registry has the bytes before this one */
    uint64_t sent;            /* it was sent no byte from this one on */
    uint64_t min_chunk_bytes; /* as it told */
};

#define BLOB_UPLOAD_INIT(registry_, blob_)                                             \
    {                                                                                  \
        .registry = (registry_), .blob = (blob_), .url = BUF_INIT(REGISTRY_URL_BYTES), \
        .scope = BUF_INIT(REGISTRY_URL_BYTES)                                          \
    }
void blob_upload_deinit(struct blob_upload *upload);

/* POST; nothing is there yet. */
bool blob_upload_open(struct blob_upload *upload, struct cancel *cancel,
                      struct error *err) MUST_CHECK;

/* The same, but the registry is asked to take the blob from a repository of its own; *mounted if it
 * did. Where it refuses to, an upload is opened as ever. */
bool blob_upload_mount(struct blob_upload *upload, const char *from, bool *mounted,
                       struct cancel *cancel, struct error *err) MUST_CHECK;

/* PATCH: the bytes from `offset` to `end`, which `source` gives. */
bool blob_upload_send(struct blob_upload *upload, const struct registry_source *source,
                      uint64_t end, struct cancel *cancel, struct error *err) MUST_CHECK;

/* GET: finds out the place and `offset` anew. */
bool blob_upload_ask(struct blob_upload *upload, struct cancel *cancel,
                     struct error *err) MUST_CHECK;

/* PUT: the whole blob from `source`, or what was sent before (NULL), becomes a blob. */
bool blob_upload_finish(struct blob_upload *upload, const struct registry_source *source,
                        struct cancel *cancel, struct error *err) MUST_CHECK;

/* DELETE: as well as it can be done in a moment; what fails here has failed before. */
void blob_upload_take_back(struct blob_upload *upload, bool in_haste);

/* The registry's word for what it has stored, where it gives one. */
bool registry_check_stored(const struct registry_call *call, const struct http_response *response,
                           const char *digest, struct error *err) MUST_CHECK;

#endif
