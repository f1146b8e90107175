/* SPDX-License-Identifier: Apache-2.0 */
/* The Docker engine, if one is configured: whether it answers, its version, its images. */

#include "collector/collector.h"
#include "collector/node.h"
#include "docker/docker_images.h"

#define ARENA_LIMIT_BYTES ((size_t)32 << 20)

enum {
    UP,
    INFO,
    IMAGES,
};

static const struct metric_family families[] = {
    [UP] = {METRIC_GAUGE, "docker_engine_up",
            "Whether the Docker engine answers on its socket; absent if none is configured. "
            "Asked on a schedule."},
    [INFO] = {METRIC_INFO,
              "docker_engine_info",
              "Version of the Docker engine that answers; always 1.",
              {"version"}},
    [IMAGES] = {METRIC_GAUGE, "docker_engine_images",
                "Images of the Docker engine, as docker images lists them. Asked on a schedule."},
    {0},
};

static bool ask(struct docker *docker, struct run *run, struct error *err)
{
    CLEANUP(docker_client_freep)
    struct docker_client *client = docker_connect(docker, run->cancel, err);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct docker_images images;

    snapshot_add(run->out, UP, client != NULL);
    if (!client)
        return false;
    snapshot_add(run->out, INFO, 1, docker_version(client));
    if (!docker_images_list(client, false, &arena, &images, run->cancel, err))
        return false;
    snapshot_add(run->out, IMAGES, (double)images.count);
    return true;
}

static bool run(void *state, struct run *run, struct error *err)
{
    (void)state;
    return !run->node->docker || ask(run->node->docker, run, err);
}

const struct collector docker_collector = {
    .name = "docker",
    .help = "The Docker engine, if docker.address is configured: up, version, images.",
    .families = families,
    .lane = LANE_INVENTORY,
    .interval = "15s",
    .timeout = "5s",
    .reports_runtime = true,
    .run = run,
};
