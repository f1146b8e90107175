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
#include "containerd/transfer/transfer_progress.h"
#include "engines/daemon/transfer_session.h"
#include "engines/image/daemon_image.h"
#include "engines/image/generated_image_store.h"
#include "engines/image/upload.h"

#include <stdio.h>

#define ARENA_LIMIT_BYTES ((size_t)4 << 20)

struct push {
    const struct engine_request *request;
    struct engine_result *result;
    struct transfer_session daemon;
    struct workspace workspace;
    struct arena arena;
    struct transfer_progress progress;
    int64_t start_ns, ended_ns; /* of the daemon's work */
    struct cancel *cancel;
};

static void on_progress(void *arg, const struct transfer_event *event)
{
    transfer_progress_add(&((struct push *)arg)->progress, event);
}

static void report_host(struct push *push)
{
    const struct host_list *hosts = push->request->hosts;

    for (size_t i = 0; hosts && i < hosts->count; i++)
        if (hosts->items[i].capabilities & HOST_PUSH) {
            snprintf(push->result->host, sizeof(push->result->host), "%s",
                     hosts->items[i].authority);
            return;
        }
}

/* If no event shows the begin of the manifest, "upload" includes the commit. */
static void report_phases(struct push *push)
{
    double *phases = push->result->phase_seconds;
    int64_t commit_ns = push->progress.commit_from_ns;
    bool seen = commit_ns != 0 && commit_ns < push->ended_ns;

    phases[PHASE_UPLOAD] = ns_to_seconds((seen ? commit_ns : push->ended_ns) - push->start_ns);
    if (seen)
        phases[PHASE_COMMIT] = ns_to_seconds(push->ended_ns - commit_ns);
}

static bool transfer(struct push *push, const struct descriptor *target, struct error *err)
{
    const struct image_record record = {.name = push->request->reference.name, .target = *target};
    struct transfer what = transfer_of_request(push->request, &push->arena);
    bool ok;

    what.all_platforms = true; /* all that the target names */
    push->progress.report = push->request->progress;
    progress_phase(push->request->progress, engine_phase_name(PHASE_UPLOAD));
    what.progress = on_progress;
    what.arg = push;
    if (!arena_ok(&push->arena, err) ||
        !images_create(&push->workspace.scope, &record, push->cancel, err))
        return false;
    report_host(push);
    push->start_ns = clock_now_ns();
    ok = transfer_push(&push->workspace.scope, &what, &push->ended_ns, push->cancel, err);
    report_phases(push);
    push->result->traffic.uploaded_bytes = transfer_progress_sent_bytes(&push->progress);
    push->result->cached_bytes = transfer_progress_known_bytes(&push->progress);
    return ok;
}

static bool push_generated(struct push *push, struct error *err)
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

static bool push_daemon_image(struct push *push, struct error *err)
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

static bool push_image(struct push *push, struct error *err)
{
    const char *image = push->request->push.content.image;

    if (!transfer_session_init(&push->daemon, push->request, &push->arena, push->cancel, err))
        return false;
    return image && *image ? push_daemon_image(push, err) : push_generated(push, err);
}

static bool run(const struct engine_request *request, struct engine_result *result,
                struct cancel *cancel, struct error *err)
{
    struct push push = {
        .request = request,
        .result = result,
        .arena = ARENA_INIT(ARENA_LIMIT_BYTES),
        .progress = TRANSFER_PROGRESS_INIT,
        .start_ns = clock_now_ns(),
        .cancel = cancel,
    };
    bool ok = push_image(&push, err);

    result->seconds =
        seconds_between(push.start_ns, push.ended_ns ? push.ended_ns : clock_now_ns());
    workspace_close(&push.workspace, cancel, result);
    transfer_progress_deinit(&push.progress);
    arena_deinit(&push.arena);
    return ok;
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
