/* SPDX-License-Identifier: Apache-2.0 */
#include "web/pages/status/status.h"

#include "base/clock.h"
#include "web/pages/html.h"
#include "web/pages/layout.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)16 << 20)
#define LINE_BYTES        512

static int by_name(const void *a, const void *b)
{
    const struct status_probe *left = a, *right = b;

    return strcmp(left->name, right->name);
}

static int by_kind_then_name(const void *a, const void *b)
{
    const struct status_probe *left = a, *right = b;

    return left->kind != right->kind ? (int)left->kind - (int)right->kind : by_name(a, b);
}

static bool make_room(struct status *status)
{
    size_t capacity = status->capacity_ ? 2 * status->capacity_ : 64;
    struct status_probe *probes;

    if (status->n_probes < status->capacity_)
        return true;
    probes = realloc(status->probes, capacity * sizeof(*probes));
    if (!probes)
        return false;
    status->probes = probes;
    status->capacity_ = capacity;
    return true;
}

void status_add(void *arg, const struct probe_status *probe)
{
    struct status *status = arg;
    struct status_probe *added;

    if (status->n_probes >= STATUS_PROBES_MAX || !make_room(status))
        return;
    added = &status->probes[status->n_probes];
    *added = (struct status_probe){
        .name = arena_strdup(&status->arena, probe->name),
        .operation = arena_strdup(&status->arena, probe->operation),
        .schedule = arena_strdup(&status->arena, probe->schedule ? probe->schedule : ""),
        .engine = "",
        .registry = "",
        .image = "",
        .interval_seconds = ns_to_seconds(probe->interval_ns),
        .timeout_seconds = ns_to_seconds(probe->timeout_ns),
        .slow_seconds = ns_to_seconds(probe->slow_ns),
        .next_unix = probe->next_unix,
        .running = probe->running,
        .success = -1,
    };
    if (added->name && added->operation && added->schedule)
        status->n_probes++;
}

static void add_failure(void *arg, const struct collector_failure *failure)
{
    struct status *status = arg;
    struct status_failure added = {arena_strdup(&status->arena, failure->collector),
                                   arena_strdup(&status->arena, failure->message)};

    if (added.collector && added.message && status->n_failures < STATUS_FAILURES_MAX)
        status->failures[status->n_failures++] = added;
}

static struct status_probe *find(struct status *status, const char *name)
{
    struct status_probe key = {.name = name};

    return status->n_probes == 0
               ? NULL
               : bsearch(&key, status->probes, status->n_probes, sizeof(key), by_name);
}

static void take_names(struct status_probe *probe, const struct metric_family *family,
                       const struct sample *sample)
{
    probe->engine = board_label(family, sample, "engine");
    probe->registry = board_label(family, sample, "registry");
    probe->image = board_label(family, sample, "image");
}

static void take_success(struct status_probe *probe, const struct metric_family *family,
                         const struct sample *sample)
{
    (void)family;
    probe->success = sample->value > 0;
}

static void take_last_attempt(struct status_probe *probe, const struct metric_family *family,
                              const struct sample *sample)
{
    (void)family;
    probe->last_attempt = sample->value;
}

static void take_last_success(struct status_probe *probe, const struct metric_family *family,
                              const struct sample *sample)
{
    (void)family;
    probe->last_success = sample->value;
}

static void take_seconds(struct status_probe *probe, const struct metric_family *family,
                         const struct sample *sample)
{
    (void)family;
    probe->last_seconds = sample->value;
}

static void join_board(struct status *status)
{
    static const struct {
        const char *family;
        void (*take)(struct status_probe *probe, const struct metric_family *family,
                     const struct sample *sample);
    } sources[] = {
        {"image_canary_info", take_names},
        {"image_canary_success", take_success},
        {"image_canary_last_attempt_timestamp_seconds", take_last_attempt},
        {"image_canary_last_success_timestamp_seconds", take_last_success},
        {"image_canary_last_duration_seconds", take_seconds},
    };

    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        struct board_cursor at = {0};
        const struct sample *sample;
        while ((sample = board_next(status->view, sources[i].family, &at))) {
            struct status_probe *probe = find(status, board_label(at.family, sample, "probe"));
            if (probe)
                sources[i].take(probe, at.family, sample);
        }
    }
}

static void join_history(struct status *status)
{
    for (size_t i = 0; status->history && i < status->history->count; i++) {
        const struct run_record *record = status->history->records[i];
        struct status_probe *probe = find(status, record->probe);
        if (probe && probe->n_runs < CHART_RUNS_MAX)
            probe->runs[probe->n_runs++] = record;
    }
}

const struct run_record *status_last_run(const struct status_probe *probe)
{
    for (size_t i = 0; i < probe->n_runs; i++)
        if (probe->runs[i]->reason != ERROR_CANCELED)
            return probe->runs[i];
    return NULL;
}

/* The end of the oldest failure since the last success. */
static double failing_since(const struct status_probe *probe)
{
    double since = probe->last_attempt;

    for (size_t i = 0; i < probe->n_runs && probe->runs[i]->reason != ERROR_NONE; i++)
        if (probe->runs[i]->reason != ERROR_CANCELED)
            since = probe->runs[i]->start + probe->runs[i]->seconds;
    return since;
}

static void decide_kind(struct status_probe *probe)
{
    const struct run_record *last = status_last_run(probe);

    if (last && last->start + last->seconds >= probe->last_attempt - 1) {
        probe->success = last->reason == ERROR_NONE;
        probe->last_seconds = last->seconds;
        probe->last_attempt = last->start + last->seconds;
    }
    for (size_t i = 0; i < probe->n_runs && !(probe->last_success > 0); i++)
        if (probe->runs[i]->reason == ERROR_NONE)
            probe->last_success = probe->runs[i]->start + probe->runs[i]->seconds;
    if (probe->success < 0)
        probe->kind = STATUS_NO_RUN;
    else if (!probe->success)
        probe->kind = STATUS_FAILING;
    else
        probe->kind = last && last->slow ? STATUS_SLOW : STATUS_OK;
    if (probe->kind == STATUS_FAILING)
        probe->failing_since = failing_since(probe);
}

bool status_join(struct status *status, struct error *err)
{
    if (status->n_probes > 0)
        qsort(status->probes, status->n_probes, sizeof(status->probes[0]), by_name);
    join_board(status);
    join_history(status);
    for (size_t i = 0; i < status->n_probes; i++) {
        decide_kind(&status->probes[i]);
        status->count[status->probes[i].kind]++;
    }
    if (status->n_probes > 0)
        qsort(status->probes, status->n_probes, sizeof(status->probes[0]), by_kind_then_name);
    return arena_ok(&status->arena, err);
}

bool status_init(struct status *status, const struct page_context *context, struct error *err)
{
    *status = (struct status){
        .context = context,
        .now = clock_unix_seconds(),
        .arena = ARENA_INIT(ARENA_LIMIT_BYTES),
        .body = BUF_INIT(LAYOUT_LIMIT_BYTES),
        .problems = BUF_INIT(LAYOUT_LIMIT_BYTES),
        .warnings = BUF_INIT(LAYOUT_LIMIT_BYTES),
    };
    if (context->scheduler)
        scheduler_probes(context->scheduler, status_add, status);
    if (context->scheduler)
        scheduler_failures(context->scheduler, add_failure, status);
    if (context->history)
        status->history = history_find(context->history, NULL, NULL, 0);
    status->first_runs_done = context->scheduler && scheduler_ready(context->scheduler);
    status->view = board_view_new(context->board);
    if (status->view && (status->history || !context->history))
        return true;
    status_deinit(status);
    return error_memory(err);
}

void status_deinit(struct status *status)
{
    if (status->view)
        board_view_free(TAKE(status->view));
    if (status->history)
        history_list_free(TAKE(status->history));
    arena_deinit(&status->arena);
    buf_deinit(&status->body);
    buf_deinit(&status->problems);
    buf_deinit(&status->warnings);
    free(TAKE(status->probes));
}

void status_problem(struct status *status, bool is_problem, const char *anchor, const char *fmt,
                    ...)
{
    struct buf *list = is_problem ? &status->problems : &status->warnings;
    char line[LINE_BYTES];
    va_list args;

    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    *(is_problem ? &status->n_problems : &status->n_warnings) += 1;
    html_fill(list, "<li><a class=\"%s\" href=\"#%s\">%s</a></li>", is_problem ? "bad" : "slow",
              anchor, line);
}

bool status_value(const struct status *status, const char *family, double *value)
{
    struct board_cursor at = {0};
    const struct sample *sample = board_next(status->view, family, &at);

    if (sample)
        *value = sample->value;
    return sample != NULL;
}

const char *status_failure_reason(const struct status *status, const char *collector)
{
    struct board_cursor at = {0};
    const struct sample *sample;

    while ((sample = board_next(status->view, "containerd_exporter_collector_failure_info", &at)))
        if (strcmp(board_label(at.family, sample, "collector"), collector) == 0)
            return board_label(at.family, sample, "reason");
    return "";
}

bool status_is_forbidden(const struct status *status, const char *collector)
{
    return strcmp(status_failure_reason(status, collector),
                  error_code_name(ERROR_RUNTIME_FORBIDDEN)) == 0;
}

const char *status_failure_message(const struct status *status, const char *collector)
{
    for (size_t i = 0; i < status->n_failures; i++)
        if (strcmp(status->failures[i].collector, collector) == 0)
            return status->failures[i].message;
    return "";
}
