/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What pushes have in common where the exporter itself sends: blobs several at a time, then the
 * manifests; who owns the tag before, and what is removed from the registry after.
 */
#ifndef ENGINES_IMAGE_UPLOAD_H
#define ENGINES_IMAGE_UPLOAD_H

#include "engines/image/generated_image.h"
#include "registry/registry_push.h"

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
void upload_plan_made(struct upload_plan *plan, const struct generated_image *image,
                      const struct descriptor *blobs[GENERATED_LAYERS_MAX + 1]);

/* A document as the body of an upload: for upload_open(). Closed by free(source->arg). */
bool upload_open_document(const struct buf *body, struct registry_source *source,
                          struct error *err) MUST_CHECK;

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
void upload_note_made(const struct engine_request *request, const struct generated_image *image);

/* Before a push, whoever sends: ERROR_INVALID where the tag holds an image that no probe made, and
 * that is neither `digest` ("": none is known yet; of the manifest or of the configuration) nor
 * request->push.last_digest, unless request->push.overwrite. Asks the host that takes pushes. */
bool upload_check_target(const struct engine_request *request, const char *digest,
                         struct cancel *cancel, struct error *err) MUST_CHECK;

/* After it, also after one that failed: removes from the registry what result->digest names,
 * manifests, then their blobs and those of request->sent, as far as it lets us. That they are ours
 * to remove, the caller knows. What remains makes cleanup_failed; blobs of a registry that deletes
 * none, but has deleted their manifest, are its own business. Part of PHASE_CLEANUP, with a
 * deadline of its own. */
void upload_remove(const struct engine_request *request, struct engine_result *result,
                   struct cancel *run_cancel);

#endif
