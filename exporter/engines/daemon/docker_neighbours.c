/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/daemon/docker_neighbours.h"

#include "base/clock.h"
#include "containerd/namespaces.h"
#include "docker/docker_images.h"
#include "docker/docker_marks.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define STEP_NS           (50 * NS_PER_MS)
#define ONE_SHOT_MARK     "--visitor" /* the end of the mark of a one-shot process */
#define MARKS_LIMIT_BYTES ((size_t)8 << 20)

bool docker_name_is_probes(const struct engine_request *request, const char *name,
                           struct reference *parsed, struct arena *arena)
{
    const struct reference *own = &request->reference;
    struct error ignored; /* for example "<none>:<none>" */

    return reference_parse(parsed, name, arena, &ignored) && strcmp(parsed->host, own->host) == 0 &&
           strcmp(parsed->repository, own->repository) == 0;
}

/* Whether `id` is in a list joined by ",". */
static bool is_spared(const char *spared, const char *id)
{
    size_t size = strlen(id);

    for (const char *at = strstr(spared, id); at; at = strstr(at + 1, id))
        if (at[size] == ',' || at[size] == '\0')
            return true;
    return false;
}

/* Removes the leftover of an interrupted run. If Docker refuses to remove the image, another
 * client uses it by now. */
static bool remove_leftover(const struct docker_neighbours *neighbours,
                            const struct docker_mark *mark, struct cancel *cancel,
                            struct error *err)
{
    struct docker_image image;
    bool found = false;

    if (mark->image[0] && !docker_image_find(neighbours->client, mark->image, neighbours->arena,
                                             &image, &found, cancel, err))
        return false;
    if (found && !is_spared(mark->spared, image.id) &&
        !docker_image_remove(neighbours->client, mark->image, cancel, err) &&
        !error_is_expected(err, STATUS_HTTP, ANY_STATUS))
        return false;
    return docker_mark_clear(neighbours->client, mark->volume, cancel, err);
}

/* *any: other probes have marks. */
static bool sweep(const struct docker_neighbours *neighbours, bool *any, struct cancel *cancel,
                  struct error *err)
{
    int64_t now = (int64_t)time(NULL);
    struct docker_marks marks;

    *any = false;
    if (!docker_marks_list(neighbours->client, neighbours->arena, &marks, cancel, err))
        return error_is_expected(err, STATUS_HTTP,
                                 ANY_STATUS); /* this Docker engine has no volumes */
    for (size_t i = 0; i < marks.count; i++) {
        const struct docker_mark *mark = &marks.items[i];

        if (strcmp(mark->volume, neighbours->volume) != 0 && mark->expires > now) {
            *any = true;
            continue;
        }
        if (!remove_leftover(neighbours, mark, cancel, err))
            return error_wrap(err, "leftovers of %s", mark->image);
    }
    return true;
}

static bool is_one_shot(const char *volume)
{
    size_t size = strlen(volume), end = strlen(ONE_SHOT_MARK);

    return size > end && strcmp(volume + size - end, ONE_SHOT_MARK) == 0;
}

/* *any: another process probes the same repository. Probes of this process use named locks, and
 * their marks may be leftovers of a crash. */
static bool find_neighbours(const struct docker_neighbours *neighbours, bool *any,
                            struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(MARKS_LIMIT_BYTES);
    int64_t now = (int64_t)time(NULL);
    struct docker_marks marks;
    struct reference parsed;

    *any = false;
    if (!docker_marks_list(neighbours->client, &arena, &marks, cancel, err))
        return error_is_expected(err, STATUS_HTTP,
                                 ANY_STATUS); /* this Docker engine has no volumes */
    for (size_t i = 0; i < marks.count; i++) {
        const struct docker_mark *mark = &marks.items[i];

        *any = *any || (strcmp(mark->volume, neighbours->volume) != 0 &&
                        (neighbours->request->one_shot || is_one_shot(mark->volume)) &&
                        mark->expires - LEFTOVER_SECONDS > now &&
                        docker_name_is_probes(neighbours->request, mark->image, &parsed, &arena));
    }
    return true;
}

static bool wait_for_neighbours(const struct docker_neighbours *neighbours, struct cancel *cancel,
                                struct error *err)
{
    const struct timespec pause = clock_timespec(STEP_NS);
    bool any;

    for (bool waits = false;; waits = true) {
        if (!cancel_check(cancel, err) || !find_neighbours(neighbours, &any, cancel, err))
            return waits && error_wrap(err, "waiting for another process that probes the same "
                                            "repository");
        if (!any)
            return true;
        nanosleep(&pause, NULL);
    }
}

/* The lock covers the repository: Docker removes its tags and digests together, and its images
 * share layers. */
static const char *repository_name(const struct reference *reference, struct arena *arena)
{
    size_t size = strlen(reference->host) + strlen(reference->repository) + 2;
    char *name = arena_alloc(arena, size);

    if (name)
        snprintf(name, size, "%s/%s", reference->host, reference->repository);
    return name;
}

bool docker_neighbours_begin(struct docker_neighbours *neighbours,
                             const struct engine_request *request, struct docker_client *client,
                             struct arena *arena, struct cancel *cancel, struct error *err)
{
    bool any;

    *neighbours = (struct docker_neighbours){.request = request, .client = client, .arena = arena};
    snprintf(neighbours->volume, sizeof(neighbours->volume), PROBE_NAMESPACE_PREFIX "%s%s",
             request->name, request->one_shot ? ONE_SHOT_MARK : "");
    neighbours->lock.name = repository_name(&request->reference, arena);
    return arena_ok(arena, err) &&
           named_lock_acquire(docker_locks(request->docker), &neighbours->lock, cancel, err) &&
           sweep(neighbours, &any, cancel, err) &&
           (!any || wait_for_neighbours(neighbours, cancel, err));
}

void docker_neighbours_end(struct docker_neighbours *neighbours)
{
    named_lock_release(&neighbours->lock);
}
