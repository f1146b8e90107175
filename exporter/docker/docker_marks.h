/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marks in the Docker engine that name an image to clean up. A probe sets its mark before a pull
 * and clears it after the clean-up, so the next start finds the leftovers of a crash.
 *
 * A pulled image cannot carry a label of the exporter, but a volume can: a mark is an empty volume
 * with the name of the probe. No container mounts it.
 */
#pragma once

#include "docker/docker.h"

#include "base/arena.h"

struct docker_mark {
    const char *volume; /* its name */
    const char *image;  /* the name to remove; did not exist before the pull */
    const char
        *spared; /* ids of images to keep, separated by ",": removing the name would delete them */
    int64_t expires; /* unix time after which any probe may clean up */
};

struct docker_marks {
    struct docker_mark *items;
    size_t count;
};

bool docker_marks_list(struct docker_client *client, struct arena *arena,
                       struct docker_marks *marks, struct cancel *cancel,
                       struct error *err) MUST_CHECK;

bool docker_mark_set(struct docker_client *client, const struct docker_mark *mark,
                     struct cancel *cancel, struct error *err) MUST_CHECK;

/* Returns true if the mark does not exist. */
bool docker_mark_clear(struct docker_client *client, const char *volume, struct cancel *cancel,
                       struct error *err) MUST_CHECK;
