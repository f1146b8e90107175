/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pull, engine "transfer": containerd fetches and unpacks by its transfer service, as for `ctr
 * images pull` and the CRI of 2.1.
 *
 * A daemon does not fetch a blob that it has. So the engine looks at the creation times of the
 * blobs afterwards. The progress of the daemon is a second source: where they differ, the smaller
 * number of fetched bytes counts.
 *
 * A pull does not show which mirror served. If there are several hosts, the engine asks the daemon
 * once more for the image, which it has by now, and reads the host from its HTTP log.
 */
#include "base/clock.h"
#include "containerd/snapshots.h"
#include "containerd/transfer/transfer_log.h"
#include "engines/daemon/transfer_session.h"
#include "engines/image/pulled_image.h"

#include <stdio.h>
#include <string.h>

/* For one HEAD request. Short, because a shutdown waits for it. */
#define LOOKUP_NS (NS_PER_SECOND + NS_PER_SECOND / 2)

static struct transfer what_to_pull(struct transfer_session *pull)
{
    const struct engine_request *request = pull->request;
    struct transfer transfer = transfer_session_request(pull);

    transfer.all_platforms = request->all_platforms;
    transfer.unpack = request->unpack;
    transfer.snapshotter = request->snapshotter ? request->snapshotter : "";
    return transfer;
}

/* Without events of unpacking, "fetch" includes it and lasts until the end. */
static void report_phases(struct transfer_session *pull)
{
    const struct transfer_progress *progress = &pull->progress;
    double *phases = pull->result->phase_seconds;
    int64_t resolved_ns = progress->resolved_ns ? progress->resolved_ns : pull->ended_ns;
    bool unpack_seen = progress->unpack_from_ns != 0;

    phases[PHASE_RESOLVE] = seconds_between(pull->start_ns, resolved_ns);
    if (progress->resolved_ns == 0)
        return;
    phases[PHASE_FETCH] =
        seconds_between(resolved_ns, unpack_seen ? progress->fetched_ns : pull->ended_ns);
    if (unpack_seen)
        phases[PHASE_UNPACK] =
            seconds_between(progress->unpack_from_ns,
                            progress->unpack_till_ns ? progress->unpack_till_ns : pull->ended_ns);
}

static bool transfer(struct transfer_session *pull, struct error *err)
{
    struct transfer what = what_to_pull(pull);
    bool ok;

    if (!arena_ok(&pull->arena, err))
        return false;
    progress_phase(pull->request->progress, engine_phase_name(PHASE_FETCH));
    pull->start_ns = clock_now_ns();
    ok = transfer_pull(&pull->workspace.scope, &what, &pull->ended_ns, pull->cancel, err);
    report_phases(pull);
    pull->result->traffic.fetched_bytes = transfer_progress_seen_bytes(&pull->progress);
    return ok;
}

static bool count_snapshot(void *arg, const struct snapshot_info *info, struct error *err)
{
    (void)info, (void)err;
    ++*(size_t *)arg;
    return true;
}

/* A daemon that is not configured for this platform and snapshotter does not unpack, and reports
 * no error. */
static bool check_unpacked(struct transfer_session *pull, struct error *err)
{
    const char *snapshotter = pull->request->snapshotter;
    size_t n_snapshots = 0;

    if (!pull->request->unpack || pull->progress.n_layers == 0 || !snapshotter || !*snapshotter)
        return true;
    if (!snapshots_list(&pull->workspace.scope, snapshotter, count_snapshot, &n_snapshots,
                        pull->cancel, err) &&
        !error_is_expected(err, STATUS_GRPC, RPC_INVALID_ARGUMENT) &&
        !error_is_expected(err, STATUS_GRPC, RPC_NOT_FOUND))
        return false;
    return n_snapshots > 0 ||
           error_set(err, ERROR_UNSUPPORTED,
                     "the daemon has not unpacked: the unpack_config of its transfer service lacks "
                     "this platform with snapshotter %s",
                     snapshotter);
}

static bool examine(struct transfer_session *pull, int64_t started_unix_ns, struct error *err)
{
    const struct engine_request *request = pull->request;
    struct engine_result *result = pull->result;
    uint64_t existing = transfer_progress_existing_bytes(&pull->progress), more;
    const struct pulled_image_query query = {
        .scope = &pull->workspace.scope,
        .name = request->reference.name,
        .platform = &request->platform,
        .all_platforms = request->all_platforms,
        .snapshotter = request->unpack ? request->snapshotter : NULL,
        .started_unix_ns = started_unix_ns,
    };

    if (!pulled_image_examine(&query, result, pull->cancel, err))
        return false;
    if (existing <= result->cached_bytes)
        return true;
    more = existing - result->cached_bytes;
    if (more > result->traffic.fetched_bytes)
        more = result->traffic.fetched_bytes;
    result->cached_bytes += more;
    result->traffic.fetched_bytes -= more;
    return true;
}

struct lookup {
    struct transfer_log log;
    struct cancel cancel;
};

static void on_log(void *arg, const char *text)
{
    struct lookup *lookup = arg;

    transfer_log_add(&lookup->log, text);
    if (lookup->log.fetches)
        cancel_now(&lookup->cancel);
}

/* With one host there is no choice; a list that could not be made may stand for several. A failure
 * of this lookup is not a failure of the pull. */
static void report_host(struct transfer_session *pull)
{
    const struct host_list *hosts = pull->request->hosts;
    struct engine_result *result = pull->result;
    struct transfer what = what_to_pull(pull);
    struct lookup lookup = {0};
    struct error failed;
    int64_t ended_ns;

    if (hosts && hosts->count == 1)
        snprintf(result->host, sizeof(result->host), "%s", hosts->items[0].authority);
    if (!hosts || hosts->count == 1 || !pull->rules->logs || cancel_requested(pull->cancel))
        return;
    what.progress = NULL;
    what.log = on_log;
    what.arg = &lookup;
    cancel_init(&lookup.cancel, clock_now_ns() + LOOKUP_NS);
    if (!transfer_pull(&pull->workspace.scope, &what, &ended_ns, &lookup.cancel, &failed))
        snprintf(result->note + strlen(result->note), sizeof(result->note) - strlen(result->note),
                 "%sthe host that served is not known: %s", *result->note ? "; " : "",
                 failed.message);
    cancel_deinit(&lookup.cancel);
    snprintf(result->host, sizeof(result->host), "%s", lookup.log.served_by);
}

static bool pull_image(struct transfer_session *pull, struct error *err)
{
    int64_t started_unix_ns;

    if (!workspace_open(&pull->workspace, pull->request, pull->cancel, err))
        return false;
    started_unix_ns = clock_unix_ns();
    if (!transfer(pull, err) || !examine(pull, started_unix_ns, err) || !check_unpacked(pull, err))
        return false;
    report_host(pull);
    return true;
}

static bool run(const struct engine_request *request, struct engine_result *result,
                struct cancel *cancel, struct error *err)
{
    return transfer_session_run(request, result, cancel, err, pull_image);
}

const struct engine pull_transfer_engine = {
    .operation = "pull",
    .name = "transfer",
    .abilities = ENGINE_UNPACK | ENGINE_PLATFORM | ENGINE_ALL_PLATFORMS | ENGINE_SNAPSHOTTER |
                 ENGINE_SEES_HOST | ENGINE_SEES_MANIFEST,
    .offered = transfer_session_offered,
    .run = run,
};
