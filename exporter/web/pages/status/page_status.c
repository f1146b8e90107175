/* SPDX-License-Identifier: Apache-2.0 */
#include "web/pages/status/page_status.h"

#include "web/pages/html.h"
#include "web/pages/layout.h"
#include "web/pages/status/status_private.h"

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

static bool has_containerd(const struct status *status)
{
    double value;

    return status_value(status, "containerd_up", &value);
}

static bool is_starting(const struct status *status)
{
    return (!status->first_runs_done && !has_containerd(status)) ||
           (status->n_probes > 0 && status->count[STATUS_NO_RUN] == status->n_probes);
}

static bool monitors_nothing(const struct status *status)
{
    return status->n_probes == 0 && !has_containerd(status);
}

/* The state of the node in one sentence. */
static void print_headline(const struct status *status, struct buf *out)
{
    size_t failing = status->count[STATUS_FAILING];
    double up;

    /* The cause of most other failures comes first. */
    if (status_value(status, "containerd_up", &up) && !(up > 0))
        buf_append_str(out, status_is_forbidden(status, "daemon")
                                ? "The exporter may not use containerd's socket"
                                : "containerd does not answer");
    else if (failing > 0)
        buf_printf(out, "%zu of %zu %s", failing, status->n_probes,
                   status->n_probes == 1 ? "probe is failing" : "probes are failing");
    else if (status->n_problems > 0)
        buf_append_str(out, "Problems found");
    else if (is_starting(status))
        buf_append_str(out, "No results yet");
    else if (status->n_warnings > 0)
        buf_append_str(out, "OK, with warnings");
    else if (monitors_nothing(status))
        buf_append_str(out, "Nothing is monitored");
    else
        buf_append_str(out, "All OK");
}

static void print_verdict(const struct status *status, struct buf *out)
{
    bool starting = status->n_problems == 0 && is_starting(status);
    bool neutral = starting || (status->n_warnings == 0 && monitors_nothing(status));
    const char *kind = status->n_problems > 0   ? "bad"
                       : neutral                ? "wait"
                       : status->n_warnings > 0 ? "slow"
                                                : "good";
    const char *sign = status->n_problems > 0   ? bad_sign
                       : neutral                ? wait_sign
                       : status->n_warnings > 0 ? slow_sign
                                                : good_sign;

    buf_printf(out, "<div class=\"card verdict is-%s\">%s<div><h1>", kind, sign);
    print_headline(status, out);
    buf_append_str(out, "</h1>");
    if (status->n_problems + status->n_warnings > 0) {
        buf_append_str(out, "<ul>");
        buf_append(out, status->problems.data, status->problems.size);
        buf_append(out, status->warnings.data, status->warnings.size);
        buf_append_str(out, "</ul>");
    } else if (starting)
        buf_append_str(out,
                       "<p>The exporter has just started. The first runs are in progress.</p>");
    else if (status->n_probes > 0)
        buf_printf(out, "<p>%s%s.</p>",
                   status->n_probes == 1 ? "The probe succeeds" : "Every probe succeeds",
                   has_containerd(status) ? ", and the daemons answer" : "");
    else
        buf_printf(out, "<p>%s No probe is configured.</p>",
                   has_containerd(status) ? "The daemons answer."
                                          : "No collector monitors containerd.");
    buf_append_str(out, "<p class=\"soft small\">Generated ");
    html_moment(out, status->now);
    buf_append_str(out, "</p></div></div>\n");
}

static void print_sections(struct status *status, uint64_t number)
{
    status_print_probes(status, number);
    status_print_daemons(status);
    status_print_images(status);
    status_print_plugins(status);
    status_print_registries(status);
    status_print_disk(status);
    status_print_collectors(status);
    status_print_config(status);
}

bool status_print(struct status *status, uint64_t number, unsigned refresh_seconds, struct buf *out,
                  struct error *err)
{
    print_sections(status, number);
    layout_begin(out, status->context, &(struct layout){"Status", "/", refresh_seconds});
    print_verdict(status, out);
    buf_append(out, status->body.data, status->body.size);
    layout_end(out, status->context);
    return buf_ok(&status->body, err) && buf_ok(&status->problems, err) &&
           buf_ok(&status->warnings, err) && buf_ok(out, err);
}

static bool print_page(const struct page_context *context, uint64_t number, uint64_t refresh,
                       struct buf *out, struct error *err)
{
    struct status status;
    bool ok;

    if (!status_init(&status, context, err))
        return false;
    ok = status_join(&status, err) && status_print(&status, number, (unsigned)refresh, out, err);
    status_deinit(&status);
    return ok;
}

void page_status(const struct page_context *context, struct exchange *exchange)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LAYOUT_LIMIT_BYTES);
    uint64_t number, refresh;
    struct error err;

    if (!layout_number(exchange, "page", 1, STATUS_PROBES_MAX, &number) ||
        !layout_number(exchange, "refresh", 0, REFRESH_MAX, &refresh)) {
        layout_reject(context, exchange, 400,
                      "Invalid page or refresh: expected page as a number from 1, and refresh as "
                      "seconds from 1 to 3600.");
        return;
    }
    if (context->scheduler)
        scheduler_refresh(context->scheduler);
    if (!print_page(context, number, refresh, &out, &err)) {
        exchange_reply_text(exchange, 500, err.message);
        return;
    }
    layout_reply(exchange, 200, LAYOUT_HTML, &out);
}
