/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What pushes have in common where the exporter itself sends: blobs several at a time, then the
 * manifests; who owns the tag before, and what is removed from the registry after.
 */
#ifndef ENGINES_IMAGE_UPLOAD_H
#define ENGINES_IMAGE_UPLOAD_H

#include "engines/image/generated_image.h"

/* Opens the body of one blob, by any of several threads: fills *source, whose arg lives until
 * close(). `arg` is the plan's. */
typedef bool upload_open(void *arg, const struct descriptor *blob, struct registry_source *source,
                         struct error *err);
typedef void upload_close(struct registry_source *source);

struct upload_document {
    struct descriptor descriptor;
    const struct buf *body;
};

struct upload_plan {
    struct registry *registry;
    const struct descriptor *const *blobs; /* layers and configurations */
    size_t n_blobs;
    struct upload_document documents[2]; /* children first; the last one gets the tag */
    size_t n_documents;
    upload_open *open;
    upload_close *close;
    void *arg;
};

/* Blobs and documents of an image that was made. `blobs` is the plan's memory for them. */
void upload_plan_generated(struct upload_plan *plan, const struct generated_image *image,
                           const struct descriptor *blobs[GENERATED_LAYERS_MAX + 1]);

/* PHASE_UPLOAD and PHASE_COMMIT, traffic, host. Blobs that the registry had are in
 * result->cached_bytes; those that it had not are in request->sent. */
bool upload_image(const struct upload_plan *plan, const struct engine_request *request,
                  struct engine_result *result, struct cancel *cancel,
                  struct error *err) MUST_CHECK;

/* What a push brings into the registry, for who removes it again: also one that fails. */
#define UPLOAD_SENT_MAX ((size_t)132)

struct upload_sent {
    char digests[UPLOAD_SENT_MAX][DIGEST_TEXT_BYTES]; /* of blobs that it did not have */
    size_t count;                                     /* may be more than there is room for */
};

/* Notes its blobs in request->sent, where there is one. Not for several threads. */
void upload_record_generated(const struct engine_request *request,
                             const struct generated_image *image);

#endif
