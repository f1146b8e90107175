/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pull, engine "docker": dockerd fetches, as for `docker run`.
 *
 * The engine knows only what the progress of dockerd says and which images existed before. Docker
 * keeps neither compressed bytes nor the manifest, so the declared bytes are not visible; a layer
 * that existed counts with its unpacked size. The engine never removes an image that existed
 * before by any name: it only removes the name that it added, and only if Docker removes nothing
 * else with it.
 */
#include "engines/daemon/docker_session.h"

#include "base/clock.h"
#include "docker/docker_transfer.h"

#include <stdio.h>
#include <string.h>

/* Refuses a pull that would not be cold. */
static bool prepare(struct docker_session *pull, struct error *err)
{
    if (pull->request->cold && pull->was_there)
        return error_set(err, ERROR_NOT_COLD,
                         "the image already exists in Docker; nothing was pulled");
    return pull->was_there || docker_session_mark(pull, err);
}

/* Layers are unpacked while others are downloaded: "fetch" ends with the last download. */
static void measure_phases(const struct docker_session *pull, int64_t start_ns, int64_t end_ns)
{
    const struct docker_stream *stream = &pull->stream;
    double *seconds = pull->result->phase_seconds;
    bool fetching = false;

    for (size_t i = 0; i < stream->n_layers; i++)
        fetching |= !stream->layers[i].existed && !stream->layers[i].complete;
    seconds[PHASE_RESOLVE] =
        seconds_between(start_ns, stream->n_layers > 0 ? stream->first_layer_ns : end_ns);
    if (fetching) {
        seconds[PHASE_FETCH] = seconds_between(stream->first_layer_ns, end_ns);
    } else if (stream->moved_ns > 0) {
        seconds[PHASE_FETCH] = seconds_between(stream->first_layer_ns, stream->moved_ns);
        seconds[PHASE_UNPACK] = seconds_between(stream->moved_ns, end_ns);
    }
}

static void write_note(const struct docker_session *pull, const struct docker_stream_totals *totals)
{
    CLEANUP(buf_deinit) struct buf note = BUF_INIT(sizeof(pull->result->note) - 1);

    buf_printf(&note, "Docker reported %zu layers", pull->stream.n_layers);
    if (totals->n_existed > 0)
        buf_printf(&note, "; %zu existed before and count with their unpacked size",
                   totals->n_existed);
    if (totals->n_unknown > 0)
        buf_printf(&note,
                   "; it did not report the size of %zu, so more was fetched than is counted",
                   totals->n_unknown);
    if (pull->stream.retries > 0)
        buf_printf(&note, "; it restarted %u downloads", pull->stream.retries);
    snprintf(pull->result->note, sizeof(pull->result->note), "%s", note.data ? note.data : "");
}

/* The response may end early without a broken connection. */
static bool check_status(const struct docker_session *pull, struct error *err)
{
    return pull->stream.has_status ||
           error_set(err, ERROR_PROTOCOL, "the response of Docker ended without a status");
}

static bool fetch(struct docker_session *pull, struct docker_stream_totals *totals,
                  struct error *err)
{
    const struct engine_request *request = pull->request;
    struct platform_matcher host;
    char host_name[ENGINE_TEXT_BYTES], name[ENGINE_TEXT_BYTES];
    struct docker_pull what = {&request->reference, NULL, request->credentials};
    int64_t start_ns, end_ns;
    bool ok;

    /* Old and compatible engines do not know the parameter, so it is sent only where it matters. */
    platform_matcher_host(&host);
    if (strcmp(platform_matcher_name(&host, host_name, sizeof(host_name)),
               platform_matcher_name(&request->platform, name, sizeof(name))) != 0)
        what.platform = name;
    pull->stream.progress = request->progress;
    progress_phase(request->progress, engine_phase_name(PHASE_FETCH));
    start_ns = clock_now_ns();
    ok = docker_pull(pull->client, &what, &pull->stream, pull->cancel, err) &&
         check_status(pull, err);
    end_ns = clock_now_ns();
    pull->result->seconds = seconds_between(start_ns, end_ns);
    measure_phases(pull, start_ns, end_ns);
    docker_stream_sum(&pull->stream, totals);
    pull->result->traffic.fetched_bytes = totals->moved_bytes;
    write_note(pull, totals);
    return ok;
}

/* The digest that the registry reported must be that by which Docker keeps the image. */
static bool check_digest(struct docker_session *pull, struct error *err)
{
    const struct docker_names *kept = &pull->image.digests;
    const char *reported = pull->stream.digest, *wanted = pull->request->reference.digest;
    struct reference parsed;

    if (wanted && reported[0] && strcmp(wanted, reported) != 0)
        return error_set(err, ERROR_DIGEST_MISMATCH, "Docker pulled %s, expected %s", reported,
                         wanted);
    for (size_t i = 0; i < kept->count; i++) {
        if (!docker_name_is_probes(pull->request, kept->items[i], &parsed, &pull->arena) ||
            !parsed.digest || (reported[0] && strcmp(parsed.digest, reported) != 0))
            continue;
        snprintf(pull->result->digest, sizeof(pull->result->digest), "%s", parsed.digest);
        return arena_ok(&pull->arena, err);
    }
    return error_set(err, ERROR_DIGEST_MISMATCH,
                     "Docker pulled %s, but does not keep the image by that digest",
                     reported[0] ? reported : "an image without digest");
}

static bool examine(struct docker_session *pull, const struct docker_stream_totals *totals,
                    struct error *err)
{
    bool found, had_image;

    if (!docker_session_find(pull, &found, err))
        return false;
    if (!found)
        return error_set(err, ERROR_PROTOCOL,
                         "Docker reported success, but the image does not exist");
    pull->result->unpacked_bytes = pull->image.bytes;
    if (!check_digest(pull, err))
        return false;
    had_image = docker_session_find_before(pull, pull->image.id);
    if (had_image || (totals->n_existed > 0 && totals->n_existed == pull->stream.n_layers))
        pull->result->cached_bytes = pull->image.bytes > 0 ? pull->image.bytes : 1;
    else if (!docker_session_existed(pull, false, &pull->result->cached_bytes, err))
        return false;
    if (pull->request->cold && had_image)
        return error_set(err, ERROR_NOT_COLD,
                         "the image already existed in Docker by another name");
    if (pull->request->cold && totals->n_existed > 0)
        return error_set(err, ERROR_NOT_COLD, "%zu of %zu layers already existed in Docker",
                         totals->n_existed, pull->stream.n_layers);
    return true;
}

static bool run(const struct engine_request *request, struct engine_result *result,
                struct cancel *cancel, struct error *err)
{
    CLEANUP(docker_session_freep)
    struct docker_session *pull = docker_session_new(request, result, cancel, err);
    struct docker_stream_totals totals;
    bool fetched, ok;

    if (!pull || !prepare(pull, err))
        return false;
    fetched = fetch(pull, &totals, err);
    ok = fetched && examine(pull, &totals, err);
    if (!pull->was_there)
        docker_session_end(pull, !fetched);
    return ok;
}

const struct engine pull_docker_engine = {
    .operation = "pull",
    .name = "docker",
    .abilities = ENGINE_PLATFORM,
    .preference = 2,
    .offered = docker_session_offered,
    .run = run,
};
