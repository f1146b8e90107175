/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of disk usage, plugins, registries and collectors. */
#include "web/pages/status/status_private.h"

#include "web/pages/html.h"
#include "web/pages/layout.h"

#include <math.h>
#include <string.h>

#define NAMESPACES_MAX ((size_t)50)
#define ROWS_MAX       ((size_t)100)

static void begin_table(struct status *status, const char *anchor, const char *title,
                        const char *columns)
{
    buf_printf(&status->body,
               "<section aria-labelledby=\"%s\"><h2 id=\"%s\">%s</h2>\n<div class=\"scroll\" "
               "tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table><thead><tr>%s</tr></thead>"
               "<tbody>\n",
               anchor, anchor, title, title, columns);
}

static void end_table(struct status *status)
{
    buf_append_str(&status->body, "</tbody></table></div></section>\n");
}

void status_print_plugins(struct status *status)
{
    struct buf *out = &status->body;
    struct board_cursor at = {0};
    const struct sample *sample;
    size_t n = 0;

    while ((sample = board_next(status->view, "containerd_plugin_status", &at))) {
        if (strcmp(board_label(at.family, sample, "status"), "error") != 0 || !(sample->value > 0))
            continue;
        if (n++ == 0)
            begin_table(status, "plugins", "Plugins in error",
                        "<th scope=\"col\">Plugin</th><th scope=\"col\">Type</th>");
        if (n > ROWS_MAX)
            continue;
        html_fill(out, "<tr><th scope=\"row\">%s</th><td class=\"ref\">%s</td></tr>\n",
                  board_label(at.family, sample, "id"), board_label(at.family, sample, "type"));
    }
    if (n == 0)
        return;
    end_table(status);
    buf_append_str(out, "<p class=\"soft small\">The log of containerd's start has the cause; "
                        "<code>ctr plugins ls -d</code> has the message.</p>\n");
    status_problem(status, false, "plugins", "%zu %s in error", n,
                   n == 1 ? "plugin is" : "plugins are");
}

struct namespace_disk {
    const char *name;
    double content, snapshots;
};

/* Adds the samples of a family to their namespaces. */
static size_t sum_by_namespace(const struct status *status, const char *family, bool of_snapshots,
                               struct namespace_disk *disks, size_t n)
{
    struct board_cursor at = {0};
    const struct sample *sample;

    while ((sample = board_next(status->view, family, &at))) {
        const char *name = board_label(at.family, sample, "namespace");
        size_t i = 0;
        while (i < n && strcmp(disks[i].name, name) != 0)
            i++;
        if (i == NAMESPACES_MAX)
            continue;
        if (i == n)
            disks[n++] = (struct namespace_disk){.name = name};
        *(of_snapshots ? &disks[i].snapshots : &disks[i].content) += sample->value;
    }
    return n;
}

static int by_size(const void *a, const void *b)
{
    const struct namespace_disk *left = a, *right = b;
    double l = left->content + left->snapshots, r = right->content + right->snapshots;

    return l < r ? 1 : l > r ? -1 : strcmp(left->name, right->name);
}

static void print_disk(struct status *status, const struct namespace_disk *disk, double largest)
{
    const struct chart_part parts[] = {{"content", "c1", disk->content},
                                       {"snapshots", "c3", disk->snapshots}};
    struct buf *out = &status->body;

    html_fill(out, "<tr><th scope=\"row\">%s</th><td class=\"num\">", disk->name);
    html_bytes(out, disk->content);
    buf_append_str(out, "</td><td class=\"num\">");
    html_bytes(out, disk->snapshots);
    buf_append_str(out, "</td><td style=\"width:40%;vertical-align:middle\">");
    chart_share(out, parts, 2, largest, "share of the largest namespace");
    buf_append_str(out, "</td></tr>\n");
}

void status_print_disk(struct status *status)
{
    CLEANUP(freep) struct namespace_disk *disks = calloc(NAMESPACES_MAX, sizeof(*disks));
    double unique;
    size_t n;

    if (!disks)
        return;
    n = sum_by_namespace(status, "containerd_content_bytes", false, disks, 0);
    n = sum_by_namespace(status, "containerd_snapshot_bytes", true, disks, n);
    if (n == 0)
        return;
    qsort(disks, n, sizeof(disks[0]), by_size);
    begin_table(status, "disk", "Disk by namespace",
                "<th scope=\"col\">Namespace</th><th scope=\"col\" class=\"num\"><span "
                "class=\"key c1\"></span>Content</th><th scope=\"col\" class=\"num\"><span "
                "class=\"key c3\"></span>Snapshots</th><th scope=\"col\">Total</th>");
    for (size_t i = 0; i < n; i++)
        print_disk(status, &disks[i], disks[0].content + disks[0].snapshots);
    end_table(status);
    if (!status_value(status, "containerd_content_unique_bytes", &unique))
        return;
    buf_append_str(&status->body,
                   "<p class=\"soft small\">Blobs shared by namespaces count in each. "
                   "Counted once, all content is ");
    html_bytes(&status->body, unique);
    buf_append_str(&status->body, ".</p>\n");
}

/* The value of `family` for this registry, NAN if there is none. */
static double of_registry(const struct status *status, const char *family, const char *registry)
{
    struct board_cursor at = {0};
    const struct sample *sample;

    while ((sample = board_next(status->view, family, &at)))
        if (strcmp(board_label(at.family, sample, "registry"), registry) == 0)
            return sample->value;
    return NAN;
}

static void print_registry(struct status *status, const char *registry, double backoff_seconds)
{
    double limit = of_registry(status, "image_registry_rate_limit", registry);
    double left = of_registry(status, "image_registry_rate_limit_remaining", registry);
    double expiry =
        of_registry(status, "image_registry_certificate_expiry_timestamp_seconds", registry);
    struct buf *out = &status->body;

    html_fill(out, "<tr><th scope=\"row\" class=\"ref\">%s</th><td>", registry);
    if (backoff_seconds > 0) {
        buf_append_str(out, "<span class=\"slow\">back-off for ");
        html_seconds(out, backoff_seconds);
        buf_append_str(out, " (Retry-After)</span>");
    } else
        buf_append_str(out, "not rate-limited");
    buf_append_str(out, "</td><td>");
    if (isnan(left))
        buf_append_str(out, "–");
    else if (isnan(limit))
        buf_printf(out, "%.0f", left);
    else
        buf_printf(out, "%.0f of %.0f", left, limit);
    buf_append_str(out, "</td><td>");
    if (isnan(expiry))
        buf_append_str(out, "–");
    else
        html_time(out, expiry, status->now);
    buf_append_str(out, "</td></tr>\n");
}

void status_print_registries(struct status *status)
{
    struct board_cursor at = {0};
    const struct sample *sample;
    size_t n = 0, n_backoff = 0;

    while ((sample = board_next(status->view, "image_registry_held_seconds", &at)) &&
           n < ROWS_MAX) {
        if (n++ == 0)
            begin_table(status, "registries", "Registries",
                        "<th scope=\"col\">Registry</th><th scope=\"col\">Rate limit</th><th "
                        "scope=\"col\">Pulls left</th><th scope=\"col\">Certificate expires</th>");
        print_registry(status, board_label(at.family, sample, "registry"), sample->value);
        n_backoff += sample->value > 0;
    }
    if (n > 0)
        end_table(status);
    if (n_backoff > 0)
        status_problem(status, false, "registries", "%zu %s in back-off", n_backoff,
                       n_backoff == 1 ? "registry is" : "registries are");
}

/* While containerd is down they all fail; the verdict then has one line for containerd only. */
void status_print_collectors(struct status *status)
{
    struct buf *out = &status->body;
    struct board_cursor at = {0};
    const struct sample *sample;
    double up = 1;
    size_t n = 0;

    while ((sample = board_next(status->view, "containerd_exporter_collector_success", &at))) {
        const char *collector = board_label(at.family, sample, "collector");

        if (sample->value > 0)
            continue;
        if (n++ == 0)
            begin_table(status, "collectors", "Failing collectors",
                        "<th scope=\"col\">Collector</th><th scope=\"col\">Reason</th><th "
                        "scope=\"col\">Last error</th>");
        html_fill(out, "<tr><th scope=\"row\">%s</th><td>%s</td><td class=\"ref\">%s</td></tr>\n",
                  collector, status_failure_reason(status, collector),
                  status_failure_message(status, collector));
    }
    if (n == 0)
        return;
    end_table(status);
    buf_append_str(out,
                   "<p class=\"soft small\">The metrics of a failing collector are absent until "
                   "it succeeds.</p>\n");
    if (status_value(status, "containerd_up", &up) && up > 0)
        status_problem(status, false, "collectors", "%zu %s", n,
                       n == 1 ? "collector is failing" : "collectors are failing");
}
