/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What containerd tells the kubelet: its conditions, its images, and the sandbox image without
 * which no pod starts. Nothing where the daemon has no CRI.
 */
#include "containerd/cri/cri.h"
#include "collector/collector.h"
#include "collector/node.h"

#define ARENA_LIMIT_BYTES ((size_t)64 << 20) /* the images of k8s.io */

enum {
    CONDITION,
    IMAGES,
    IMAGE_BYTES,
    PINNED_IMAGES,
    SANDBOX_INFO,
    SANDBOX_PRESENT,
    SANDBOX_PINNED,
};

static const struct metric_family families[] = {
    [CONDITION] = {METRIC_GAUGE,
                   "containerd_cri_condition",
                   "Whether a condition holds, as CRI's status tells the kubelet: RuntimeReady, "
                   "NetworkReady and what else it has. Asked on a schedule.",
                   {"type"},
                   .query = "containerd_cri_condition == 0"},
    [IMAGES] = {METRIC_GAUGE, "containerd_cri_images",
                "Images that CRI knows, each once whatever its names. Listed on a schedule."},
    [IMAGE_BYTES] = {METRIC_GAUGE, "containerd_cri_image_bytes",
                     "Size of the images that CRI knows, as it tells the kubelet; layers that "
                     "images share count in each. Listed on a schedule."},
    [PINNED_IMAGES] = {METRIC_GAUGE, "containerd_cri_pinned_images",
                       "Images that the kubelet's garbage collection leaves alone, as CRI tells; "
                       "old daemons (1.6.20) pin none. Listed on a schedule."},
    [SANDBOX_INFO] = {METRIC_INFO,
                      "containerd_cri_sandbox_image_info",
                      "The image that every pod starts from; always 1. Asked on a schedule.",
                      {"image"}},
    [SANDBOX_PRESENT] = {METRIC_GAUGE, "containerd_cri_sandbox_image_present",
                         "Whether the sandbox image is on this machine. Asked on a schedule."},
    [SANDBOX_PINNED] = {METRIC_GAUGE, "containerd_cri_sandbox_image_pinned",
                        "Whether the sandbox image is pinned. Asked on a schedule."},
    {0},
};

struct cri_state {
    struct containerd *containerd;
};

static bool open_job(void *state, const struct job_context *context, struct error *err)
{
    (void)err;
    ((struct cri_state *)state)->containerd = context->node->containerd;
    return true;
}

static void add_images(const struct cri_images *images, struct snapshot *out)
{
    double bytes = 0, pinned = 0;

    for (size_t i = 0; i < images->count; i++) {
        bytes += (double)images->items[i].bytes;
        pinned += images->items[i].pinned;
    }
    snapshot_add(out, IMAGES, (double)images->count);
    snapshot_add(out, IMAGE_BYTES, bytes);
    snapshot_add(out, PINNED_IMAGES, pinned);
}

static bool add_sandbox(const struct cri_state *job, const char *image, struct run *run,
                        struct error *err)
{
    struct cri_presence presence;

    snapshot_add(run->out, SANDBOX_INFO, 1, image);
    if (!cri_presence(job->containerd, image, &presence, run->cancel, err))
        return false;
    snapshot_add(run->out, SANDBOX_PRESENT, presence.present);
    snapshot_add(run->out, SANDBOX_PINNED, presence.pinned);
    return true;
}

static bool run(void *state, struct run *run, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    const struct cri_state *job = state;
    struct cri_status status;
    struct cri_images images;
    const char *sandbox;

    if (!cri_status(job->containerd, &arena, &status, run->cancel, err))
        return error_is_expected(err, STATUS_GRPC, RPC_UNIMPLEMENTED);
    for (size_t i = 0; i < status.count; i++)
        snapshot_add(run->out, CONDITION, status.conditions[i].met, status.conditions[i].type);
    if (!cri_images(job->containerd, &arena, &images, run->cancel, err))
        return false;
    add_images(&images, run->out);
    if (!cri_sandbox_image(job->containerd, &status, &images, &arena, &sandbox, run->cancel, err))
        return false;
    return !sandbox || add_sandbox(job, sandbox, run, err);
}

const struct collector cri_collector = {
    .name = "cri",
    .help = "Conditions, images and sandbox image of CRI.",
    .families = families,
    .state_size = sizeof(struct cri_state),
    .lane = LANE_INVENTORY,
    .interval = "60s",
    .timeout = "10s",
    .open = open_job,
    .run = run,
};
