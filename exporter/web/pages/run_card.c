/* SPDX-License-Identifier: Apache-2.0 */
#include "web/pages/run_card.h"

#include "web/pages/charts.h"
#include "web/pages/html.h"
#include "web/pages/layout.h"
#include "web/pages/reason_help.h"

#include <string.h>

#define LOG_LINES_MAX 200

static const char *const colors[RUN_PHASES_MAX] = {"c1", "c0", "c3", "c4", "c2", "c5", "c7", "c6"};

static void print_head(struct buf *out, const struct page_context *context,
                       const struct run_record *record, double now)
{
    bool failed = record->reason != ERROR_NONE, canceled = record->reason == ERROR_CANCELED;

    buf_append_str(out, "<h3><a");
    layout_open_href(out, context, "/history?id=");
    html_query(out, record->id);
    html_fill(out, "\">%s</a> <span class=\"tag %s\">%s</span></h3><p class=\"soft small\">",
              record->probe,
              canceled       ? ""
              : failed       ? "bad"
              : record->slow ? "slow"
                             : "good",
              canceled       ? "canceled"
              : failed       ? "failed"
              : record->slow ? "slow"
                             : "OK");
    html_time(out, record->start, now);
    buf_append_str(out, ", took ");
    html_seconds(out, record->seconds);
    buf_append_str(out, " of at most ");
    html_seconds(out, record->timeout_seconds);
    html_fill(out, " · %s", record->operation);
    if (*record->engine)
        html_fill(out, " by %s", record->engine);
    html_fill(out, ", %s · run <code>%s</code></p>",
              record->trigger == RUN_RETRY    ? "early retry"
              : record->trigger == RUN_DEMAND ? "on demand"
                                              : "on schedule",
              record->id);
}

static void print_failure(struct buf *out, const struct run_record *record)
{
    struct reason_help reason_help = reason_help_of(record->reason, record->operation);

    if (record->reason == ERROR_NONE)
        return;
    buf_printf(out,
               "<div class=\"why\"><p><strong class=\"bad\">%s</strong> <code>%s</code></p>"
               "<p class=\"ref\">",
               reason_help.what, error_code_name(record->reason));
    html_text(out, record->message);
    buf_printf(out, "</p><p><strong>What to do:</strong> %s</p></div>", reason_help.todo);
}

static size_t list_phases(const struct run_record *record, struct chart_part *parts)
{
    size_t n = 0;

    for (size_t i = 0; i < record->n_phases && i < RUN_PHASES_MAX; i++)
        if (record->phases[i].seconds >= 0)
            parts[n++] =
                (struct chart_part){record->phases[i].name, colors[i], record->phases[i].seconds};
    return n;
}

/* Phases may overlap or lie outside the measured time: the bar is as long as the larger of their
 * sum and the measured time. */
static void print_phases(struct buf *out, const struct run_record *record)
{
    struct chart_part parts[RUN_PHASES_MAX];
    size_t n = list_phases(record, parts);
    double whole = 0;

    for (size_t i = 0; i < n; i++)
        whole += parts[i].value;
    if (n == 0)
        return;
    chart_share(out, parts, n, whole > record->seconds ? whole : record->seconds,
                "share of each phase; the numbers follow");
    buf_append_str(out, "<p class=\"small legend\">");
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "<span><span class=\"key %s\"></span>%s ", parts[i].color, parts[i].name);
        html_seconds(out, parts[i].value);
        buf_append_str(out, "</span> ");
    }
    buf_append_str(out, "</p>");
}

static double phase_seconds(const struct run_record *record, const char *name)
{
    for (size_t i = 0; i < record->n_phases; i++)
        if (strcmp(record->phases[i].name, name) == 0 && record->phases[i].seconds > 0)
            return record->phases[i].seconds;
    return record->seconds;
}

static void print_transfer(struct buf *out, const char *term, uint64_t bytes, double seconds)
{
    if (bytes == 0)
        return;
    buf_printf(out, "<dt>%s</dt><dd>", term);
    html_bytes(out, (double)bytes);
    if (seconds > 0) {
        buf_append_str(out, ", ");
        html_bytes(out, (double)bytes / seconds);
        buf_append_str(out, "/s");
    }
    buf_append_str(out, "</dd>");
}

static void print_text(struct buf *out, const char *term, const char *text)
{
    if (text && *text)
        html_fill(out, "<dt>%s</dt><dd class=\"ref\">%s</dd>", term, text);
}

static void print_details(struct buf *out, const struct run_record *record)
{
    buf_append_str(out, "<dl>");
    print_text(out, "Image", record->image);
    print_text(out, "Served by", record->host);
    print_transfer(out, "Fetched", record->fetched_bytes, phase_seconds(record, "fetch"));
    print_transfer(out, "Uploaded", record->uploaded_bytes, phase_seconds(record, "upload"));
    print_transfer(out, "Cached", record->cached_bytes, 0);
    print_text(out, "Warning", record->warning);
    buf_append_str(out, "</dl>");
}

static void print_log(struct buf *out, const char *log, bool open)
{
    if (!log || !*log)
        return;
    buf_printf(out, "<details%s><summary>Log</summary><pre>", open ? " open" : "");
    for (size_t lines = 0; *log && lines < LOG_LINES_MAX; lines++) {
        size_t size = strcspn(log, "\n");
        html_text_part(out, log, size);
        buf_append_char(out, '\n');
        log += size + (log[size] == '\n');
    }
    buf_append_str(out, "</pre></details>");
}

void run_card(struct buf *out, const struct page_context *context, const struct run_record *record,
              double now, bool open)
{
    bool failed = record->reason != ERROR_NONE && record->reason != ERROR_CANCELED;

    html_fill(out, "<article class=\"card run%s\" id=\"run-%s\">",
              failed         ? " is-bad"
              : record->slow ? " is-slow"
                             : "",
              record->id);
    print_head(out, context, record, now);
    print_failure(out, record);
    print_phases(out, record);
    print_details(out, record);
    print_log(out, record->log, open);
    buf_append_str(out, "</article>\n");
}
