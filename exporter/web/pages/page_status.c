/* SPDX-License-Identifier: Apache-2.0 */
/* The page at /: how this node is, at a glance, and below that why. */
#include "web/pages/html.h"
#include "web/pages/layout.h"
#include "web/pages/pages.h"
#include "web/pages/status.h"

#include <string.h>

#define REFRESH_MAX 3600

static const char good_sign[] =
    "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\" fill=\"none\" stroke=\"currentColor\" "
    "stroke-width=\"2\" class=\"good\"><circle cx=\"12\" cy=\"12\" r=\"10\"/><path d=\"M7.5 "
    "12.5l3 3 6-6.5\"/></svg>";
static const char bad_sign[] =
    "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\" fill=\"none\" stroke=\"currentColor\" "
    "stroke-width=\"2\" class=\"bad\"><circle cx=\"12\" cy=\"12\" r=\"10\"/><path d=\"M8.5 "
    "8.5l7 7m0-7l-7 7\"/></svg>";
static const char slow_sign[] =
    "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\" fill=\"none\" stroke=\"currentColor\" "
    "stroke-width=\"2\" class=\"slow\"><path d=\"M12 3L22 20.5H2z\" "
    "stroke-linejoin=\"round\"/><path d=\"M12 9.5v5m0 2v1.2\"/></svg>";
static const char wait_sign[] =
    "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\" fill=\"none\" stroke=\"currentColor\" "
    "stroke-width=\"2\" class=\"soft\"><circle cx=\"12\" cy=\"12\" r=\"10\"/><path d=\"M12 "
    "6.5V12l3.5 2.5\"/></svg>";

static bool is_asked(const struct status *status)
{
    double value;

    return status_value(status, "containerd_up", &value);
}

static bool is_early(const struct status *status)
{
    return (!status->tried && !is_asked(status)) ||
           (status->n_probes > 0 && status->count[STATUS_UNTRIED] == status->n_probes);
}

static bool is_idle(const struct status *status)
{
    return status->n_probes == 0 && !is_asked(status);
}

/* The one sentence that somebody who has five seconds reads. */
static void print_sentence(const struct status *status, struct buf *out)
{
    size_t failing = status->count[STATUS_FAILING];
    double up;

    if (status_value(status, "containerd_up", &up) && !(up > 0))
        buf_append_str(out, "containerd does not answer"); /* whatever fails, fails by that */
    else if (failing > 0)
        buf_printf(out, "%zu of %zu %s", failing, status->n_probes,
                   status->n_probes == 1 ? "probe fails" : "probes fail");
    else if (status->n_bad > 0)
        buf_append_str(out, "Something is wrong");
    else if (is_early(status))
        buf_append_str(out, "Nothing is known yet");
    else if (status->n_slow > 0)
        buf_append_str(out, "Well, with remarks");
    else if (is_idle(status))
        buf_append_str(out, "Nothing is watched");
    else
        buf_append_str(out, "All well");
}

static void print_verdict(const struct status *status, struct buf *out)
{
    bool early = status->n_bad == 0 && is_early(status);
    bool idle = early || (status->n_slow == 0 && is_idle(status));
    const char *kind = status->n_bad > 0    ? "bad"
                       : idle               ? "wait"
                       : status->n_slow > 0 ? "slow"
                                            : "good";
    const char *sign = status->n_bad > 0    ? bad_sign
                       : idle               ? wait_sign
                       : status->n_slow > 0 ? slow_sign
                                            : good_sign;

    buf_printf(out, "<div class=\"card verdict is-%s\">%s<div><h1>", kind, sign);
    print_sentence(status, out);
    buf_append_str(out, "</h1>");
    if (status->n_bad + status->n_slow > 0) {
        buf_append_str(out, "<ul>");
        buf_append(out, status->troubles.data, status->troubles.size);
        buf_append(out, status->remarks.data, status->remarks.size);
        buf_append_str(out, "</ul>");
    } else if (early)
        buf_append_str(out, "<p>The exporter has just started: the first runs are under way.</p>");
    else if (status->n_probes > 0)
        buf_printf(out, "<p>%s%s.</p>",
                   status->n_probes == 1 ? "The probe succeeds" : "Every probe succeeds",
                   is_asked(status) ? ", and the daemons answer" : "");
    else
        buf_printf(out, "<p>%s No probe is configured.</p>",
                   is_asked(status) ? "The daemons answer." : "No collector asks containerd.");
    buf_append_str(out, "<p class=\"soft small\">Seen ");
    html_moment(out, status->now);
    buf_append_str(out, "</p></div></div>\n");
}

static void print_sections(struct status *status, uint64_t page)
{
    status_print_probes(status, page);
    status_print_daemons(status);
    status_print_images(status);
    status_print_plugins(status);
    status_print_registries(status);
    status_print_disk(status);
    status_print_collectors(status);
}

bool status_print(struct status *status, uint64_t page, unsigned refresh_seconds, struct buf *out,
                  struct error *err)
{
    print_sections(status, page);
    layout_begin(out, status->options, &(struct layout){"Status", "/", refresh_seconds});
    print_verdict(status, out);
    buf_append(out, status->body.data, status->body.size);
    layout_end(out, status->options);
    return buf_ok(&status->body, err) && buf_ok(&status->troubles, err) &&
           buf_ok(&status->remarks, err) && buf_ok(out, err);
}

static bool print_page(const struct web_options *options, uint64_t page, uint64_t refresh,
                       struct buf *out, struct error *err)
{
    struct status status;
    bool ok;

    if (!status_init(&status, options, err))
        return false;
    ok = status_join(&status, err) && status_print(&status, page, (unsigned)refresh, out, err);
    status_deinit(&status);
    return ok;
}

void page_status(const struct web_options *options, struct exchange *exchange)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LAYOUT_LIMIT_BYTES);
    uint64_t page, refresh;
    struct error err;

    if (!layout_number(exchange, "page", 1, STATUS_PROBES_MAX, &page) ||
        !layout_number(exchange, "refresh", 0, REFRESH_MAX, &refresh)) {
        layout_refuse(options, exchange, 400,
                      "page is a number from 1 on; refresh is a number of seconds, 1 to 3600.");
        return;
    }
    if (options->scheduler)
        scheduler_refresh(options->scheduler);
    if (!print_page(options, page, refresh, &out, &err)) {
        exchange_reply_text(exchange, 500, err.message);
        return;
    }
    layout_reply(exchange, 200, LAYOUT_HTML, &out);
}
