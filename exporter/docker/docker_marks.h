/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marks of what must not stay: written into the Docker engine itself before a pull and taken away
 * after its clean-up, so that the next start finds what a crash has left.
 *
 * Images that are pulled cannot carry a label of ours; a volume, empty and of the same name as the
 * probe, can. It is mounted nowhere.
 */
#ifndef DOCKER_DOCKER_MARKS_H
#define DOCKER_DOCKER_MARKS_H

#include "docker/docker.h"

#include "base/arena.h"

struct docker_mark {
    const char *volume; /* its name */
    const char *image;  /* the name that was no image's before */
    const char *spared; /* ids of images that would not survive without that name, joined by "," */
    int64_t expires;    /* unix time after which anybody may clear up */
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

/* One that is not there is fine. */
bool docker_mark_clear(struct docker_client *client, const char *volume, struct cancel *cancel,
                       struct error *err) MUST_CHECK;

#endif
