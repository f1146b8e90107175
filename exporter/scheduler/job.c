/* SPDX-License-Identifier: Apache-2.0 */
#include "scheduler/job.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config_job.h"

#include <string.h>

#define SNAPSHOT_LIMIT_BYTES ((size_t)8 << 20)
#define REPORT_LIMIT_BYTES   ((size_t)8 << 10)

enum {
    SUCCESS,
    FAILURE,
    DURATION,
    LAST_UPDATE,
};

const struct metric_family job_families[] = {
    [SUCCESS] = {METRIC_GAUGE,
                 "containerd_exporter_collector_success",
                 "Whether the last run of the collector succeeded.",
                 {"collector"}},
    [FAILURE] = {METRIC_INFO,
                 "containerd_exporter_collector_failure_info",
                 "Why the last run of the collector failed; absent if it succeeded.",
                 {"collector", "reason"}},
    [DURATION] = {METRIC_GAUGE,
                  "containerd_exporter_collector_duration_seconds",
                  "Duration of the last run of the collector.",
                  {"collector"}},
    [LAST_UPDATE] = {METRIC_GAUGE,
                     "containerd_inventory_last_update_timestamp_seconds",
                     "Time of the last successful run of the collector; its values are from then.",
                     {"collector"},
                     .query = "time() - containerd_inventory_last_update_timestamp_seconds > 300"},
    {0},
};

static bool make_initial(struct job *job, struct error *err)
{
    const struct collector *collector = job->plan.collector;

    if (!collector->begin)
        return true;
    job->initial = snapshot_new(collector->families, SNAPSHOT_LIMIT_BYTES);
    if (!job->initial)
        return error_memory(err);
    collector->begin(job->plan.state, job->initial);
    return snapshot_ok(job->initial, err);
}

struct job *job_new(struct board *board, struct config_job *plan, struct node *node,
                    struct error *err)
{
    CLEANUP(job_freep) struct job *job = calloc(1, sizeof(*job));
    const struct collector *collector = plan->collector;
    bool reports = collector->lane != LANE_PROBE;

    if (!job) {
        error_memory(err);
        return NULL;
    }
    job->plan = *plan;
    plan->arena = NULL;
    job->context = (struct job_context){.name = job->plan.name, .node = node};
    job->slot = board_add(board, collector->name);
    job->report_slot = reports ? board_add(board, collector->name) : NULL;
    if (!job->slot || (reports && !job->report_slot)) {
        error_memory(err);
        return NULL;
    }
    if (collector->open && !collector->open(job->plan.state, &job->context, err)) {
        error_wrap(err, "%s", job->plan.name);
        return NULL;
    }
    job->opened = true;
    return make_initial(job, err) ? TAKE(job) : NULL;
}

void job_show(struct job *job)
{
    if (job->initial)
        board_post(job->slot, job->initial);
    snapshot_unref(TAKE(job->initial));
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
    snapshot_unref(job->initial);
    config_job_release(&job->plan);
    free(job);
}

void jobs_free(struct job *first)
{
    while (first) {
        struct job *next = first->next;

        job_free(first);
        first = next;
    }
}

bool job_matches(const struct job *job, const struct config_job *plan)
{
    return job->plan.collector == plan->collector && strcmp(job->plan.name, plan->name) == 0 &&
           strcmp(job->plan.fingerprint, plan->fingerprint) == 0;
}

/* Log lines of a probe have the id of the run in the history. */
#define LOG_RUN(run, level, ...)                                                           \
    log_line((run)->progress ? LOG_PROBER : LOG_GENERAL, (level), __FILE_NAME__, __LINE__, \
             (run)->progress ? LOG_PAIRS("run", (run)->progress->id) : NULL, __VA_ARGS__)

/* Logs changes only; repeated failures are logged at debug level. Only collectors with
 * reports_runtime log that the daemon is unavailable. */
static void log_change(struct job *job, const struct run *run, bool ok, const struct error *err)
{
    const struct collector *collector = job->plan.collector;
    const char *kind = collector->lane == LANE_PROBE ? "probe" : "collector";

    if (!ok && error_code_is_unreachable(err->code) && !collector->reports_runtime)
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

/* `reason` ERROR_NONE: the run succeeded. */
static void post_report(struct job *job, enum error_code reason, int64_t start_ns)
{
    bool ok = reason == ERROR_NONE;
    CLEANUP(snapshot_unrefp)
    struct snapshot *report = snapshot_new(job_families, REPORT_LIMIT_BYTES);
    const char *collector = job->plan.name;

    if (!report)
        return;
    if (ok)
        job->last_success = clock_unix_seconds();
    snapshot_add(report, SUCCESS, ok, collector);
    if (!ok)
        snapshot_add(report, FAILURE, 1, collector, error_code_name(reason));
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
    bool ok = out || error_memory(err), interrupted;

    run->out = out;
    ok = ok && collector->run(job->plan.state, run, err) && snapshot_ok(out, err);
    if (ok)
        *err = (struct error){0};
    if (run->skipped)
        return (struct outcome){ERROR_NONE, true, run->not_before_ns};
    if (out)
        board_post(job->slot, out);
    if (job->report_slot)
        post_report(job, err->code, start_ns);
    interrupted = !ok && run_was_interrupted(run, err);
    if (!interrupted)
        log_change(job, run, ok, err);
    log_warning(job, run);
    return (struct outcome){interrupted ? ERROR_CANCELED : err->code, false, run->not_before_ns};
}

static void begin_record(const struct job *job, const struct run_options *options,
                         struct run_record *record)
{
    int64_t left_ns = options->cancel->deadline_ns - clock_now_ns();

    *record = (struct run_record){.probe = job->plan.name,
                                  .operation = job->plan.collector->name,
                                  .engine = "",
                                  .registry = "",
                                  .image = "",
                                  .host = "",
                                  .digest = "",
                                  .trigger = options->trigger,
                                  .start = clock_unix_seconds(),
                                  .seconds = -1,
                                  .timeout_seconds = left_ns > 0 ? ns_to_seconds(left_ns) : 0};
}

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
        buf_printf(log, "... and %u more lines\n", lost);
    record->log = log->data ? log->data : "";
}

static struct outcome run_probe(struct job *job, const struct run_options *options, struct run *run,
                                struct progress *progress)
{
    CLEANUP(buf_deinit) struct buf log = BUF_INIT(2 * PROGRESS_LOG_BYTES);
    struct run_record record;
    struct error err = {0};
    struct outcome outcome;

    begin_record(job, options, &record);
    run->progress = progress;
    run->record = &record;
    outcome = measure(job, run, &err);
    end_record(&record, run, &err, &log);
    if (!outcome.skipped && options->history)
        history_add(options->history, &record);
    if (options->report)
        options->report(job, &record, !outcome.skipped && !run_was_interrupted(run, &err));
    return outcome;
}

struct outcome job_run(struct job *job, const struct run_options *options)
{
    struct run run = {.node = job->context.node,
                      .cancel = options->cancel,
                      .retry = options->trigger == RUN_RETRY,
                      .deadline_shortened = options->deadline_shortened};
    struct progress own;
    struct error err = {0};
    struct outcome outcome;

    if (job->plan.collector->lane != LANE_PROBE) {
        outcome = measure(job, &run, &err);
        if (options->failure)
            *options->failure = err;
        return outcome;
    }
    if (options->progress)
        return run_probe(job, options, &run, options->progress);
    progress_init(&own);
    outcome = run_probe(job, options, &run, &own);
    progress_deinit(&own);
    return outcome;
}
