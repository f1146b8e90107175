/* SPDX-License-Identifier: Apache-2.0 */
#include "scheduler/schedule.h"

#include "base/clock.h"

#define CHECK_NS        (60 * NS_PER_SECOND) /* between two checks of the wall clock, at most */
#define SKIP_NS         (1 * NS_PER_SECOND)  /* after a skipped run, at least */
#define DAEMON_RETRY_NS (1 * NS_PER_SECOND)  /* while the daemon is unavailable */
#define SPREAD_DIVISOR  10                   /* of the interval, at most */

/* Errors without a retry. For all others a retry shows whether the failure persists. */
static const bool no_retry[ERROR_CODES] = {
    [ERROR_CANCELED] = true,     /* the job was removed, or the run interrupted */
    [ERROR_INVALID] = true,      /* only another configuration helps */
    [ERROR_UNSUPPORTED] = true,  /* the peer does not change soon */
    [ERROR_NOT_COLD] = true,     /* the content stays in the daemon */
    [ERROR_UNAUTHORIZED] = true, /* repeated attempts may lock the account */
    [ERROR_FORBIDDEN] = true,    /* likewise */
    [ERROR_RATE_LIMITED] = true, /* the registry asks for fewer requests */
    [ERROR_LIMIT] = true,        /* internal limits do not change soon */
    [ERROR_NO_SPACE] = true,     /* another pull would fill the disk again */
    [ERROR_MEMORY] = true,       /* likewise */
};

struct moment moment_now(void)
{
    return (struct moment){clock_now_ns(), clock_unix_ns()};
}

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Returns the offset of this job within `range_ns`. */
static int64_t offset_in(int64_t range_ns, uint64_t job)
{
    return range_ns > 0 ? (int64_t)(job % (uint64_t)range_ns) : 0;
}

void schedule_init_inventory(struct schedule *schedule, int64_t interval_ns)
{
    *schedule = (struct schedule){.interval_ns = interval_ns, .retry_ns = DAEMON_RETRY_NS};
}

void schedule_init_probe(struct schedule *schedule, const struct cron *cron, int64_t interval_ns,
                         int64_t retry_ns, int64_t spread_ns, uint64_t job)
{
    int64_t delay_ns = offset_in(min(spread_ns, interval_ns / SPREAD_DIVISOR), job);

    *schedule = (struct schedule){
        .cron = cron,
        .interval_ns = interval_ns,
        .retry_ns = retry_ns,
        .shift_ns = cron ? delay_ns : offset_in(interval_ns, job),
        .delay_ns = delay_ns,
        .by_clock = true,
    };
}

/* Returns the first planned time after `after_ns`, both unix. */
static int64_t next_time(const struct schedule *schedule, int64_t after_ns)
{
    int64_t since_ns = after_ns - schedule->shift_ns;

    if (!schedule->cron)
        return after_ns + schedule->interval_ns - since_ns % schedule->interval_ns;
    return cron_next(schedule->cron, since_ns / NS_PER_SECOND) * NS_PER_SECOND + schedule->shift_ns;
}

/* If the wall clock is set back by less than this, no planned time runs twice. */
static int64_t slack_ns(const struct schedule *schedule)
{
    return schedule->interval_ns / 2 + CHECK_NS;
}

static void plan(struct schedule *schedule, const struct moment *now)
{
    if (schedule->floor_ns_ > now->unix_ns + slack_ns(schedule))
        schedule->floor_ns_ = now->unix_ns;
    schedule->next_ns_ = next_time(schedule, max(schedule->floor_ns_, now->unix_ns));
}

static int64_t set_due(struct schedule *schedule, int64_t due_ns)
{
    schedule->waiting_ = false;
    schedule->due_ns_ = due_ns;
    return due_ns;
}

static int64_t wait_for_plan(struct schedule *schedule, const struct moment *now)
{
    int64_t left_ns = max(schedule->next_ns_ - now->unix_ns, 0);

    set_due(schedule, now->monotonic_ns + min(left_ns, CHECK_NS));
    schedule->waiting_ = true;
    return schedule->due_ns_;
}

int64_t schedule_start(struct schedule *schedule, const struct moment *now)
{
    if (schedule->cron) {
        plan(schedule, now);
        return wait_for_plan(schedule, now);
    }
    schedule->floor_ns_ = now->unix_ns + schedule->delay_ns + schedule->interval_ns / 2 - 1;
    return set_due(schedule, now->monotonic_ns + schedule->delay_ns);
}

/* Returns the next time of the interval, counted from the start, that is not past. */
static int64_t next_since_start(const struct schedule *schedule, int64_t now_ns)
{
    int64_t due_ns = schedule->due_ns_ + schedule->interval_ns;
    int64_t late_ns = now_ns - due_ns;

    if (late_ns > 0)
        due_ns +=
            (late_ns + schedule->interval_ns - 1) / schedule->interval_ns * schedule->interval_ns;
    return due_ns;
}

static bool retries(const struct schedule *schedule, enum error_code code)
{
    if (code == ERROR_NONE || schedule->retry_ns == 0)
        return false;
    return schedule->by_clock ? !no_retry[code] : error_code_is_unreachable(code);
}

int64_t schedule_follow(struct schedule *schedule, const struct outcome *last,
                        const struct moment *now)
{
    int64_t now_ns = now->monotonic_ns, regular_ns, retry_ns = now_ns + schedule->retry_ns;

    if (last->skipped && last->not_before_ns > 0)
        return set_due(schedule, max(last->not_before_ns, now_ns + SKIP_NS));
    if (schedule->by_clock) {
        plan(schedule, now);
        regular_ns = now_ns + schedule->next_ns_ - now->unix_ns;
    } else {
        regular_ns = next_since_start(schedule, now_ns);
    }
    retry_ns = max(retry_ns, last->not_before_ns);
    schedule->retry = !last->skipped && retries(schedule, last->code) && retry_ns < regular_ns;
    if (schedule->retry)
        return set_due(schedule, retry_ns);
    if (last->not_before_ns > regular_ns || !schedule->by_clock)
        return set_due(schedule, max(regular_ns, last->not_before_ns));
    return wait_for_plan(schedule, now);
}

bool schedule_ready(struct schedule *schedule, const struct moment *now, int64_t *due_ns)
{
    if (!schedule->waiting_)
        return true;
    if (now->unix_ns >= schedule->next_ns_) {
        schedule->floor_ns_ = max(schedule->floor_ns_, schedule->next_ns_);
        schedule->waiting_ = false;
        return true;
    }
    plan(schedule, now);
    *due_ns = wait_for_plan(schedule, now);
    return false;
}

void schedule_hasten(struct schedule *schedule, int64_t due_ns)
{
    schedule->retry = false;
    set_due(schedule, due_ns);
}

void schedule_demand(struct schedule *schedule, const struct moment *now, int64_t distance_ns)
{
    schedule_hasten(schedule, now->monotonic_ns);
    schedule->floor_ns_ =
        max(schedule->floor_ns_, now->unix_ns + min(distance_ns, schedule->interval_ns / 2));
}

double schedule_next_unix(const struct schedule *schedule, int64_t due_ns, const struct moment *now)
{
    if (schedule->waiting_)
        return ns_to_seconds(schedule->next_ns_);
    return ns_to_seconds(now->unix_ns + due_ns - now->monotonic_ns);
}
