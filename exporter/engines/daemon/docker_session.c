/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/daemon/docker_session.h"

#include "base/clock.h"
#include "docker/docker_marks.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define UNDO_NS            (NS_PER_SECOND + NS_PER_SECOND / 2) /* within the stop timeout */
#define AWAIT_NS           NS_PER_SECOND
#define AWAIT_STEP_NS      (50 * NS_PER_MS)
#define ARENA_LIMIT_BYTES  ((size_t)32 << 20)
#define NAMES_LIMIT_BYTES  ((size_t)8 << 20)  /* of one image */
#define SPARED_LIMIT_BYTES ((size_t)64 << 10) /* about 900 ids */

struct docker_client *docker_session_connect(const struct engine_request *request,
                                             struct cancel *cancel, struct error *err)
{
    if (request->docker)
        return docker_connect(request->docker, cancel, err);
    error_set(err, ERROR_UNSUPPORTED, "no Docker socket is configured: set docker.address");
    return NULL;
}

bool docker_session_offered(const struct engine_request *request, struct cancel *cancel,
                            struct error *err)
{
    CLEANUP(docker_client_freep)
    struct docker_client *client = docker_session_connect(request, cancel, err);

    return client;
}

const struct docker_image *docker_session_find_before(const struct docker_session *session,
                                                      const char *id)
{
    for (size_t i = 0; i < session->before.count; i++)
        if (strcmp(session->before.items[i].id, id) == 0)
            return &session->before.items[i];
    return NULL;
}

struct names {
    size_t own, other;
};

static struct names count_names(const struct docker_session *session,
                                const struct docker_names *names)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(NAMES_LIMIT_BYTES);
    struct names count = {0, 0};
    struct reference parsed;
    struct error ignored; /* for example "<none>:<none>" */

    for (size_t i = 0; i < names->count; i++) {
        if (docker_name_is_probes(session->request, names->items[i], &parsed, &arena))
            count.own++;
        else
            count.other += reference_parse(&parsed, names->items[i], &arena, &ignored);
    }
    return count;
}

/* Docker removes the digests of a repository with its last tag, and an image with its last name. */
bool docker_session_name_is_removable(const struct docker_session *session,
                                      const struct docker_image *before)
{
    struct names tags = count_names(session, &before->tags);
    struct names digests = count_names(session, &before->digests);

    if (session->request->reference.digest)
        return tags.own + tags.other + digests.own + digests.other > 0;
    return tags.own > 0 || (digests.own == 0 && tags.other + digests.other > 0);
}

/* Docker has nothing that a connection holds, so containerd tells other processes that the run is
 * alive. An engine without a containerd that the exporter reaches works without. */
static bool claim(struct docker_session *session, struct error *err)
{
    struct error failed;

    if (workspace_claim(&session->workspace, session->request, session->cancel, &failed) ||
        (failed.code != ERROR_TIMEOUT && failed.code != ERROR_CANCELED))
        return true;
    *err = failed;
    return false;
}

static bool begin(struct docker_session *session, struct error *err)
{
    const struct engine_request *request = session->request;
    struct arena *arena = &session->arena;
    struct cancel *cancel = session->cancel;

    session->client = docker_session_connect(request, cancel, err);
    if (!session->client || !claim(session, err))
        return false;
    session->name = docker_image_name(&request->reference, arena);
    return arena_ok(arena, err) &&
           docker_neighbours_begin(&session->neighbours, request, session->client, arena, cancel,
                                   err) &&
           docker_images_list(session->client, true, arena, &session->before, cancel, err) &&
           docker_session_find(session, &session->was_there, err);
}

struct docker_session *docker_session_new(const struct engine_request *request,
                                          struct engine_result *result, struct cancel *cancel,
                                          struct error *err)
{
    CLEANUP(docker_session_freep) struct docker_session *session = calloc(1, sizeof(*session));

    if (!session) {
        error_memory(err);
        return NULL;
    }
    session->request = request;
    session->result = result;
    session->cancel = cancel;
    session->arena = (struct arena)ARENA_INIT(ARENA_LIMIT_BYTES);
    docker_stream_init(&session->stream);
    return begin(session, err) ? TAKE(session) : NULL;
}

void docker_session_free(struct docker_session *session)
{
    workspace_close(&session->workspace, session->cancel, session->result);
    docker_neighbours_end(&session->neighbours);
    if (session->client)
        docker_client_free(session->client);
    docker_stream_deinit(&session->stream);
    arena_deinit(&session->arena);
    free(session);
}

bool docker_session_find(struct docker_session *session, bool *found, struct error *err)
{
    return docker_image_find(session->client, session->name, &session->arena, &session->image,
                             found, session->cancel, err);
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

/* An interrupted load may have given the name to its image after the session had ended. */
bool docker_session_claim(struct docker_session *session, struct error *err)
{
    bool found;

    session->loads = true;
    if (!session->was_there)
        return true;
    if (!docker_session_find(session, &found, err))
        return false;
    if (found && session->image.is_generated &&
        !docker_image_remove(session->client, session->name, session->cancel, err))
        return false;
    session->was_there = found && !session->image.is_generated;
    return true;
}

/* Removes generated images that have lost their name to a later load. An image that is being
 * loaded has no name yet, so only those are removed that already had none when the session began.
 */
static void sweep_nameless(struct docker_session *session, struct cancel *cancel)
{
    struct docker_image image;
    struct error ignored; /* the next session tries again */
    bool found;

    for (size_t i = 0; i < session->before.count; i++) {
        const struct docker_image *old = &session->before.items[i];

        if (!old->is_generated || !has_no_name(old))
            continue;
        if (!docker_image_find(session->client, old->id, &session->arena, &image, &found, cancel,
                               &ignored))
            return;
        if (found && has_no_name(&image))
            (void)!docker_image_remove(session->client, old->id, cancel, &ignored);
    }
}

/* Without a response the mark may exist, although there is nothing to mark. */
static void undo_mark(struct docker_session *session)
{
    struct cancel cancel;
    struct error ignored; /* the next session removes it */

    cancel_init(&cancel, clock_now_ns() + UNDO_NS);
    (void)!docker_mark_clear(session->client, session->neighbours.volume, &cancel, &ignored);
    cancel_deinit(&cancel);
}

bool docker_session_mark(struct docker_session *session, struct error *err)
{
    CLEANUP(buf_deinit) struct buf spared = BUF_INIT(SPARED_LIMIT_BYTES);
    struct docker_mark mark = {session->neighbours.volume, session->name, "",
                               (int64_t)time(NULL) + session->request->lifetime_seconds};
    struct error too_many;

    for (size_t i = 0; i < session->before.count; i++)
        if (!docker_session_name_is_removable(session, &session->before.items[i]))
            buf_printf(&spared, "%s%s", spared.size > 0 ? "," : "", session->before.items[i].id);
    if (!buf_ok(&spared, &too_many))
        return true; /* without a complete list, the mark could cost an image that is not a leftover
                      */
    mark.spared = spared.data ? spared.data : "";
    session->marked = docker_mark_set(session->client, &mark, session->cancel, err);
    if (!session->marked && err->status_kind == STATUS_NONE)
        undo_mark(session);
    return session->marked || error_is_expected(err, STATUS_HTTP, ANY_STATUS);
}

/* Removes the digests that came with the name, where another tag of the repository keeps them. */
static bool remove_digest(struct docker_session *session, const struct docker_image *old,
                          const struct docker_image *now, struct cancel *cancel, struct error *err)
{
    struct reference parsed;

    for (size_t i = 0; i < now->digests.count; i++) {
        bool is_old = false;

        for (size_t k = 0; k < old->digests.count; k++)
            is_old |= strcmp(old->digests.items[k], now->digests.items[i]) == 0;
        if (!is_old &&
            docker_name_is_probes(session->request, now->digests.items[i], &parsed,
                                  &session->arena) &&
            !docker_image_remove(session->client, now->digests.items[i], cancel, err))
            return false;
    }
    return true;
}

static bool remove_name(struct docker_session *session, struct cancel *cancel, struct error *err)
{
    const struct docker_image *old;
    struct docker_image now;
    bool found;

    if (!docker_image_find(session->client, session->name, &session->arena, &now, &found, cancel,
                           err))
        return false;
    if (!found)
        return true;
    old = docker_session_find_before(session, now.id);
    if (session->was_there)
        return !old || remove_digest(session, old, &now, cancel, err);
    session->keeps_name = old && !docker_session_name_is_removable(session, old);
    if (session->keeps_name)
        return error_set(err, ERROR_RUNTIME,
                         "the image existed before without this name; the name is kept, because "
                         "Docker would remove other names with it");
    return docker_image_remove(session->client, session->name, cancel, err) &&
           (!old || remove_digest(session, old, &now, cancel, err));
}

/* Waits for a short time until a load that was interrupted has finished. */
static void await_name(struct docker_session *session, struct cancel *cancel)
{
    const struct timespec pause = {.tv_nsec = AWAIT_STEP_NS};
    int64_t end_ns = clock_now_ns() + AWAIT_NS;
    struct docker_image image;
    struct error ignored; /* the removal reports it */
    bool found = false;

    while (!found && clock_now_ns() < end_ns &&
           docker_image_find(session->client, session->name, &session->arena, &image, &found,
                             cancel, &ignored))
        if (!found)
            nanosleep(&pause, NULL);
    session->load_pending = !found;
}

bool docker_session_existed(const struct docker_session *session, bool highest_first,
                            uint64_t *bytes, struct error *err)
{
    const struct docker_stream *stream = &session->stream;
    uint64_t sizes[DOCKER_LAYERS_MAX];
    size_t count;

    *bytes = 0;
    for (size_t i = 0; i < stream->n_layers; i++)
        *bytes += stream->layers[i].existed;
    if (*bytes == 0)
        return true;
    if (!docker_image_layers(session->client, session->name, sizes, DOCKER_LAYERS_MAX, &count,
                             session->cancel, err))
        return false;
    if (count != stream->n_layers) {
        if (highest_first)
            *bytes = 0;
        return true;
    }
    *bytes = 0;
    for (size_t i = 0; i < count; i++)
        if (stream->layers[highest_first ? count - 1 - i : i].existed)
            *bytes += sizes[i];
    return true;
}

void docker_session_end(struct docker_session *session, bool interrupted)
{
    struct engine_result *result = session->result;
    ENGINE_PHASE(result, PHASE_CLEANUP);
    struct error *err = &result->cleanup_error, ignored;
    struct cancel cancel;

    engine_cleanup_start(&cancel, session->cancel);
    if (session->load_pending)
        await_name(session, &cancel);
    result->cleanup_failed = !remove_name(session, &cancel, err);
    /* After a failure the mark stays, so that the next run removes the leftovers. */
    if (session->marked && !session->load_pending &&
        (!result->cleanup_failed || session->keeps_name) &&
        !docker_mark_clear(session->client, session->neighbours.volume, &cancel,
                           result->cleanup_failed ? &ignored : err))
        result->cleanup_failed = true;
    /* A pull or push that was interrupted near its end may have finished since the first removal.
     */
    if (interrupted && !result->cleanup_failed)
        result->cleanup_failed = !remove_name(session, &cancel, err);
    if (session->loads && !cancel_requested(session->cancel))
        sweep_nameless(session, &cancel);
    if (result->cleanup_failed)
        error_wrap(err, "clean-up of %s", session->name);
    cancel_deinit(&cancel);
}
