/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Push, engine "docker": dockerd sends, as for `docker push`.
 *
 * A generated image is loaded into Docker before the clock starts. An image that Docker has gets
 * the name of the target as one more name. Afterwards the engine removes that name, and with it a
 * generated image. Docker compresses layers itself: they get other digests than the generated
 * layers, and its progress counts bytes before compression.
 */
#include "engines/daemon/docker_session.h"
#include "engines/image/docker_archive.h"

#include "base/clock.h"
#include "docker/docker_transfer.h"

#include <stdio.h>
#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)32 << 20)

static bool is_generated(const struct docker_session *push)
{
    return !*push->request->push.content.image;
}

/* No response came, so the request may still be executed. */
static bool is_unanswered(const struct error *err)
{
    return err->code == ERROR_TIMEOUT || err->code == ERROR_CANCELED ||
           error_code_is_unreachable(err->code);
}

/* Docker finishes a load without the client once it has the whole archive. */
static bool load(struct docker_session *push, const struct generated_image *image,
                 struct error *err)
{
    CLEANUP(docker_archive_deinit) struct docker_archive archive;
    bool found;

    if (!docker_archive_init(&archive, image, push->name, err) || !docker_session_mark(push, err))
        return false;
    if (!docker_load(push->client, docker_archive_read, &archive, docker_archive_bytes(&archive),
                     &push->stream, push->cancel, err)) {
        push->load_pending = docker_archive_ended(&archive) && is_unanswered(err);
        return error_wrap(err, "load the image");
    }
    docker_stream_deinit(&push->stream);
    docker_stream_init(&push->stream);
    if (!docker_session_find(push, &found, err))
        return false;
    return found ||
           error_set(err, ERROR_RUNTIME,
                     "Docker reported that it loaded the image, but the image does not exist");
}

static bool load_generated(struct docker_session *push, struct error *err)
{
    const struct engine_request *request = push->request;
    CLEANUP(generated_image_deinit) struct generated_image image = {0};

    if (!docker_session_claim(push, err))
        return false;
    if (push->was_there)
        return error_set(
            err, ERROR_INVALID,
            "%s already exists in Docker and was not made by a probe; nothing was pushed",
            push->name);
    if (!generated_image_init(&image, &request->push.content, &request->platform.accepted[0],
                              push->cancel, err))
        return false;
    push->result->seed = image.seed;
    return load(push, &image, err);
}

/* The name of the target must be free, or belong to the image itself. */
static bool check_name(struct docker_session *push, struct error *err)
{
    const char *id = push->image.id;
    const struct docker_image *before = docker_session_find_before(push, id);
    bool found;

    if (push->was_there) {
        if (!docker_session_find(push, &found, err))
            return false;
        return (found && strcmp(push->image.id, id) == 0) ||
               error_set(err, ERROR_INVALID, "%s is another image in Docker; nothing was pushed",
                         push->name);
    }
    return !before || docker_session_name_is_removable(push, before) ||
           error_set(
               err, ERROR_INVALID,
               "the image has no tag that would keep it: Docker would remove it together with "
               "the name of the target");
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

static bool tag_existing(struct docker_session *push, struct error *err)
{
    const struct engine_request *request = push->request;

    if (!find_source(request, push->client, &push->arena, &push->image, push->cancel, err) ||
        !check_name(push, err))
        return false;
    return push->was_there ||
           (docker_session_mark(push, err) &&
            docker_image_tag(push->client, push->image.id, &request->reference, push->cancel, err));
}

/* After the last layer Docker sends a configuration and a manifest. */
static void measure_phases(const struct docker_session *push, int64_t start_ns, int64_t end_ns)
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

/* A push that went as expected needs no note. */
static void write_note(const struct docker_session *push, const struct docker_stream_totals *totals)
{
    CLEANUP(buf_deinit) struct buf note = BUF_INIT(sizeof(push->result->note) - 1);
    size_t n_layers = push->stream.n_layers;

    if (totals->n_existed == 0 && totals->n_unknown == 0 && push->stream.retries == 0)
        return;
    buf_printf(&note, "Docker reported %zu layer%s, in bytes before compression", n_layers,
               n_layers == 1 ? "" : "s");
    if (totals->n_existed > 0)
        buf_printf(&note, "; the registry had %zu of them", totals->n_existed);
    if (totals->n_unknown > 0)
        buf_printf(&note, "; it did not report the size of %zu, so more was sent than is counted",
                   totals->n_unknown);
    if (push->stream.retries > 0)
        buf_printf(&note, "; it restarted %u upload%s", push->stream.retries,
                   push->stream.retries == 1 ? "" : "s");
    snprintf(push->result->note, sizeof(push->result->note), "%s", note.data ? note.data : "");
}

static bool send(struct docker_session *push, struct error *err)
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
        error_wrap(err, "Docker restarted %u uploads for an unknown reason", push->stream.retries);
    return ok;
}

/* Docker may tell that a layer existed, but not its size. */
static bool check_cold(const struct docker_session *push, struct error *err)
{
    struct docker_stream_totals totals;

    docker_stream_sum(&push->stream, &totals);
    if (push->request->cold && push->result->cached_bytes == 0 && totals.n_existed > 0)
        return error_set(err, ERROR_NOT_COLD, "%zu of %zu layers already existed in the registry",
                         totals.n_existed, push->stream.n_layers);
    return true;
}

static bool examine(struct docker_session *push, struct error *err)
{
    struct engine_result *result = push->result;

    if (!push->stream.digest[0])
        return error_set(err, ERROR_PROTOCOL, "Docker reported success, but no digest");
    snprintf(result->digest, sizeof(result->digest), "%s", push->stream.digest);
    if (is_generated(push)) /* Docker pushes the manifest of a loaded image */
        engine_report_manifest(result->digest, result);
    result->unpacked_bytes = push->image.bytes;
    return docker_session_existed(push, true, &result->cached_bytes, err) && check_cold(push, err);
}

static bool run(const struct engine_request *request, struct engine_result *result,
                struct cancel *cancel, struct error *err)
{
    CLEANUP(docker_session_freep)
    struct docker_session *push = docker_session_new(request, result, cancel, err);
    bool sent, ok;

    if (!push)
        return false;
    sent = (is_generated(push) ? load_generated(push, err) : tag_existing(push, err)) &&
           send(push, err);
    ok = sent && examine(push, err);
    docker_session_end(push, !sent);
    return ok;
}

/* Docker writes a new manifest, but does not change the configuration. */
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
