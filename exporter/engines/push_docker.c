/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Push, engine "docker": dockerd sends, as `docker push` would have it do.
 *
 * An image that was made is loaded off the clock; one that Docker holds gets the target's name, if
 * it has another. Afterwards that name goes again, and a made image with it. Docker compresses
 * layers by itself: what it sends has other digests than what was made, and its progress counts
 * bytes before they are compressed.
 */
#include "engines/daemon/docker_session.h"
#include "engines/image/docker_archive.h"

#include "base/clock.h"
#include "docker/docker_transfer.h"

#include <stdio.h>
#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)32 << 20)

struct push {
    const struct engine_request *request;
    struct engine_result *result;
    struct docker_client *client;
    struct arena arena;
    struct docker_session session;
    struct docker_image image;
    struct docker_stream stream;
    struct cancel *cancel;
};

static void push_free(struct push *push)
{
    docker_session_deinit(&push->session);
    if (push->client)
        docker_client_free(push->client);
    docker_stream_deinit(&push->stream);
    arena_deinit(&push->arena);
    free(push);
}
DEFINE_CLEANUP(struct push *, push_free)

static bool is_generated(const struct push *push)
{
    const char *image = push->request->push.content.image;

    return !image || !*image;
}

/* What the target's name stands for becomes push->image. */
static bool find(struct push *push, bool *found, struct error *err)
{
    return docker_image_find(push->client, push->session.name, &push->arena, &push->image, found,
                             push->cancel, err);
}

/* It was not told to be a failure: we hung up. */
static bool is_unanswered(const struct error *err)
{
    return err->code == ERROR_TIMEOUT || err->code == ERROR_CANCELED ||
           err->code == ERROR_RUNTIME_UNAVAILABLE;
}

/* A daemon that has the whole archive comes to its end without us. */
static bool load(struct push *push, const struct generated_image *image, struct error *err)
{
    CLEANUP(docker_archive_deinit) struct docker_archive archive;
    bool found;

    if (!docker_archive_init(&archive, image, push->session.name, err) ||
        !docker_session_mark(&push->session, push->cancel, err))
        return false;
    if (!docker_load(push->client, docker_archive_read, &archive, docker_archive_bytes(&archive),
                     &push->stream, push->cancel, err)) {
        push->session.load_pending = docker_archive_ended(&archive) && is_unanswered(err);
        return error_wrap(err, "load the image");
    }
    docker_stream_deinit(&push->stream);
    docker_stream_init(&push->stream);
    if (!find(push, &found, err))
        return false;
    return found || error_set(err, ERROR_RUNTIME, "Docker loaded the image, but it is not there");
}

static bool load_generated(struct push *push, struct error *err)
{
    const struct engine_request *request = push->request;
    CLEANUP(generated_image_deinit) struct generated_image image = {0};

    if (!docker_session_claim(&push->session, push->cancel, err))
        return false;
    if (push->session.was_there)
        return error_set(err, ERROR_INVALID,
                         "Docker has an image by that name, which no probe made; it stays");
    if (!generated_image_init(&image, &request->push.content, &request->platform.accepted[0],
                              push->cancel, err))
        return false;
    push->result->seed = image.seed;
    return load(push, &image, err);
}

/* What the name stands for, if it does, has to be the image itself. */
static bool check_name(struct push *push, struct error *err)
{
    const char *id = push->image.id;
    const struct docker_image *before = docker_session_find_before(&push->session, id);
    bool found;

    if (push->session.was_there) {
        if (!find(push, &found, err))
            return false;
        return (found && strcmp(push->image.id, id) == 0) ||
               error_set(err, ERROR_INVALID, "%s is another image in Docker; it stays",
                         push->session.name);
    }
    return !before || docker_session_name_is_removable(&push->session, before) ||
           error_set(err, ERROR_INVALID,
                     "the image has no tag beside which Docker would let our name go again");
}

static bool find_source(const struct engine_request *request, struct docker_client *client,
                        struct arena *arena, struct docker_image *image, struct cancel *cancel,
                        struct error *err)
{
    struct reference source;
    const char *name;
    bool found;

    if (!reference_parse(&source, request->push.content.image, arena, err))
        return false;
    name = docker_image_name(&source, arena);
    if (!arena_ok(arena, err) ||
        !docker_image_find(client, name, arena, image, &found, cancel, err))
        return false;
    return found || error_set(err, ERROR_NOT_FOUND, "Docker has no image %s", name);
}

static bool tag_existing(struct push *push, struct error *err)
{
    const struct engine_request *request = push->request;

    if (!find_source(request, push->client, &push->arena, &push->image, push->cancel, err) ||
        !check_name(push, err))
        return false;
    return push->session.was_there ||
           (docker_session_mark(&push->session, push->cancel, err) &&
            docker_image_tag(push->client, push->image.id, &request->reference, push->cancel, err));
}

/* After the last layer there are a configuration and a manifest left to send. */
static void measure_phases(const struct push *push, int64_t start_ns, int64_t end_ns)
{
    const struct docker_stream *stream = &push->stream;
    double *seconds = push->result->phase_seconds;
    bool is_complete = stream->n_layers > 0;

    for (size_t i = 0; i < stream->n_layers; i++)
        is_complete &= stream->layers[i].existed || stream->layers[i].complete;
    seconds[PHASE_UPLOAD] = seconds_between(start_ns, is_complete ? stream->last_layer_ns : end_ns);
    if (is_complete)
        seconds[PHASE_COMMIT] = seconds_between(stream->last_layer_ns, end_ns);
}

static void write_note(const struct push *push, const struct docker_stream_totals *totals)
{
    CLEANUP(buf_deinit) struct buf note = BUF_INIT(sizeof(push->result->note) - 1);

    buf_printf(&note, "Docker told of %zu layers, in bytes before it compresses them",
               push->stream.n_layers);
    if (totals->n_existed > 0)
        buf_printf(&note, "; the registry had %zu already", totals->n_existed);
    if (totals->n_unknown > 0)
        buf_printf(&note, "; the size of %zu was not told, so more was sent than is counted",
                   totals->n_unknown);
    if (push->stream.retries > 0)
        buf_printf(&note, "; it began %u uploads anew", push->stream.retries);
    snprintf(push->result->note, sizeof(push->result->note), "%s", note.data ? note.data : "");
}

static bool send(struct push *push, struct error *err)
{
    const struct engine_request *request = push->request;
    const struct docker_push what = {
        .reference = &request->reference,
        .platform = is_generated(push) ? NULL : &request->platform.accepted[0],
        .credentials = request->credentials,
    };
    struct docker_stream_totals totals;
    int64_t start_ns = clock_now_ns(), end_ns;
    bool ok;

    push->stream.progress = request->progress;
    progress_phase(request->progress, engine_phase_name(PHASE_UPLOAD));
    ok = docker_push(push->client, &what, &push->stream, push->cancel, err);

    end_ns = clock_now_ns();
    push->result->seconds = seconds_between(start_ns, end_ns);
    measure_phases(push, start_ns, end_ns);
    docker_stream_sum(&push->stream, &totals);
    push->result->traffic.uploaded_bytes = totals.moved_bytes;
    write_note(push, &totals);
    if (!ok && push->stream.retries > 0)
        error_wrap(err, "Docker began %u uploads anew, and does not tell why",
                   push->stream.retries);
    return ok;
}

static bool examine(struct push *push, struct error *err)
{
    struct engine_result *result = push->result;

    if (!push->stream.digest[0])
        return error_set(err, ERROR_PROTOCOL, "Docker told neither an error nor a digest");
    snprintf(result->digest, sizeof(result->digest), "%s", push->stream.digest);
    if (is_generated(push)) /* no index: that is what was loaded */
        snprintf(result->manifest_digest, sizeof(result->manifest_digest), "%s", result->digest);
    result->unpacked_bytes = push->image.bytes;
    return docker_session_existed(&push->session, &push->stream, true, &result->cached_bytes,
                                  push->cancel, err);
}

static bool run(const struct engine_request *request, struct engine_result *result,
                struct cancel *cancel, struct error *err)
{
    CLEANUP(push_freep) struct push *push = calloc(1, sizeof(*push));
    bool sent, ok;

    if (!push)
        return error_memory(err);
    push->request = request;
    push->result = result;
    push->cancel = cancel;
    push->arena = (struct arena)ARENA_INIT(ARENA_LIMIT_BYTES);
    docker_stream_init(&push->stream);
    push->client = docker_session_connect(request, cancel, err);
    if (!push->client ||
        !docker_session_begin(&push->session, request, push->client, &push->arena, cancel, err))
        return false;
    sent = (is_generated(push) ? load_generated(push, err) : tag_existing(push, err)) &&
           send(push, err);
    ok = sent && examine(push, err);
    docker_session_end(&push->session, !sent, cancel, result);
    return ok;
}

/* What Docker makes the manifest like is its own affair; the configuration stays as it is. */
static bool identify(const struct engine_request *request, char digest[DIGEST_TEXT_BYTES],
                     struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    CLEANUP(docker_client_freep)
    struct docker_client *client = docker_session_connect(request, cancel, err);
    struct docker_image image;

    if (!client || !find_source(request, client, &arena, &image, cancel, err))
        return false;
    snprintf(digest, DIGEST_TEXT_BYTES, "%s", digest_valid(image.id) ? image.id : "");
    return true;
}

const struct engine push_docker_engine = {
    .operation = "push",
    .name = "docker",
    .abilities = ENGINE_PLATFORM | ENGINE_DAEMON_IMAGE,
    .preference = 2,
    .offered = docker_session_offered,
    .identify = identify,
    .run = run,
};
