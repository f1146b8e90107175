/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/daemon/docker_session.h"

#include "base/clock.h"
#include "docker/docker_marks.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define CLEANUP_NS          (15 * NS_PER_SECOND)
#define CLEANUP_CANCELED_NS (NS_PER_SECOND + NS_PER_SECOND / 2) /* within the time to stop */
#define AWAIT_NS            NS_PER_SECOND
#define AWAIT_STEP_NS       (50 * NS_PER_MS)
#define NAMES_LIMIT_BYTES   ((size_t)8 << 20)  /* of one image */
#define SPARED_LIMIT_BYTES  ((size_t)64 << 10) /* some 900 ids */

struct docker_client *docker_session_connect(const struct engine_request *request,
                                             struct cancel *cancel, struct error *err)
{
    if (request->docker)
        return docker_connect(request->docker, cancel, err);
    error_set(err, ERROR_UNSUPPORTED, "no Docker socket is configured: docker: {address: ...}");
    return NULL;
}

bool docker_session_offered(const struct engine_request *request, struct cancel *cancel,
                            struct error *err)
{
    CLEANUP(docker_client_freep)
    struct docker_client *client = docker_session_connect(request, cancel, err);

    return client;
}

const struct docker_image *docker_session_before(const struct docker_session *visit, const char *id)
{
    for (size_t i = 0; i < visit->before.count; i++)
        if (strcmp(visit->before.items[i].id, id) == 0)
            return &visit->before.items[i];
    return NULL;
}

struct names {
    size_t ours, others;
};

static struct names count_names(const struct docker_session *visit,
                                const struct docker_names *names)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(NAMES_LIMIT_BYTES);
    struct names count = {0, 0};
    struct reference parsed;
    struct error ignored; /* "<none>:<none>" is no name */

    for (size_t i = 0; i < names->count; i++) {
        if (docker_name_is_probes(visit->request, names->items[i], &parsed, &arena))
            count.ours++;
        else
            count.others += reference_parse(&parsed, names->items[i], &arena, &ignored);
    }
    return count;
}

/* With the last tag of a repository Docker removes its digests, and with the last name the image.
 */
bool docker_session_leftovers(const struct docker_session *visit, const struct docker_image *before)
{
    struct names tags = count_names(visit, &before->tags);
    struct names digests = count_names(visit, &before->digests);

    if (visit->request->reference.digest)
        return tags.ours + tags.others + digests.ours + digests.others > 0;
    return tags.ours > 0 || (digests.ours == 0 && tags.others + digests.others > 0);
}

bool docker_session_begin(struct docker_session *visit, const struct engine_request *request,
                          struct docker_client *client, struct arena *arena, struct cancel *cancel,
                          struct error *err)
{
    struct docker_image image;

    *visit = (struct docker_session){.request = request, .client = client, .arena = arena};
    visit->name = docker_image_name(&request->reference, arena);
    return arena_ok(arena, err) &&
           docker_neighbours_begin(&visit->others, request, client, arena, cancel, err) &&
           docker_images_list(client, true, arena, &visit->before, cancel, err) &&
           docker_image_find(client, visit->name, arena, &image, &visit->was_there, cancel, err);
}

static bool has_no_name(const struct docker_image *image)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(NAMES_LIMIT_BYTES);
    struct reference parsed;
    struct error ignored; /* "<none>:<none>" */

    for (size_t i = 0; i < image->tags.count; i++)
        if (reference_parse(&parsed, image->tags.items[i], &arena, &ignored))
            return false;
    return true;
}

/* A load that we did not see the end of may have given our name to its image. */
bool docker_session_claim(struct docker_session *visit, struct cancel *cancel, struct error *err)
{
    struct docker_image image;
    bool found;

    visit->loads = true;
    if (!visit->was_there)
        return true;
    if (!docker_image_find(visit->client, visit->name, visit->arena, &image, &found, cancel, err))
        return false;
    if (found && image.is_generated &&
        !docker_image_remove(visit->client, visit->name, cancel, err))
        return false;
    visit->was_there = found && !image.is_generated;
    return true;
}

/* Such images, where another load came after theirs, have lost the name again. What is just being
 * loaded has none yet: so only those go that had none when the visit began, either. */
static void sweep_nameless(struct docker_session *visit, struct cancel *cancel)
{
    struct docker_image image;
    struct error ignored; /* the next visit tries again */
    bool found;

    for (size_t i = 0; i < visit->before.count; i++) {
        const struct docker_image *old = &visit->before.items[i];

        if (!old->is_generated || !has_no_name(old))
            continue;
        if (!docker_image_find(visit->client, old->id, visit->arena, &image, &found, cancel,
                               &ignored))
            return;
        if (found && has_no_name(&image))
            (void)!docker_image_remove(visit->client, old->id, cancel, &ignored);
    }
}

/* The answer did not come: the mark may be there all the same, with nothing to mark. */
static void take_mark_back(struct docker_session *visit)
{
    struct cancel cancel;
    struct error ignored; /* then the next start takes it away */

    cancel_init(&cancel, clock_now_ns() + CLEANUP_CANCELED_NS);
    (void)!docker_mark_clear(visit->client, visit->others.volume, &cancel, &ignored);
    cancel_deinit(&cancel);
}

bool docker_session_mark(struct docker_session *visit, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf spared = BUF_INIT(SPARED_LIMIT_BYTES);
    struct docker_mark mark = {visit->others.volume, visit->name, "",
                               (int64_t)time(NULL) + visit->request->lifetime_seconds};
    struct error too_many;

    for (size_t i = 0; i < visit->before.count; i++)
        if (!docker_session_leftovers(visit, &visit->before.items[i]))
            buf_printf(&spared, "%s%s", spared.size > 0 ? "," : "", visit->before.items[i].id);
    if (!buf_ok(&spared, &too_many))
        return true; /* no mark, rather than one that could cost somebody an image */
    mark.spared = spared.data ? spared.data : "";
    visit->marked = docker_mark_set(visit->client, &mark, cancel, err);
    if (!visit->marked && err->status_kind == STATUS_NONE)
        take_mark_back(visit);
    return visit->marked || error_is_expected(err, STATUS_HTTP, ANY_STATUS);
}

/* The digest that came with our tag, beside a tag of the same repository that was there. */
static bool remove_digest(struct docker_session *visit, const struct docker_image *old,
                          const struct docker_image *now, struct cancel *cancel, struct error *err)
{
    struct reference parsed;

    for (size_t i = 0; i < now->digests.count; i++) {
        bool is_old = false;

        for (size_t k = 0; k < old->digests.count; k++)
            is_old |= strcmp(old->digests.items[k], now->digests.items[i]) == 0;
        if (!is_old &&
            docker_name_is_probes(visit->request, now->digests.items[i], &parsed, visit->arena) &&
            !docker_image_remove(visit->client, now->digests.items[i], cancel, err))
            return false;
    }
    return true;
}

static bool remove_name(struct docker_session *visit, struct cancel *cancel, struct error *err)
{
    const struct docker_image *old;
    struct docker_image now;
    bool found;

    if (!docker_image_find(visit->client, visit->name, visit->arena, &now, &found, cancel, err))
        return false;
    if (!found)
        return true;
    old = docker_session_before(visit, now.id);
    if (visit->was_there)
        return !old || remove_digest(visit, old, &now, cancel, err);
    if (old && !docker_session_leftovers(visit, old))
        return error_set(err, ERROR_RUNTIME,
                         "the image was there before without this name; the name stays, since "
                         "Docker would remove more with it");
    return docker_image_remove(visit->client, visit->name, cancel, err) &&
           (!old || remove_digest(visit, old, &now, cancel, err));
}

/* Until the image is there that nobody waits for any more, but not long. */
static void await_name(struct docker_session *visit, struct cancel *cancel)
{
    const struct timespec pause = {.tv_nsec = AWAIT_STEP_NS};
    int64_t end_ns = clock_now_ns() + AWAIT_NS;
    struct docker_image image;
    struct error ignored; /* the removal tells */
    bool found = false;

    while (!found && clock_now_ns() < end_ns &&
           docker_image_find(visit->client, visit->name, visit->arena, &image, &found, cancel,
                             &ignored))
        if (!found)
            nanosleep(&pause, NULL);
    visit->unsettled = !found;
}

bool docker_session_existed(const struct docker_session *visit, const struct docker_stream *stream,
                            bool highest_first, uint64_t *bytes, struct cancel *cancel,
                            struct error *err)
{
    uint64_t sizes[DOCKER_LAYERS_MAX];
    size_t count;

    *bytes = 0;
    for (size_t i = 0; i < stream->n_layers; i++)
        *bytes += stream->layers[i].existed;
    if (*bytes == 0)
        return true;
    if (!docker_image_layers(visit->client, visit->name, sizes, DOCKER_LAYERS_MAX, &count, cancel,
                             err))
        return false;
    if (count != stream->n_layers)
        return true;
    *bytes = 0;
    for (size_t i = 0; i < count; i++)
        if (stream->layers[highest_first ? count - 1 - i : i].existed)
            *bytes += sizes[i];
    return true;
}

void docker_session_end(struct docker_session *visit, bool broken, struct cancel *run_cancel,
                        struct engine_result *result)
{
    ENGINE_PHASE(result, PHASE_CLEANUP);
    struct error *err = &result->cleanup_error;
    bool hurry = cancel_requested(run_cancel);
    struct cancel cancel;

    cancel_init(&cancel, clock_now_ns() + (hurry ? CLEANUP_CANCELED_NS : CLEANUP_NS));
    if (visit->unsettled)
        await_name(visit, &cancel);
    result->cleanup_failed = !remove_name(visit, &cancel, err);
    if (visit->marked && !visit->unsettled && !result->cleanup_failed &&
        !docker_mark_clear(visit->client, visit->others.volume, &cancel, err))
        result->cleanup_failed = true;
    /* A daemon that was at the end when we hung up still finishes: it has had its moment. */
    if (broken && !result->cleanup_failed)
        result->cleanup_failed = !remove_name(visit, &cancel, err);
    if (visit->loads && !hurry)
        sweep_nameless(visit, &cancel);
    if (result->cleanup_failed)
        error_wrap(err, "clean-up of %s", visit->name);
    cancel_deinit(&cancel);
}

void docker_session_deinit(struct docker_session *visit)
{
    docker_neighbours_end(&visit->others);
}
