/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the status page tells: the probes as they are configured, what the board says of them, and
 * their last runs, joined by name; then the sections of the page, each printed by a file of its
 * own. A section that knows of trouble says so, and the verdict on top is made of that.
 */
#ifndef WEB_PAGES_STATUS_H
#define WEB_PAGES_STATUS_H

#include "scheduler/scheduler_view.h"
#include "web/pages/charts.h"
#include "web/web.h"

#define STATUS_PROBES_MAX ((size_t)20000)

enum status_kind { /* in the order in which people want to see them */
    STATUS_FAILING,
    STATUS_SLOW,
    STATUS_UNTRIED,
    STATUS_WELL,
    STATUS_KINDS,
};

struct status_probe {
    const char *name, *operation, *engine, *registry, *image, *schedule;
    double interval_seconds, timeout_seconds;
    double slow_seconds; /* 0: no run is slow */
    double next_unix;
    bool running;
    int success; /* of the last run that counted; -1: there was none */
    double last_attempt, last_success, last_seconds; /* timestamps 0: never */
    double failing_since;                            /* 0: it does not fail */
    enum status_kind kind;
    const struct run_record *runs[CHART_RUNS_MAX]; /* newest first */
    size_t n_runs;
};

struct status {
    const struct web_options *options;
    double now;
    bool tried; /* the inventory: what is not on the board now, nobody asks for */
    struct board_view *view;
    struct history_list *history;
    struct arena arena;
    struct status_probe *probes; /* by kind, then by name */
    size_t n_probes, count[STATUS_KINDS];
    size_t capacity_; /* private */

    struct buf body;              /* the sections of the page */
    struct buf troubles, remarks; /* lines of the verdict */
    size_t n_bad, n_slow;
};

/* scheduler NULL: the probes are those that status_add() is given before status_join(). */
bool status_init(struct status *status, const struct web_options *options,
                 struct error *err) MUST_CHECK;
void status_add(void *status, const struct probe_status *probe);
bool status_join(struct status *status, struct error *err) MUST_CHECK;
void status_deinit(struct status *status);

/* The run that tells how the probe is: the newest that was not canceled. */
const struct run_record *status_last_run(const struct status_probe *probe);

/* A line of the verdict, linked to its section. */
void status_trouble(struct status *status, bool bad, const char *anchor, const char *fmt, ...)
    PRINTF(4, 5);

/* The first sample of a family; false where nothing was posted. */
bool status_value(const struct status *status, const char *family, double *value);

/* The whole page, after status_join(). */
bool status_print(struct status *status, uint64_t page, unsigned refresh_seconds, struct buf *out,
                  struct error *err) MUST_CHECK;

/* The sections. */
void status_print_probes(struct status *status, uint64_t page);
void status_print_daemons(struct status *status);
void status_print_images(struct status *status);
void status_print_plugins(struct status *status);
void status_print_disk(struct status *status);
void status_print_registries(struct status *status);
void status_print_collectors(struct status *status);

#endif
