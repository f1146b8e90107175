/* SPDX-License-Identifier: Apache-2.0 */
#include "web/pages/page.h"

#include "base/clock.h"
#include "scheduler/scheduler_view.h"
#include "web/pages/charts.h"
#include "web/pages/history_json.h"
#include "web/pages/html.h"
#include "web/pages/layout.h"
#include "web/pages/run_card.h"

#include <string.h>

#define JSON             "application/json; charset=utf-8"
#define RUNS_DEFAULT     30
#define RUNS_MAX         1000
#define FULL_BYTES       ((size_t)1 << 20)  /* a page of this size gets no more runs */
#define JSON_LIMIT_BYTES ((size_t)32 << 20) /* more than a history can hold */
#define OPTIONS_MAX      2000               /* probes in the drop-down list */
#define BAD_PARAMETER                                                                         \
    "Invalid parameter: expected probe and id as text, limit from 1 to 1000, format html or " \
    "json, "                                                                                  \
    "only=failures; each at most once."

struct history_query {
    const char *probe, *id; /* NULL: any */
    bool json, failures;
    uint64_t limit;
};

/* An empty value counts as absent: forms send them. */
static bool read_text(const struct exchange *exchange, const char *name, const char **value)
{
    if (!layout_parameter(exchange, name, value))
        return false;
    if (*value && !**value)
        *value = NULL;
    return true;
}

static bool read_query(const struct exchange *exchange, struct history_query *query)
{
    const char *format, *only;
    bool ok = read_text(exchange, "format", &format) && read_text(exchange, "only", &only);

    query->json = ok && format && strcmp(format, "json") == 0;
    if (!ok || (format && !query->json && strcmp(format, "html") != 0))
        return false;
    query->failures = only != NULL;
    if (only && strcmp(only, "failures") != 0)
        return false;
    return read_text(exchange, "probe", &query->probe) && read_text(exchange, "id", &query->id) &&
           layout_number(exchange, "limit", RUNS_DEFAULT, RUNS_MAX, &query->limit);
}

struct probe_list {
    struct buf *out; /* NULL: only search */
    const char *query;
    bool found;
    size_t n;
};

static void print_option(void *arg, const struct probe_status *probe)
{
    struct probe_list *list = arg;
    bool is_wanted = list->query && strcmp(probe->name, list->query) == 0;

    list->found |= is_wanted;
    if (!list->out || (list->n++ >= OPTIONS_MAX && !is_wanted))
        return;
    buf_append_str(list->out, "<option");
    html_attribute(list->out, "value", probe->name);
    buf_append_str(list->out, is_wanted ? " selected>" : ">");
    html_fill(list->out, "%s</option>", probe->name);
}

static bool is_configured(const struct page_context *context, const char *probe)
{
    struct probe_list list = {.query = probe};

    if (context->scheduler)
        scheduler_probes(context->scheduler, print_option, &list);
    return list.found;
}

static void print_form(struct buf *out, const struct page_context *context,
                       const struct history_query *query)
{
    struct probe_list list = {.out = out, .query = query->probe};

    buf_append_str(out, "<form method=\"get\"><label>Probe<br><select name=\"probe\"><option "
                        "value=\"\">all</option>");
    if (context->scheduler)
        scheduler_probes(context->scheduler, print_option, &list);
    buf_printf(out,
               "</select></label><label>Runs<br><select name=\"only\"><option value=\"\">all"
               "</option><option value=\"failures\"%s>failures only</option></select></label>"
               "<button>Show</button></form>\n",
               query->failures ? " selected" : "");
}

/* Fills in the matching runs, newest first. */
static size_t filter_runs(const struct history_list *list, const struct history_query *query,
                          const struct run_record **chosen)
{
    size_t n = 0;

    for (size_t i = 0; i < list->count && n < query->limit; i++)
        if (!query->failures || chart_kind_of(list->records[i]) == CHART_FAILURE)
            chosen[n++] = list->records[i];
    return n;
}

static void print_chart(struct buf *out, const struct page_context *context,
                        const struct run_record *const *records, size_t n)
{
    struct chart_run runs[CHART_RUNS_MAX];

    if (n > CHART_RUNS_MAX)
        n = CHART_RUNS_MAX;
    for (size_t i = 0; i < n; i++)
        runs[i] = (struct chart_run){records[i]->seconds, chart_kind_of(records[i])};
    buf_append_str(out, "<div class=\"card\">");
    chart_runs(out, runs, n, 0, n > 0 ? records[0]->timeout_seconds : 0);
    buf_append_str(out, "<p class=\"small\"><a rel=\"nofollow\"");
    layout_open_href(out, context, "/probe?debug=true&target=");
    html_query(out, records[0]->probe);
    buf_append_str(out, "\">Run now</a>, with log and metrics</p></div>\n");
}

static void print_more(struct buf *out, const struct page_context *context,
                       const struct history_query *query, size_t n)
{
    uint64_t more = query->limit * 4 < RUNS_MAX ? query->limit * 4 : RUNS_MAX;

    buf_append_str(out, "<p class=\"pages\">");
    for (int json = 0; json < 2; json++) {
        if (!json && (n < query->limit || query->limit == RUNS_MAX))
            continue;
        buf_append_str(out, "<a");
        layout_open_href(out, context, "/history?probe=");
        html_query(out, query->probe ? query->probe : "");
        if (query->id) {
            buf_append_str(out, "&amp;id=");
            html_query(out, query->id);
        }
        buf_printf(out, "%s&amp;limit=%llu%s\">%s</a>", query->failures ? "&amp;only=failures" : "",
                   (unsigned long long)(json ? query->limit : more), json ? "&amp;format=json" : "",
                   json ? "As JSON" : "Show more");
    }
    buf_append_str(out, "</p>\n");
}

static void print_page(struct buf *out, const struct page_context *context,
                       const struct history_query *query, const struct run_record *const *records,
                       size_t n)
{
    double now = clock_unix_seconds();

    layout_begin(out, context, &(struct layout){.title = "History", .path = "/history"});
    buf_append_str(out, "<h1>");
    if (query->id)
        buf_append_str(out, "Run");
    else if (query->probe)
        html_fill(out, "Runs of %s", query->probe);
    else
        buf_append_str(out, "Recent runs");
    buf_append_str(out, "</h1>\n");
    print_form(out, context, query);
    if (n == 0)
        buf_append_str(out, "<p class=\"card\">The history has no matching run.</p>\n");
    else if (query->probe && !query->id)
        print_chart(out, context, records, n);
    for (size_t i = 0; i < n && out->size < FULL_BYTES; i++)
        run_card(out, context, records[i], now, n == 1);
    print_more(out, context, query, n);
    layout_end(out, context);
}

static void reject(const struct page_context *context, struct exchange *exchange, bool json,
                   unsigned status, const char *sentence)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LAYOUT_LIMIT_BYTES);

    if (!json) {
        layout_reject(context, exchange, status, sentence);
        return;
    }
    history_json_error(&out, sentence);
    layout_reply(exchange, status, JSON, &out);
}

static void reply(const struct page_context *context, struct exchange *exchange,
                  const struct history_query *query, const struct history_list *list)
{
    CLEANUP(buf_deinit)
    struct buf out = BUF_INIT(query->json ? JSON_LIMIT_BYTES : LAYOUT_LIMIT_BYTES);
    CLEANUP(freep)
    const struct run_record **chosen = calloc(RUNS_MAX, sizeof(*chosen));
    size_t n;

    if (!chosen) {
        reject(context, exchange, query->json, 500, "out of memory");
        return;
    }
    n = filter_runs(list, query, chosen);
    if (query->json)
        history_json(&out, context->node ? context->node : "", clock_unix_seconds(), chosen, n);
    else
        print_page(&out, context, query, chosen, n);
    layout_reply(exchange, 200, query->json ? JSON : LAYOUT_HTML, &out);
}

void page_history(const struct page_context *context, struct exchange *exchange)
{
    CLEANUP(history_list_freep) struct history_list *list = NULL;
    struct history_query query = {0};

    if (!read_query(exchange, &query)) {
        reject(context, exchange, query.json, 400, BAD_PARAMETER);
        return;
    }
    list = history_find(context->history, query.probe, query.id,
                        query.failures ? 0 : (size_t)query.limit);
    if (!list)
        reject(context, exchange, query.json, 500, "out of memory");
    else if (list->count == 0 && query.id)
        reject(context, exchange, query.json, 404,
               "Unknown run: the history does not have it, or not any more.");
    else if (list->count == 0 && query.probe && !is_configured(context, query.probe))
        reject(context, exchange, query.json, 404,
               "Unknown probe: expected a probe of the configuration, or one with runs.");
    else
        reply(context, exchange, &query, list);
}
