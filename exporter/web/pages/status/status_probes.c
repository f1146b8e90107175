/* SPDX-License-Identifier: Apache-2.0 */
/* The section of the probes: a card for each, failing ones first and with what to do. */
#include "web/pages/status/status_private.h"

#include "web/pages/html.h"
#include "web/pages/layout.h"
#include "web/pages/reason_help.h"

#include <stdio.h>
#include <string.h>

#define CARDS_PER_PAGE ((size_t)40)
#define NAMED_MAX      ((size_t)5) /* in the verdict */

static const struct {
    const char *word, *color, *card;
} kinds[STATUS_KINDS] = {
    [STATUS_FAILING] = {"failing", "bad", " is-bad"},
    [STATUS_SLOW] = {"slow", "slow", " is-slow"},
    [STATUS_NO_RUN] = {"no run yet", "", ""},
    [STATUS_OK] = {"OK", "good", ""},
};

static void draw(struct buf *out, const struct status_probe *probe)
{
    struct chart_run runs[CHART_RUNS_MAX];

    for (size_t i = 0; i < probe->n_runs; i++)
        runs[i] = (struct chart_run){probe->runs[i]->seconds, chart_kind_of(probe->runs[i])};
    chart_runs(out, runs, probe->n_runs, probe->slow_seconds, probe->timeout_seconds);
}

static size_t failures_of(const struct status_probe *probe)
{
    size_t n = 0;

    for (size_t i = 0; i < probe->n_runs; i++)
        n += probe->runs[i]->reason != ERROR_NONE && probe->runs[i]->reason != ERROR_CANCELED;
    return n;
}

static void print_figure(struct status *status, const struct status_probe *probe)
{
    struct buf *out = &status->body;
    size_t failures = failures_of(probe);

    if (probe->n_runs == 0)
        return;
    buf_append_str(out, "<div class=\"figure\"><a");
    layout_history_href(out, status->context, probe->name);
    buf_append_str(out, ">");
    draw(out, probe);
    buf_printf(out, "</a>%zu %s", probe->n_runs, probe->n_runs == 1 ? "run" : "runs");
    if (failures > 0)
        buf_printf(out, ", <span class=\"bad\">%zu failed</span>", failures);
    if (probe->slow_seconds > 0) {
        buf_append_str(out, ", slow from ");
        html_seconds(out, probe->slow_seconds);
    }
    buf_append_str(out, "</div>");
}

static void print_when(struct status *status, const struct status_probe *probe)
{
    struct buf *out = &status->body;

    html_fill(out, "<p class=\"soft small\">%s", probe->operation);
    if (*probe->engine)
        html_fill(out, " by %s", probe->engine);
    buf_append_str(out, " · ");
    if (probe->last_attempt > 0) {
        buf_append_str(out, "last run ");
        html_time(out, probe->last_attempt, status->now);
        buf_append_str(out, ", took ");
        html_seconds(out, probe->last_seconds);
        buf_append_str(out, " · ");
    }
    if (probe->running)
        buf_append_str(out, "running now");
    else if (probe->next_unix > 0 && probe->next_unix <= status->now)
        buf_append_str(out, "due");
    else {
        buf_append_str(out, "next ");
        html_time(out, probe->next_unix, status->now);
    }
    if (*probe->schedule)
        html_fill(out, ", by <code>%s</code>", probe->schedule);
    else {
        buf_append_str(out, ", every ");
        html_seconds(out, probe->interval_seconds);
    }
    buf_append_str(out, "</p>");
}

static void print_run_link(struct status *status, const struct run_record *run)
{
    buf_append_str(&status->body, "<a");
    layout_open_href(&status->body, status->context, "/history?id=");
    html_query(&status->body, run->id);
    buf_append_str(&status->body, "\">Run and log</a>");
}

/* The message of the last failure, and the help for its reason. */
static void print_failure(struct status *status, const struct status_probe *probe)
{
    const struct run_record *last = status_last_run(probe);
    struct buf *out = &status->body;
    struct reason_help reason_help;

    buf_append_str(out, "<div class=\"why\"><p>First failure ");
    html_time(out, probe->failing_since, status->now);
    if (probe->last_success > 0) {
        buf_append_str(out, "; the last success was ");
        html_time(out, probe->last_success, status->now);
    } else
        buf_append_str(out, "; no success since the exporter started");
    buf_append_str(out, ".</p>");
    if (last && last->reason != ERROR_NONE) {
        reason_help = reason_help_of(last->reason, last->operation);
        buf_printf(out, "<p><strong class=\"bad\">%s</strong> <code>%s</code></p><p class=\"ref\">",
                   reason_help.what, error_code_name(last->reason));
        html_text(out, last->message);
        buf_printf(out, "</p><p><strong>What to do:</strong> %s ", reason_help.todo);
        print_run_link(status, last);
        buf_append_str(out, "</p>");
    }
    buf_append_str(out, "</div>");
}

static void print_slow(struct status *status, const struct status_probe *probe)
{
    const struct run_record *last = status_last_run(probe);
    struct buf *out = &status->body;

    buf_append_str(out, "<div class=\"why is-slow\"><p>The last run took ");
    html_seconds(out, probe->last_seconds);
    if (probe->slow_seconds > 0) {
        buf_append_str(out, ", which is slow: the limit is ");
        html_seconds(out, probe->slow_seconds);
    }
    buf_append_str(out, ". The phases of the run show where the time went. ");
    if (last)
        print_run_link(status, last);
    buf_append_str(out, "</p></div>");
}

static void print_card(struct status *status, const struct status_probe *probe)
{
    struct buf *out = &status->body;

    buf_printf(out, "<article class=\"card probe%s\" id=\"probe-%zu\"><div><h3><a",
               kinds[probe->kind].card, (size_t)(probe - status->probes));
    layout_history_href(out, status->context, probe->name);
    html_fill(out, ">%s</a> <span class=\"tag %s\">%s</span></h3><p class=\"ref\">%s</p>",
              probe->name, kinds[probe->kind].color, kinds[probe->kind].word, probe->image);
    print_when(status, probe);
    buf_append_str(out, "</div>");
    print_figure(status, probe);
    if (probe->kind == STATUS_FAILING)
        print_failure(status, probe);
    else if (probe->kind == STATUS_SLOW)
        print_slow(status, probe);
    buf_append_str(out, "</article>\n");
}

static void print_pages(struct status *status, uint64_t number, size_t n_pages)
{
    struct buf *out = &status->body;

    if (n_pages <= 1)
        return;
    buf_append_str(out, "<div class=\"pages\" role=\"navigation\" aria-label=\"Pages of probes\">");
    for (int step = -1; step <= 1; step += 2) {
        if ((step < 0 && number <= 1) || (step > 0 && number >= n_pages))
            continue;
        buf_append_str(out, "<a");
        layout_open_href(out, status->context, "/?page=");
        buf_printf(out, "%llu#probes\">%s</a>",
                   (unsigned long long)(step < 0 ? number - 1 : number + 1),
                   step < 0 ? "Previous" : "Next");
    }
    buf_printf(out, "<span class=\"soft\">page %llu of %zu, failing probes first</span></div>\n",
               (unsigned long long)number, n_pages);
}

/* One bar for all probes. */
static void print_summary(struct status *status)
{
    static const char *const colors[] = {"cb", "c2", "cr", "c0"};
    static const char *const words[] = {"failing", "slow", "no run yet", "OK"};
    struct chart_part parts[STATUS_KINDS];
    struct buf *out = &status->body;

    for (int kind = 0; kind < STATUS_KINDS; kind++)
        parts[kind] = (struct chart_part){words[kind], colors[kind], (double)status->count[kind]};
    chart_share(out, parts, STATUS_KINDS, (double)status->n_probes, "the numbers follow");
    buf_printf(out, "<p class=\"small legend\"><span>%zu %s</span>", status->n_probes,
               status->n_probes == 1 ? "probe" : "probes");
    for (int kind = 0; kind < STATUS_KINDS; kind++)
        if (status->count[kind] > 0)
            buf_printf(out, "<span><span class=\"key %s\"></span>%zu %s</span>", colors[kind],
                       status->count[kind], words[kind]);
    buf_append_str(out, "</p>\n");
}

/* Adds the first failing probes to the verdict. */
static void report_failures(struct status *status, uint64_t number)
{
    size_t n = status->count[STATUS_FAILING];
    char anchor[32];

    for (size_t i = 0; i < n && i < NAMED_MAX; i++) {
        const struct run_record *last = status_last_run(&status->probes[i]);
        snprintf(anchor, sizeof(anchor), number == 1 ? "probe-%zu" : "probes", i);
        status_problem(status, true, anchor, "%.200s: %s", status->probes[i].name,
                       last && last->reason != ERROR_NONE
                           ? reason_help_of(last->reason, last->operation).what
                           : "the last run failed");
    }
    if (n > NAMED_MAX)
        status_problem(status, true, "probes", "and %zu more", n - NAMED_MAX);
}

void status_print_probes(struct status *status, uint64_t number)
{
    size_t n_pages = (status->n_probes + CARDS_PER_PAGE - 1) / CARDS_PER_PAGE, from, to;
    struct buf *out = &status->body;

    buf_append_str(out, "<section aria-labelledby=\"probes\"><h2 id=\"probes\">Probes</h2>\n");
    if (status->n_probes == 0)
        buf_append_str(out, "<p class=\"card\">No probe is configured, so pulls and pushes are not "
                            "measured. Add probes below <code>probes:</code> in the "
                            "configuration file and reload.</p>\n");
    else
        print_summary(status);
    if (number > n_pages)
        number = n_pages > 0 ? n_pages : 1;
    from = (size_t)(number - 1) * CARDS_PER_PAGE;
    to = from + CARDS_PER_PAGE < status->n_probes ? from + CARDS_PER_PAGE : status->n_probes;
    for (size_t i = from; i < to; i++)
        print_card(status, &status->probes[i]);
    print_pages(status, number, n_pages);
    buf_append_str(out, "</section>\n");
    report_failures(status, number);
    if (status->count[STATUS_SLOW] > 0)
        status_problem(status, false, "probes", "%zu %s slow", status->count[STATUS_SLOW],
                       status->count[STATUS_SLOW] == 1 ? "probe is" : "probes are");
}
