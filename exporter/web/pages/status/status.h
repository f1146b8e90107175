/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data of the status page: the configured probes, what the board reports of them and their last
 * runs, joined by name. Then the sections of the page, each printed by a file of its own. A section
 * reports problems and warnings, which become the verdict at the top.
 */
#pragma once

#include "scheduler/scheduler_view.h"
#include "web/pages/charts.h"
#include "web/pages/page.h"

#define STATUS_PROBES_MAX   ((size_t)20000)
#define STATUS_FAILURES_MAX 64 /* more than there are collectors */

enum status_kind { /* in the order of the page */
    STATUS_FAILING,
    STATUS_SLOW,
    STATUS_NO_RUN,
    STATUS_OK,
    STATUS_KINDS,
};

struct status_probe {
    const char *name, *operation, *engine, *registry, *image, *schedule;
    double interval_seconds, timeout_seconds;
    double slow_seconds; /* 0: no limit */
    double next_unix;
    bool running;
    int success; /* of the last run that was not canceled; -1: no run */
    double last_attempt, last_success, last_seconds; /* timestamps 0: never */
    double failing_since;                            /* 0: it is not failing */
    enum status_kind kind;
    const struct run_record *runs[CHART_RUNS_MAX]; /* newest first */
    size_t n_runs;
};

/* The last error of a failing collector. */
struct status_failure {
    const char *collector, *message;
};

struct status {
    const struct page_context *context;
    double now;
    bool first_runs_done; /* collectors that have no samples by now are switched off */
    struct board_view *view;
    struct history_list *history;
    struct arena arena;
    struct status_probe *probes; /* by kind, then by name */
    size_t n_probes, count[STATUS_KINDS];
    size_t capacity_; /* private */
    struct status_failure failures[STATUS_FAILURES_MAX];
    size_t n_failures;

    struct buf body;               /* the sections of the page */
    struct buf problems, warnings; /* lines of the verdict, as HTML */
    size_t n_problems, n_warnings;
};

/* With a NULL scheduler the caller adds the probes by status_add() before status_join(). */
bool status_init(struct status *status, const struct page_context *context,
                 struct error *err) MUST_CHECK;
void status_add(void *status, const struct probe_status *probe);
bool status_join(struct status *status, struct error *err) MUST_CHECK;
void status_deinit(struct status *status);

/* The newest run that was not canceled; or NULL. */
const struct run_record *status_last_run(const struct status_probe *probe);

/* Adds a line to the verdict, linked to its section: a problem, or a warning. */
void status_problem(struct status *status, bool is_problem, const char *anchor, const char *fmt,
                    ...) PRINTF(4, 5);

/* Why the last run of a collector failed: the `reason` label, and the message. "" if it succeeded,
 * or if that is unknown. */
const char *status_failure_reason(const struct status *status, const char *collector);

/* Whether that reason is that the exporter may not use the socket: the daemon may be well. */
bool status_is_forbidden(const struct status *status, const char *collector);
const char *status_failure_message(const struct status *status, const char *collector);

/* The first sample of a family; false if the board has none. */
bool status_value(const struct status *status, const char *family, double *value);
