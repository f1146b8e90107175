/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job.h"

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

static const struct metric_family report_families[] = {
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
                     {"collector"}},
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

struct job *job_new(struct board *board, struct config_job *plan, struct shared *shared,
                    struct error *err)
{
    CLEANUP(job_freep) struct job *job = calloc(1, sizeof(*job));

    if (!job) {
        error_memory(err);
        return NULL;
    }
    job->plan = *plan;
    plan->arena = NULL;
    job->context = (struct job_context){.name = job->plan.name, .shared = shared};
    job->slot = board_add(board);
    if (job->plan.collector->lane != LANE_PROBE)
        job->report_slot = board_add(board);
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

/* Logs changes only: a target that is down for a day is one line. That the daemon is gone is
 * said once, by the collector whose business it is. */
static void log_change(struct job *job, bool ok, const struct error *err)
{
    const struct collector *collector = job->plan.collector;
    const char *kind = collector->lane == LANE_PROBE ? "probe" : "collector";

    if (!ok && err->code == ERROR_RUNTIME_UNAVAILABLE && !collector->reports_runtime)
        return;
    if (!ok && err->code == ERROR_CANCELED)
        return;
    if (ok && job->failing)
        log_info("%s %s works again", kind, job->plan.name);
    if (!ok && !job->failing)
        log_warn("%s %s fails, reason %s: %s", kind, job->plan.name, error_code_name(err->code),
                 err->message);
    job->failing = !ok;
}

static void log_warning(struct job *job, const struct error *warning)
{
    bool warns = warning->code != ERROR_NONE;

    if (warns && !job->warned)
        log_warn("%s: %s", job->plan.name, warning->message);
    job->warned = warns;
}

static void post_report(struct job *job, bool ok, int64_t start_ns)
{
    CLEANUP(snapshot_unrefp)
    struct snapshot *report = snapshot_new(report_families, REPORT_LIMIT_BYTES);
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

struct outcome job_run(struct job *job, struct cancel *cancel)
{
    const struct collector *collector = job->plan.collector;
    int64_t start_ns = clock_now_ns();
    CLEANUP(snapshot_unrefp)
    struct snapshot *out = snapshot_new(collector->families, SNAPSHOT_LIMIT_BYTES);
    struct run run = {.out = out, .cancel = cancel, .retry = job->schedule.retry};
    struct error err = {0};
    bool ok = out || error_memory(&err);

    ok = ok && collector->run(job->plan.state, &run, &err) && snapshot_ok(out, &err);
    if (run.skipped)
        return (struct outcome){.skipped = true, .not_before_ns = run.not_before_ns};
    if (out)
        board_post(job->slot, out);
    if (job->report_slot)
        post_report(job, ok, start_ns);
    log_change(job, ok, &err);
    log_warning(job, &run.warning);
    return (struct outcome){.code = ok ? ERROR_NONE : err.code, .not_before_ns = run.not_before_ns};
}
