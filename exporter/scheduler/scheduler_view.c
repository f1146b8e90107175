/* SPDX-License-Identifier: Apache-2.0 */
#include "scheduler/scheduler_view.h"

#include "base/clock.h"
#include "config/config_dump.h"
#include "scheduler/scheduler_private.h"

#include <string.h>

bool scheduler_settings(struct scheduler *scheduler, const char *probe, struct buf *out)
{
    const struct job *job;
    LOCK_SCOPE(&scheduler->lock);

    job = scheduler_find_probe(scheduler, probe);
    if (job)
        config_dump_job(&(struct config_dump){.out = out}, &job->plan);
    return job;
}

void scheduler_config(struct scheduler *scheduler, struct buf *out)
{
    struct config_dump inventory = {out, 4, false};
    LOCK_SCOPE(&scheduler->lock);

    for (const struct job *job = scheduler->jobs; job; job = job->next)
        if (job->plan.collector->lane != LANE_PROBE) {
            config_dump_heading(&(struct config_dump){out, 2}, job->plan.name);
            config_dump_job(&inventory, &job->plan);
        }
    config_dump_heading(&(struct config_dump){out}, "probes");
    for (const struct job *job = scheduler->jobs; job; job = job->next)
        if (job->plan.collector->lane == LANE_PROBE)
            config_dump_job(&(struct config_dump){out, 4, true}, &job->plan);
}

static int64_t slow_ns(const struct config_job *plan)
{
    return plan->collector->slow_ns ? plan->collector->slow_ns(plan->state) : 0;
}

void scheduler_probes(struct scheduler *scheduler,
                      void (*visit)(void *arg, const struct probe_status *probe), void *arg)
{
    const struct moment now = moment_now();
    LOCK_SCOPE(&scheduler->lock);

    for (const struct job *job = scheduler->jobs; job; job = job->next) {
        const struct probe_status status = {
            .name = job->plan.name,
            .operation = job->plan.collector->name,
            .schedule = job->plan.schedule,
            .interval_ns = job->plan.interval_ns,
            .timeout_ns = job->plan.timeout_ns,
            .slow_ns = slow_ns(&job->plan),
            .next_unix = job->running ? 0 : schedule_next_unix(&job->schedule, job->due_ns, &now),
            .running = job->running != NULL,
        };

        if (job->plan.collector->lane == LANE_PROBE)
            visit(arg, &status);
    }
}

void scheduler_failures(struct scheduler *scheduler,
                        void (*visit)(void *arg, const struct collector_failure *failure),
                        void *arg)
{
    LOCK_SCOPE(&scheduler->lock);

    for (const struct job *job = scheduler->jobs; job; job = job->next)
        if (job->failure.code != ERROR_NONE)
            visit(arg, &(struct collector_failure){job->plan.name, job->failure.message});
}
