/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view of the kubelet: conditions of the runtime, images of CRI, and the sandbox image that
 * every pod needs. No samples if the daemon does not serve CRI.
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
                   "Whether a condition of CRI's status is true: RuntimeReady, NetworkReady and "
                   "others. Asked on a schedule.",
                   {"type"},
                   .query = "containerd_cri_condition == 0"},
    [IMAGES] =
        {METRIC_GAUGE, "containerd_cri_images",
         "Images that CRI lists; an image with several names counts once. Listed on a schedule."},
    [IMAGE_BYTES] =
        {METRIC_GAUGE, "containerd_cri_image_bytes",
         "Size of the images that CRI lists, as the kubelet sees it; a layer that several "
         "images share counts in each. Listed on a schedule."},
    [PINNED_IMAGES] =
        {METRIC_GAUGE, "containerd_cri_pinned_images",
         "Images that CRI marks as pinned, so that the kubelet's garbage collection keeps "
         "them; old daemons (1.6.20) pin none. Listed on a schedule."},
    [SANDBOX_INFO] = {METRIC_INFO,
                      "containerd_cri_sandbox_image_info",
                      "The sandbox (pause) image, which every pod needs; always 1. Absent if "
                      "unknown: containerd "
                      "2 does not report its configuration, so there it is the image of the newest "
                      "pod since the "
                      "daemon started. Asked on a schedule.",
                      {"image"}},
    [SANDBOX_PRESENT] = {METRIC_GAUGE, "containerd_cri_sandbox_image_present",
                         "Whether the sandbox image is on this node. Asked on a schedule."},
    [SANDBOX_PINNED] = {METRIC_GAUGE, "containerd_cri_sandbox_image_pinned",
                        "Whether the sandbox image is pinned. Asked on a schedule."},
    {0},
};

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

static bool add_sandbox(const char *image, struct run *run, struct error *err)
{
    struct cri_presence presence;

    snapshot_add(run->out, SANDBOX_INFO, 1, image);
    if (!cri_presence(run->node->containerd, image, &presence, run->cancel, err))
        return false;
    snapshot_add(run->out, SANDBOX_PRESENT, presence.present);
    snapshot_add(run->out, SANDBOX_PINNED, presence.pinned);
    return true;
}

static bool run(void *state, struct run *run, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct cri_status status;
    struct cri_images images;
    const char *sandbox;

    (void)state;
    if (!cri_status(run->node->containerd, &arena, &status, run->cancel, err))
        return error_is_expected(err, STATUS_GRPC, RPC_UNIMPLEMENTED);
    for (size_t i = 0; i < status.count; i++)
        snapshot_add(run->out, CONDITION, status.conditions[i].met, status.conditions[i].type);
    if (!cri_images(run->node->containerd, &arena, &images, run->cancel, err))
        return false;
    add_images(&images, run->out);
    if (!cri_sandbox_image(run->node->containerd, &status, &arena, &sandbox, run->cancel, err))
        return false;
    return !sandbox || add_sandbox(sandbox, run, err);
}

const struct collector cri_collector = {
    .name = "cri",
    .help = "Conditions, images and sandbox image of CRI.",
    .families = families,
    .lane = LANE_INVENTORY,
    .interval = "60s",
    .timeout = "10s",
    .run = run,
};
