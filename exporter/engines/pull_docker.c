/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pull, engine "docker": dockerd fetches, as for `docker run`.
 *
 * The engine knows only what the progress of dockerd says and which images existed before. Docker
 * keeps neither compressed bytes nor the manifest, so the declared bytes are not visible; a layer
 * that existed counts with its unpacked size. With its images in containerd, Docker reports neither
 * layers that existed nor sizes of small ones: there containerd says what was fetched, if it is the
 * exporter's. The engine never removes an image that existed
 * before by any name: it only removes the name that it added, and only if Docker removes nothing
 * else with it.
 */
#include "engines/daemon/docker_session.h"
#include "engines/image/pulled_image.h"

#include "base/clock.h"
#include "docker/docker_transfer.h"

#include <stdio.h>
#include <string.h>

#define MOBY_NAMESPACE "moby" /* in which dockerd keeps its images, unless it is told otherwise */

/* Refuses a pull that would not be cold. */
static bool prepare(struct docker_session *pull, struct error *err)
{
    if (pull->request->cold && pull->was_there)
        return error_set(err, ERROR_NOT_COLD,
                         "the image already exists in Docker; nothing was pulled");
    return docker_has_containerd_store(pull->client, &pull->containerd_store, pull->cancel, err) &&
           (pull->was_there || docker_session_mark(pull, err));
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

/* A pull that went as expected needs no note. */
static void write_note(const struct docker_session *pull, const struct docker_stream_totals *totals)
{
    CLEANUP(buf_deinit) struct buf note = BUF_INIT(sizeof(pull->result->note) - 1);
    size_t n_layers = pull->stream.n_layers;

    if (totals->n_existed == 0 && totals->n_unknown == 0 && pull->stream.retries == 0)
        return;
    buf_printf(&note, "Docker reported %zu layer%s", n_layers, n_layers == 1 ? "" : "s");
    if (totals->n_existed > 0)
        buf_printf(&note, "; %zu existed before, counted by unpacked size", totals->n_existed);
    if (totals->n_unknown > 0)
        buf_printf(&note,
                   "; it did not report the size of %zu, so more was fetched than is counted",
                   totals->n_unknown);
    if (pull->stream.retries > 0)
        buf_printf(&note, "; it restarted %u download%s", pull->stream.retries,
                   pull->stream.retries == 1 ? "" : "s");
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
    pull->started_unix_ns = clock_unix_ns();
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

/* How many layers existed. With containerd's store Docker reports only those that it fetches. */
static size_t count_existing(const struct docker_session *pull,
                             const struct docker_stream_totals *totals)
{
    size_t fetched = pull->stream.n_layers - totals->n_existed;

    if (!pull->containerd_store || pull->image.n_layers < pull->stream.n_layers)
        return totals->n_existed;
    return pull->image.n_layers - fetched;
}

/* What containerd knows about an image in its store: as for an image that it has pulled itself.
 * *known is false if the exporter has no access to Docker's containerd. */
static bool examine_store(struct docker_session *pull, bool *known, struct error *err)
{
    const struct scope scope = {pull->request->containerd, MOBY_NAMESPACE, NULL};
    const struct pulled_image_query query = {
        .scope = &scope,
        .name = pull->name,
        .platform = &pull->request->platform,
        .snapshotter = "",
        .started_unix_ns = pull->started_unix_ns,
    };
    struct engine_result found;

    engine_result_init(&found);
    *known = pulled_image_examine(&query, &found, pull->cancel, err) &&
             strcmp(found.digest, pull->result->digest) == 0;
    if (!*known)
        return cancel_check(pull->cancel, err);
    pull->result->declared_bytes = found.declared_bytes;
    pull->result->unpacked_bytes = found.unpacked_bytes;
    pull->result->cached_bytes = found.cached_bytes;
    pull->result->traffic.fetched_bytes = found.traffic.fetched_bytes;
    snprintf(pull->result->note, sizeof(pull->result->note), "%s", found.note);
    return true;
}

/* The size of the image is not counted either: it is packed or both, by the version of Docker. */
static void note_unknown_sizes(struct docker_session *pull, size_t n_existed)
{
    char *note = pull->result->note;
    size_t used = strlen(note), size = sizeof(pull->result->note);

    snprintf(note + used, size - used,
             "%sDocker keeps its images in containerd and reports no sizes of them; %zu layer%s "
             "existed before",
             used > 0 ? "; " : "", n_existed, n_existed == 1 ? "" : "s");
}

/* What Docker itself has reported. */
static bool examine_reports(struct docker_session *pull, const struct docker_stream_totals *totals,
                            struct error *err)
{
    size_t n_existed = count_existing(pull, totals);
    size_t n_layers = pull->stream.n_layers - totals->n_existed + n_existed;
    bool had_image = docker_session_find_before(pull, pull->image.id);

    if (pull->containerd_store) {
        note_unknown_sizes(pull, n_existed);
    } else {
        pull->result->unpacked_bytes = pull->image.bytes;
        if (had_image || (n_existed > 0 && n_existed == n_layers))
            pull->result->cached_bytes = pull->image.bytes > 0 ? pull->image.bytes : 1;
        else if (!docker_session_existed(pull, false, &pull->result->cached_bytes, err))
            return false;
    }
    if (pull->request->cold && had_image)
        return error_set(err, ERROR_NOT_COLD,
                         "the image already existed in Docker by another name");
    if (pull->request->cold && n_existed > 0)
        return error_set(err, ERROR_NOT_COLD, "%zu of %zu layers already existed in Docker",
                         n_existed, n_layers);
    return true;
}

static bool examine(struct docker_session *pull, const struct docker_stream_totals *totals,
                    struct error *err)
{
    bool found, known = false;

    if (!docker_session_find(pull, &found, err))
        return false;
    if (!found)
        return error_set(err, ERROR_PROTOCOL,
                         "Docker reported success, but the image does not exist");
    if (!check_digest(pull, err) || (pull->containerd_store && !examine_store(pull, &known, err)))
        return false;
    return known || examine_reports(pull, totals, err);
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
