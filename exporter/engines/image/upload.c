/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/image/upload.h"

#include "base/clock.h"
#include "engines/image/parallel_blobs.h"
#include "registry/registry_blob.h"

#include <stdio.h>
#include <string.h>

struct upload {
    const struct upload_plan *plan;
    const struct engine_request *request;
    pthread_mutex_t lock; /* protects what follows */
    struct engine_result *result;
};

void upload_plan_generated(struct upload_plan *plan, const struct generated_image *image,
                           const struct descriptor *blobs[GENERATED_LAYERS_MAX + 1])
{
    plan->blobs = blobs;
    plan->n_blobs = plan->n_documents = 0;
    for (size_t i = 0; i < image->n_layers; i++)
        blobs[plan->n_blobs++] = &image->layers[i];
    blobs[plan->n_blobs++] = &image->config;
    plan->documents[plan->n_documents++] =
        (struct upload_document){image->manifest, &image->manifest_body};
    if (image->index_body.size > 0)
        plan->documents[plan->n_documents++] =
            (struct upload_document){image->root, &image->index_body};
}

static void record_digest(const struct engine_request *request, const char *digest)
{
    struct upload_sent *sent = request->sent;

    if (!sent)
        return;
    if (sent->count < UPLOAD_SENT_MAX)
        snprintf(sent->digests[sent->count], DIGEST_TEXT_BYTES, "%s", digest);
    sent->count++;
}

void upload_record_generated(const struct engine_request *request,
                             const struct generated_image *image)
{
    for (size_t i = 0; i < image->n_layers; i++)
        record_digest(request, image->layers[i].digest);
    record_digest(request, image->config.digest);
}

/* Records the blob before it is sent: a failed upload may have stored it. */
static void record_sent(struct upload *upload, const struct descriptor *blob)
{
    LOCK_SCOPE(&upload->lock);

    record_digest(upload->request, blob->digest);
}

static void record_cached(struct upload *upload, const struct descriptor *blob)
{
    LOCK_SCOPE(&upload->lock);

    upload->result->cached_bytes += (uint64_t)blob->size;
    progress_moved(upload->request->progress, (uint64_t)blob->size);
    progress_note(upload->request->progress, "the registry already has %.19s", blob->digest);
}

static bool send_blob(const struct upload *upload, struct registry *registry,
                      const struct descriptor *blob, bool *mounted, struct cancel *cancel,
                      struct error *err)
{
    const struct push_request *push = &upload->request->push;
    const struct registry_upload how = {
        .chunk_bytes = push->chunk_bytes,
        .mount_from = push->mount_from && *push->mount_from ? push->mount_from : NULL,
    };
    struct registry_source source;
    bool ok;

    if (!upload->plan->open(upload->plan->arg, blob, &source, err))
        return false;
    ok = registry_push_blob(registry, blob, &source, &how, mounted, cancel, err);
    upload->plan->close(&source);
    return ok;
}

static bool bring_blob(void *arg, struct registry *registry, const struct descriptor *blob,
                       struct cancel *cancel, struct error *err)
{
    struct upload *upload = arg;
    bool exists, mounted = false;

    if (!registry_blob_exists(registry, blob, &exists, cancel, err))
        return false;
    if (!exists) {
        record_sent(upload, blob);
        if (!send_blob(upload, registry, blob, &mounted, cancel, err))
            return false;
    }
    if (exists || mounted)
        record_cached(upload, blob);
    return true;
}

static bool bring_blobs(struct upload *upload, struct cancel *cancel, struct error *err)
{
    ENGINE_PHASE(upload->result, PHASE_UPLOAD);
    const struct parallel_blobs_plan plan = {
        .registry = upload->plan->registry,
        .blobs = upload->plan->blobs,
        .count = upload->plan->n_blobs,
        .at_once = upload->request->max_concurrent_downloads,
        .fetch = bring_blob,
        .arg = upload,
        .progress = upload->request->progress,
    };

    return parallel_blobs_run(&plan, cancel, err);
}

/* Only the root gets the tag; the other documents are put by digest. */
static bool commit(const struct upload *upload, struct cancel *cancel, struct error *err)
{
    ENGINE_PHASE(upload->result, PHASE_COMMIT);
    const struct upload_plan *plan = upload->plan;

    for (size_t i = 0; i < plan->n_documents; i++) {
        const struct upload_document *document = &plan->documents[i];
        const char *object = i + 1 == plan->n_documents
                                 ? reference_object(&upload->request->reference)
                                 : document->descriptor.digest;

        if (!registry_push_manifest(plan->registry, object, &document->descriptor, document->body,
                                    cancel, err))
            return false;
    }
    return true;
}

bool upload_image(const struct upload_plan *plan, const struct engine_request *request,
                  struct engine_result *result, struct cancel *cancel, struct error *err)
{
    struct upload upload = {
        .plan = plan,
        .request = request,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .result = result,
    };
    int64_t start_ns = clock_now_ns();
    bool ok;

    engine_report_push_host(request, result);
    for (size_t i = 0; i < plan->n_blobs; i++)
        progress_expect(request->progress, (uint64_t)plan->blobs[i]->size);
    ok = bring_blobs(&upload, cancel, err) && commit(&upload, cancel, err);
    result->seconds = ns_to_seconds(clock_now_ns() - start_ns);
    result->traffic = *registry_traffic(plan->registry);
    return ok;
}
