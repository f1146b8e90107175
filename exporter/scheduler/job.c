/* SPDX-License-Identifier: Apache-2.0 */
#include "scheduler/job.h"

#include "base/clock.h"
#include "base/log.h"

#include <string.h>

#define SNAPSHOT_LIMIT_BYTES ((size_t)8 << 20)
#define REPORT_LIMIT_BYTES   ((size_t)8 << 10)

enum {
    SUCCESS,
    DURATION,
    LAST_UPDATE,
};

const struct metric_family job_families[] = {
    [SUCCESS] = {METRIC_GAUGE,
                 "containerd_exporter_collector_success",
                 "Whether the last run of the collector succeeded.",
                 {"collector"}},
    [DURATION] = {METRIC_GAUGE,
                  "containerd_exporter_collector_duration_seconds",
                  "How long the last run of the collector took.",
                  {"collector"}},
    [LAST_UPDATE] = {METRIC_GAUGE,
                     "containerd_inventory_last_update_timestamp_seconds",
                     "When the collector last succeeded; its values are as old as that.",
                     {"collector"},
                     .query = "time() - containerd_inventory_last_update_timestamp_seconds > 300"},
    {0},
};

static bool make_beginning(struct job *job, struct error *err)
{
    const struct collector *collector = job->plan.collector;

    if (!collector->begin)
        return true;
    job->beginning = snapshot_new(collector->families, SNAPSHOT_LIMIT_BYTES);
    if (!job->beginning)
        return error_memory(err);
    collector->begin(job->plan.state, job->beginning);
    return snapshot_ok(job->beginning, err);
}

struct job *job_new(struct board *board, struct config_job *plan, struct node *node,
                    struct error *err)
{
    CLEANUP(job_freep) struct job *job = calloc(1, sizeof(*job));

    if (!job) {
        error_memory(err);
        return NULL;
    }
    job->plan = *plan;
    plan->arena = NULL;
    job->context = (struct job_context){.name = job->plan.name, .node = node};
    job->slot = board_add(board, job->plan.collector->name);
    if (job->plan.collector->lane != LANE_PROBE)
        job->report_slot = board_add(board, job->plan.collector->name);
    if (!job->slot || (job->plan.collector->lane != LANE_PROBE && !job->report_slot)) {
        error_memory(err);
        return NULL;
    }
    if (job->plan.collector->open &&
        !job->plan.collector->open(job->plan.state, &job->context, err)) {
        error_wrap(err, "%s", job->plan.name);
        return NULL;
    }
    job->opened = true;
    return make_beginning(job, err) ? TAKE(job) : NULL;
}

void job_show(struct job *job)
{
    if (job->beginning)
        board_post(job->slot, job->beginning);
    snapshot_unref(TAKE(job->beginning));
}

void job_hide(struct job *job)
{
    if (job->slot)
        board_remove(TAKE(job->slot));
    if (job->report_slot)
        board_remove(TAKE(job->report_slot));
}

void job_free(struct job *job)
{
    if (job->watcher)
        watcher_join(job->watcher);
    if (job->opened && job->plan.collector->close)
        job->plan.collector->close(job->plan.state);
    job_hide(job);
    if (job->watcher)
        watcher_free(job->watcher);
    snapshot_unref(job->beginning);
    config_job_release(&job->plan);
    free(job);
}

bool job_matches(const struct job *job, const struct config_job *plan)
{
    return job->plan.collector == plan->collector && strcmp(job->plan.name, plan->name) == 0 &&
           strcmp(job->plan.fingerprint, plan->fingerprint) == 0;
}

/* What is logged of a run of a probe can be found in the history by its id. */
#define LOG_RUN(run, level, ...)                                                           \
    log_line((run)->progress ? LOG_PROBER : LOG_GENERAL, (level), __FILE_NAME__, __LINE__, \
             (run)->progress ? LOG_PAIRS("run", (run)->progress->id) : NULL, __VA_ARGS__)

/* Changes; that what is broken is still broken is for those who want to see it all: a target that
 * is down for a day is one line. That the daemon is gone is said once, by the collector whose
 * business it is. */
static void log_change(struct job *job, const struct run *run, bool ok, const struct error *err)
{
    const struct collector *collector = job->plan.collector;
    const char *kind = collector->lane == LANE_PROBE ? "probe" : "collector";

    if (!ok && err->code == ERROR_RUNTIME_UNAVAILABLE && !collector->reports_runtime)
        return;
    if (ok && job->failing)
        LOG_RUN(run, LOG_INFO, "%s %s works again", kind, job->plan.name);
    if (!ok)
        LOG_RUN(run, job->failing ? LOG_DEBUG : LOG_WARN, "%s %s fails, reason %s: %s", kind,
                job->plan.name, error_code_name(err->code), err->message);
    job->failing = !ok;
}

static void log_warning(struct job *job, const struct run *run)
{
    bool warns = run->warning.code != ERROR_NONE;

    if (warns && !job->warned)
        LOG_RUN(run, LOG_WARN, "%s: %s", job->plan.name, run->warning.message);
    job->warned = warns;
}

static void post_report(struct job *job, bool ok, int64_t start_ns)
{
    CLEANUP(snapshot_unrefp)
    struct snapshot *report = snapshot_new(job_families, REPORT_LIMIT_BYTES);
    const char *collector = job->plan.name;

    if (!report)
        return;
    if (ok)
        job->last_success = clock_unix_seconds();
    snapshot_add(report, SUCCESS, ok, collector);
    snapshot_add(report, DURATION, ns_to_seconds(clock_now_ns() - start_ns), collector);
    if (job->last_success > 0 && job->plan.collector->lane == LANE_INVENTORY)
        snapshot_add(report, LAST_UPDATE, job->last_success, collector);
    board_post(job->report_slot, report);
}

static struct outcome measure(struct job *job, struct run *run, struct error *err)
{
    const struct collector *collector = job->plan.collector;
    int64_t start_ns = clock_now_ns();
    CLEANUP(snapshot_unrefp)
    struct snapshot *out = snapshot_new(collector->families, SNAPSHOT_LIMIT_BYTES);
    bool ok = out || error_memory(err), cut;

    run->out = out;
    ok = ok && collector->run(job->plan.state, run, err) && snapshot_ok(out, err);
    if (ok)
        *err = (struct error){0};
    if (run->skipped)
        return (struct outcome){ERROR_NONE, true, run->not_before_ns};
    if (out)
        board_post(job->slot, out);
    if (job->report_slot)
        post_report(job, ok, start_ns);
    cut = !ok && run_was_cut(run, err);
    if (!cut)
        log_change(job, run, ok, err);
    log_warning(job, run);
    return (struct outcome){cut ? ERROR_CANCELED : err->code, false, run->not_before_ns};
}

static void begin_record(const struct job *job, const struct job_turn *turn,
                         struct run_record *record)
{
    int64_t left_ns = turn->cancel->deadline_ns - clock_now_ns();

    *record = (struct run_record){.probe = job->plan.name,
                                  .operation = job->plan.collector->name,
                                  .engine = "",
                                  .registry = "",
                                  .image = "",
                                  .host = "",
                                  .digest = "",
                                  .trigger = turn->trigger,
                                  .start = clock_unix_seconds(),
                                  .seconds = -1,
                                  .timeout_seconds = left_ns > 0 ? ns_to_seconds(left_ns) : 0};
}

/* A run that was skipped tells why, as far as the collector has said it. */
static void end_record(struct run_record *record, const struct run *run, const struct error *err,
                       struct buf *log)
{
    unsigned lost = progress_lost(run->progress);
    size_t offset = 0;

    memcpy(record->id, run->progress->id, sizeof(record->id));
    if (record->seconds < 0)
        record->seconds = seconds_between(run->progress->start_ns, clock_now_ns());
    record->reason = err->code;
    if (run->skipped && record->reason == ERROR_NONE)
        record->reason = ERROR_LIMIT;
    record->message = record->reason != ERROR_NONE ? err->message : "";
    record->warning = run->warning.code != ERROR_NONE ? run->warning.message : "";
    progress_read(run->progress, &offset, log);
    if (lost > 0)
        buf_printf(log, "... and %u lines more\n", lost);
    record->log = log->data ? log->data : "";
}

static struct outcome run_probe(struct job *job, const struct job_turn *turn, struct run *run,
                                struct progress *progress)
{
    CLEANUP(buf_deinit) struct buf log = BUF_INIT(2 * PROGRESS_LOG_BYTES);
    struct run_record record;
    struct error err = {0};
    struct outcome outcome;

    begin_record(job, turn, &record);
    run->progress = progress;
    run->record = &record;
    outcome = measure(job, run, &err);
    end_record(&record, run, &err, &log);
    if (!outcome.skipped && turn->history)
        history_add(turn->history, &record);
    if (turn->tell)
        turn->tell(job, &record, !outcome.skipped && !run_was_cut(run, &err));
    return outcome;
}

struct outcome job_run(struct job *job, const struct job_turn *turn)
{
    struct run run = {.node = job->context.node,
                      .cancel = turn->cancel,
                      .retry = turn->trigger == RUN_RETRY,
                      .hurried = turn->hurried};
    struct progress own;
    struct error err = {0};
    struct outcome outcome;

    if (job->plan.collector->lane != LANE_PROBE)
        return measure(job, &run, &err);
    if (turn->progress)
        return run_probe(job, turn, &run, turn->progress);
    progress_init(&own);
    outcome = run_probe(job, turn, &run, &own);
    progress_deinit(&own);
    return outcome;
}
