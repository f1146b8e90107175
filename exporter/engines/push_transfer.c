/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Push, engine "transfer": containerd sends by its transfer service, as for `ctr images push`.
 *
 * The image is in the probe's own namespace: a generated image, or one platform's manifest of an
 * image that another namespace has and shares. So an incomplete index does no harm. The shared
 * blobs carry no label with their source, so the registry mounts none unless the configuration
 * asks for it.
 *
 * The daemon reports each blob that it sends, at its end or on the way.
 */
#include "base/clock.h"
#include "containerd/images.h"
#include "engines/daemon/transfer_session.h"
#include "engines/image/daemon_image.h"
#include "engines/image/generated_image_store.h"
#include "engines/image/upload.h"

/* If no event shows the begin of the manifest, "upload" includes the commit. */
static void report_phases(struct transfer_session *push)
{
    double *phases = push->result->phase_seconds;
    int64_t commit_ns = push->progress.commit_from_ns;
    bool seen = commit_ns != 0 && commit_ns < push->ended_ns;

    phases[PHASE_UPLOAD] = ns_to_seconds((seen ? commit_ns : push->ended_ns) - push->start_ns);
    if (seen)
        phases[PHASE_COMMIT] = ns_to_seconds(push->ended_ns - commit_ns);
}

static bool transfer(struct transfer_session *push, const struct descriptor *target,
                     struct error *err)
{
    const struct image_record record = {.name = push->request->reference.name, .target = *target};
    struct transfer what = transfer_session_request(push);
    bool ok;

    what.all_platforms = true; /* all that the target names */
    progress_phase(push->request->progress, engine_phase_name(PHASE_UPLOAD));
    if (!arena_ok(&push->arena, err) ||
        !images_create(&push->workspace.scope, &record, push->cancel, err))
        return false;
    engine_report_push_host(push->request, push->result);
    push->start_ns = clock_now_ns();
    ok = transfer_push(&push->workspace.scope, &what, &push->ended_ns, push->cancel, err);
    report_phases(push);
    push->result->traffic.uploaded_bytes = transfer_progress_sent_bytes(&push->progress);
    push->result->cached_bytes = transfer_progress_known_bytes(&push->progress);
    return ok;
}

static bool push_generated(struct transfer_session *push, struct error *err)
{
    const struct engine_request *request = push->request;
    CLEANUP(generated_image_deinit) struct generated_image image = {0};

    if (!generated_image_init(&image, &request->push.content, &request->platform.accepted[0],
                              push->cancel, err))
        return false;
    generated_image_report(&image, push->result);
    upload_record_generated(request, &image); /* the daemon reports later which of them it sends */
    return workspace_open(&push->workspace, request, push->cancel, err) &&
           generated_image_store(&push->workspace, &image, push->cancel, err) &&
           transfer(push, &image.root, err);
}

static bool push_daemon_image(struct transfer_session *push, struct error *err)
{
    const struct engine_request *request = push->request;
    CLEANUP(daemon_image_deinit) struct daemon_image image = {0};

    if (!daemon_image_find(&image, request, push->cancel, err))
        return false;
    daemon_image_report(&image, push->result);
    for (size_t i = 0; i < image.manifest.n_children; i++)
        transfer_progress_expect(&push->progress, image.manifest.children[i].digest);
    return workspace_open(&push->workspace, request, push->cancel, err) &&
           daemon_image_share(&image, &push->workspace, request, push->cancel, err) &&
           transfer(push, &image.descriptor, err);
}

static bool push_image(struct transfer_session *push, struct error *err)
{
    return *push->request->push.content.image ? push_daemon_image(push, err)
                                              : push_generated(push, err);
}

static bool run(const struct engine_request *request, struct engine_result *result,
                struct cancel *cancel, struct error *err)
{
    return transfer_session_run(request, result, cancel, err, push_image);
}

const struct engine push_transfer_engine = {
    .operation = "push",
    .name = "transfer",
    .abilities = ENGINE_PLATFORM | ENGINE_MOUNT | ENGINE_TYPES | ENGINE_DAEMON_IMAGE |
                 ENGINE_NAMESPACE | ENGINE_SEES_HOST | ENGINE_SEES_MANIFEST,
    .offered = transfer_session_offered,
    .identify = daemon_image_identify,
    .run = run,
};
