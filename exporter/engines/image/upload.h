/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The upload of an image by the exporter itself: several blobs at a time, then the manifests.
 */
#pragma once

#include "engines/image/generated_image.h"
#include "registry/registry_push.h"

/* Opens the body of one blob: fills *source, whose arg must live until upload_close. Must be
 * thread-safe. `arg` is that of the plan. */
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

/* Plans blobs and documents of a generated image. The caller owns `blobs`, which the plan uses. */
void upload_plan_generated(struct upload_plan *plan, const struct generated_image *image,
                           const struct descriptor *blobs[GENERATED_LAYERS_MAX + 1]);

/* Uploads and measures PHASE_UPLOAD and PHASE_COMMIT. Fills traffic and host of *result. Counts
 * blobs that the registry already had in result->cached_bytes and records the others in
 * request->sent. */
bool upload_image(const struct upload_plan *plan, const struct engine_request *request,
                  struct engine_result *result, struct cancel *cancel,
                  struct error *err) MUST_CHECK;

/* The blobs that a push has sent, for its clean-up. */
#define UPLOAD_SENT_MAX ((size_t)132)

struct upload_sent {
    char digests[UPLOAD_SENT_MAX][DIGEST_TEXT_BYTES]; /* of blobs that the registry did not have */
    size_t count;                                     /* may exceed UPLOAD_SENT_MAX */
};

/* Records all blobs of the image in request->sent, if there is one. Not thread-safe. */
void upload_record_generated(const struct engine_request *request,
                             const struct generated_image *image);
