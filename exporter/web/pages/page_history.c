/* SPDX-License-Identifier: Apache-2.0 */
/* /history: the last runs, of all probes or of one, for people and as JSON for scripts. */
#include "base/clock.h"
#include "scheduler/scheduler_view.h"
#include "web/pages/charts.h"
#include "web/pages/history_json.h"
#include "web/pages/html.h"
#include "web/pages/layout.h"
#include "web/pages/pages.h"
#include "web/pages/run_card.h"

#include <string.h>

#define JSON             "application/json; charset=utf-8"
#define RUNS_DEFAULT     30
#define RUNS_MAX         1000
#define FULL_BYTES       ((size_t)1 << 20)  /* then no more runs are added to a page */
#define JSON_LIMIT_BYTES ((size_t)32 << 20) /* far above what a history holds */
#define OPTIONS_MAX      2000               /* probes in the list to choose from */
#define BAD_PARAMETER                                                                             \
    "probe and id are names, limit is 1 to 1000, format is html or json, only is failures; each " \
    "once."

struct wanted {
    const char *probe, *id; /* NULL: any */
    bool json, failures;
    uint64_t limit;
};

/* A form sends what is empty, too. */
static bool read_text(const struct exchange *exchange, const char *name, const char **value)
{
    if (!layout_parameter(exchange, name, value))
        return false;
    if (*value && !**value)
        *value = NULL;
    return true;
}

static bool read_wanted(const struct exchange *exchange, struct wanted *wanted)
{
    const char *format, *only;
    bool ok = read_text(exchange, "format", &format) && read_text(exchange, "only", &only);

    wanted->json = ok && format && strcmp(format, "json") == 0;
    if (!ok || (format && !wanted->json && strcmp(format, "html") != 0))
        return false;
    wanted->failures = only != NULL;
    if (only && strcmp(only, "failures") != 0)
        return false;
    return read_text(exchange, "probe", &wanted->probe) && read_text(exchange, "id", &wanted->id) &&
           layout_number(exchange, "limit", RUNS_DEFAULT, RUNS_MAX, &wanted->limit);
}

struct names {
    struct buf *out; /* NULL: nothing is printed */
    const char *wanted;
    bool found;
    size_t n;
};

static void visit_probe(void *arg, const struct probe_status *probe)
{
    struct names *names = arg;
    bool is_wanted = names->wanted && strcmp(probe->name, names->wanted) == 0;

    names->found |= is_wanted;
    if (!names->out || (names->n++ >= OPTIONS_MAX && !is_wanted))
        return;
    buf_append_str(names->out, "<option");
    html_attribute(names->out, "value", probe->name);
    buf_append_str(names->out, is_wanted ? " selected>" : ">");
    html_text(names->out, probe->name);
    buf_append_str(names->out, "</option>");
}

static bool is_configured(const struct web_options *options, const char *probe)
{
    struct names names = {.wanted = probe};

    if (options->scheduler)
        scheduler_probes(options->scheduler, visit_probe, &names);
    return names.found;
}

static void print_form(struct buf *out, const struct web_options *options,
                       const struct wanted *wanted)
{
    struct names names = {.out = out, .wanted = wanted->probe};

    buf_append_str(out, "<form method=\"get\"><label>Probe<br><select name=\"probe\"><option "
                        "value=\"\">all</option>");
    if (options->scheduler)
        scheduler_probes(options->scheduler, visit_probe, &names);
    buf_printf(out,
               "</select></label><label>Runs<br><select name=\"only\"><option value=\"\">all"
               "</option><option value=\"failures\"%s>failures only</option></select></label>"
               "<button>Show</button></form>\n",
               wanted->failures ? " selected" : "");
}

/* The runs that were asked for; of failures only, the others are skipped. */
static size_t choose(const struct history_list *list, const struct wanted *wanted,
                     const struct run_record **chosen)
{
    size_t n = 0;

    for (size_t i = 0; i < list->count && n < wanted->limit; i++)
        if (!wanted->failures || chart_kind_of(list->records[i]) == DRAWING_BAD)
            chosen[n++] = list->records[i];
    return n;
}

static void print_drawing(struct buf *out, const struct web_options *options,
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
    layout_open_href(out, options, "/probe?debug=true&target=");
    html_query(out, records[0]->probe);
    buf_append_str(out, "\">Run it now</a>, and see its log and metrics</p></div>\n");
}

static void print_more(struct buf *out, const struct web_options *options,
                       const struct wanted *wanted, size_t n)
{
    uint64_t more = wanted->limit * 4 < RUNS_MAX ? wanted->limit * 4 : RUNS_MAX;

    buf_append_str(out, "<p class=\"pages\">");
    for (int json = 0; json < 2; json++) {
        if (!json && (n < wanted->limit || wanted->limit == RUNS_MAX))
            continue;
        buf_append_str(out, "<a");
        layout_open_href(out, options, "/history?probe=");
        html_query(out, wanted->probe ? wanted->probe : "");
        if (wanted->id) {
            buf_append_str(out, "&amp;id=");
            html_query(out, wanted->id);
        }
        buf_printf(out, "%s&amp;limit=%llu%s\">%s</a>",
                   wanted->failures ? "&amp;only=failures" : "",
                   (unsigned long long)(json ? wanted->limit : more),
                   json ? "&amp;format=json" : "", json ? "The same as JSON" : "Show more");
    }
    buf_append_str(out, "</p>\n");
}

static void print_page(struct buf *out, const struct web_options *options,
                       const struct wanted *wanted, const struct run_record *const *records,
                       size_t n)
{
    double now = clock_unix_seconds();

    layout_begin(out, options, &(struct layout){.title = "History", .path = "/history"});
    buf_append_str(out, "<h1>");
    if (wanted->id)
        buf_append_str(out, "A run");
    else if (wanted->probe) {
        buf_append_str(out, "Runs of ");
        html_text(out, wanted->probe);
    } else
        buf_append_str(out, "The last runs");
    buf_append_str(out, "</h1>\n");
    print_form(out, options, wanted);
    if (n == 0)
        buf_append_str(out, "<p class=\"card\">No run is kept that fits.</p>\n");
    else if (wanted->probe && !wanted->id)
        print_drawing(out, options, records, n);
    for (size_t i = 0; i < n && out->size < FULL_BYTES; i++)
        run_card(out, options, records[i], now, n == 1);
    print_more(out, options, wanted, n);
    layout_end(out, options);
}

static void refuse(const struct web_options *options, struct exchange *exchange, bool json,
                   unsigned status, const char *sentence)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LAYOUT_LIMIT_BYTES);

    if (!json) {
        layout_refuse(options, exchange, status, sentence);
        return;
    }
    history_json_error(&out, sentence);
    layout_reply(exchange, status, JSON, &out);
}

static void answer(const struct web_options *options, struct exchange *exchange,
                   const struct wanted *wanted, const struct history_list *list)
{
    CLEANUP(buf_deinit)
    struct buf out = BUF_INIT(wanted->json ? JSON_LIMIT_BYTES : LAYOUT_LIMIT_BYTES);
    CLEANUP(freep)
    const struct run_record **chosen = calloc(RUNS_MAX, sizeof(*chosen));
    size_t n;

    if (!chosen) {
        refuse(options, exchange, wanted->json, 500, "out of memory");
        return;
    }
    n = choose(list, wanted, chosen);
    if (wanted->json)
        history_json(&out, options->node ? options->node : "", clock_unix_seconds(), chosen, n);
    else
        print_page(&out, options, wanted, chosen, n);
    layout_reply(exchange, 200, wanted->json ? JSON : LAYOUT_HTML, &out);
}

void page_history(const struct web_options *options, struct exchange *exchange)
{
    CLEANUP(history_list_freep) struct history_list *list = NULL;
    struct wanted wanted = {0};

    if (!read_wanted(exchange, &wanted)) {
        refuse(options, exchange, wanted.json, 400, BAD_PARAMETER);
        return;
    }
    list = history_find(options->history, wanted.probe, wanted.id,
                        wanted.failures ? 0 : (size_t)wanted.limit);
    if (!list)
        refuse(options, exchange, wanted.json, 500, "out of memory");
    else if (list->count == 0 && wanted.id)
        refuse(options, exchange, wanted.json, 404,
               "There is no such run, or it is not kept any more.");
    else if (list->count == 0 && wanted.probe && !is_configured(options, wanted.probe))
        refuse(options, exchange, wanted.json, 404, "There is no such probe.");
    else
        answer(options, exchange, &wanted, list);
}
