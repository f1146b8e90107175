/* SPDX-License-Identifier: Apache-2.0 */
/* The section of the daemons: containerd, Docker, and the exporter itself. */
#include "web/pages/status/status_private.h"

#include "web/pages/html.h"
#include "web/pages/layout.h"

#include <string.h>

#define ADDRESS_BYTES 256
#define OTHERS_BYTES  512

static void print_count(struct status *status, const char *term, const char *family)
{
    struct board_cursor at = {0};
    const struct sample *sample = board_next(status->view, family, &at);
    double sum = 0;

    if (!sample)
        return;
    for (; sample; sample = board_next(status->view, family, &at))
        sum += sample->value;
    buf_printf(&status->body, "<dt>%s</dt><dd>%.0f</dd>", term, sum);
}

static void print_label(struct status *status, const char *term, const char *family,
                        const char *label)
{
    struct board_cursor at = {0};
    const struct sample *sample = board_next(status->view, family, &at);
    const char *value = sample ? board_label(at.family, sample, label) : "";

    if (*value)
        html_fill(&status->body, "<dt>%s</dt><dd>%s</dd>", term, value);
}

static void begin_card(struct status *status, const char *name, const char *word, const char *color)
{
    buf_printf(&status->body, "<div class=\"card\"><h3>%s <span class=\"tag %s\">%s</span></h3>",
               name, color, word);
}

static void print_conditions(struct status *status)
{
    struct board_cursor at = {0};
    const struct sample *sample;

    while ((sample = board_next(status->view, "containerd_cri_condition", &at))) {
        bool holds = sample->value > 0;
        html_fill(&status->body, "<dt>%s</dt><dd class=\"%s\">%s</dd>",
                  board_label(at.family, sample, "type"), holds ? "good" : "bad",
                  holds ? "yes" : "no");
        if (!holds)
            status_problem(status, true, "daemons", "a CRI condition is false");
    }
}

static void print_sandbox_image(struct status *status)
{
    struct buf *out = &status->body;
    struct board_cursor at = {0};
    const struct sample *sample =
        board_next(status->view, "containerd_cri_sandbox_image_info", &at);
    double present = 1;

    if (!sample)
        return;
    html_fill(out, "<dt>Sandbox image</dt><dd><span class=\"ref\">%s</span>",
              board_label(at.family, sample, "image"));
    if (status_value(status, "containerd_cri_sandbox_image_present", &present) && !(present > 0)) {
        buf_append_str(out, " <span class=\"tag slow\">not on this node</span>");
        status_problem(status, false, "daemons",
                       "the sandbox image is missing: the next pod has to pull it");
    }
    buf_append_str(out, "</dd>");
}

static void print_address(struct status *status, const char *daemon)
{
    char address[ADDRESS_BYTES] = "";

    if (status->context->daemon_address)
        status->context->daemon_address(daemon, address, sizeof(address));
    if (*address)
        html_fill(&status->body, "<dt>Address</dt><dd><span class=\"ref\">%s</span></dd>", address);
}

/* Sockets that the search did not choose. */
static void print_others(struct status *status)
{
    char others[OTHERS_BYTES] = "";

    if (status->context->daemon_address)
        status->context->daemon_address("others", others, sizeof(others));
    if (!*others)
        return;
    html_fill(&status->body, "<dt>Also listening</dt><dd><span class=\"ref\">%s</span></dd>",
              others);
    status_problem(status, false, "daemons",
                   "several sockets of containerd: containerd.address decides which is used");
}

/* Expired leases that remain block garbage collection. */
static void print_leases(struct status *status)
{
    print_count(status, "Leases", "containerd_leases");
    print_count(status, "Expired leases", "containerd_expired_leases");
    print_count(status, "Active ingests", "containerd_ingests");
}

static void print_containerd_details(struct status *status)
{
    struct buf *out = &status->body;

    buf_append_str(out, "<dl>");
    print_address(status, "containerd");
    print_others(status);
    print_label(status, "Version", "containerd_info", "version");
    print_label(status, "CRI", "containerd_cri_info", "version");
    print_count(status, "Namespaces", "containerd_namespaces");
    print_count(status, "Images", "containerd_images");
    print_count(status, "Containers", "containerd_containers");
    print_leases(status);
    print_conditions(status);
    print_sandbox_image(status);
    print_count(status, "Deprecated features in use", "containerd_deprecation_info");
    buf_append_str(out, "</dl>");
}

static void print_last_error(struct status *status, const char *collector)
{
    const char *message = status_failure_message(status, collector);

    if (*message)
        html_fill(&status->body, "<dt>Last error</dt><dd><span class=\"ref\">%s</span></dd>",
                  message);
}

static void print_unreachable_containerd(struct status *status)
{
    struct buf *out = &status->body;
    bool forbidden = status_is_forbidden(status, "daemon");

    begin_card(status, "containerd", forbidden ? "permission denied" : "does not answer", "bad");
    if (forbidden)
        buf_append_str(out,
                       "<p>The exporter may not use its socket, so its state is unknown. Run the "
                       "exporter as root or as a user of the socket's group. ");
    else
        buf_append_str(out, "<p>Nothing answers at its socket. Check that it runs (<code>systemctl "
                            "status containerd</code>) and that the address is right. ");
    buf_append_str(out, "Sections that depend on it are omitted.</p><dl>");
    print_address(status, "containerd");
    print_others(status);
    print_last_error(status, "daemon");
    buf_append_str(out, "</dl></div>");
    status_problem(status, true, "daemons", "containerd: how to repair it");
}

static void print_containerd(struct status *status)
{
    double up, healthy = 1;

    if (status->first_runs_done && !status_value(status, "containerd_up", &up)) {
        begin_card(status, "containerd", "not monitored", "");
        buf_append_str(&status->body, "<p class=\"soft\">The collector <code>daemon</code> is "
                                      "switched off.</p></div>");
        return;
    }
    if (!status_value(status, "containerd_up", &up)) {
        begin_card(status, "containerd", "no result yet", "");
        buf_append_str(&status->body, "<p class=\"soft\">The first result comes within seconds of "
                                      "the start.</p></div>");
        return;
    }
    if (!(up > 0)) {
        print_unreachable_containerd(status);
        return;
    }
    status_value(status, "containerd_healthy", &healthy);
    begin_card(status, "containerd", healthy > 0 ? "up and healthy" : "up, not healthy",
               healthy > 0 ? "good" : "bad");
    if (!(healthy > 0))
        status_problem(status, true, "daemons", "containerd reports that it is not healthy");
    print_containerd_details(status);
    buf_append_str(&status->body, "</div>");
}

static void print_docker(struct status *status)
{
    bool forbidden = status_is_forbidden(status, "docker");
    double up;

    if (!status_value(status, "docker_engine_up", &up))
        return;
    begin_card(status, "Docker",
               up > 0      ? "up"
               : forbidden ? "permission denied"
                           : "does not answer",
               up > 0 ? "good" : "bad");
    if (up > 0) {
        buf_append_str(&status->body, "<dl>");
        print_address(status, "docker");
        print_label(status, "Version", "docker_engine_info", "version");
        print_count(status, "Images", "docker_engine_images");
        buf_append_str(&status->body, "</dl>");
    } else {
        buf_append_str(&status->body,
                       forbidden
                           ? "<p>The exporter may not use its socket. Run the exporter as root "
                             "or as a user of the socket's group.</p>"
                           : "<p>Check that it runs (<code>systemctl status docker</code>) "
                             "and that its socket is the one in the configuration.</p>");
        buf_append_str(&status->body, "<dl>");
        print_address(status, "docker");
        print_last_error(status, "docker");
        buf_append_str(&status->body, "</dl>");
        status_problem(status, true, "daemons",
                       forbidden ? "the exporter may not use Docker's socket"
                                 : "Docker does not answer");
    }
    buf_append_str(&status->body, "</div>");
}

static void print_exporter(struct status *status)
{
    struct buf *out = &status->body;
    double started, reloaded = 1, at;

    begin_card(status, "Exporter", "up", "good");
    html_fill(out, "<dl><dt>Version</dt><dd>%s</dd>", status->context->version);
    if (status_value(status, "process_start_time_seconds", &started)) {
        buf_append_str(out, "<dt>Up for</dt><dd>");
        html_seconds(out, status->now - started);
        buf_append_str(out, "</dd>");
    }
    buf_append_str(out, "<dt>Configuration</dt><dd>");
    if (status_value(status, "containerd_exporter_config_last_reload_successful", &reloaded) &&
        !(reloaded > 0)) {
        buf_append_str(out,
                       "<span class=\"bad\">the file is invalid</span>, the previous one is in "
                       "force; the log lists the mistakes");
        status_problem(status, true, "daemons", "the configuration file is invalid");
    } else {
        buf_append_str(out, "<a");
        layout_open_href(out, status->context, "/config?format=html");
        buf_append_str(out, "\">in force</a>");
    }
    if (status_value(status, "containerd_exporter_config_last_reload_success_timestamp_seconds",
                     &at) &&
        at > 0) {
        buf_append_str(out, ", loaded ");
        html_time(out, at, status->now);
    }
    buf_append_str(out, "</dd></dl></div>");
}

void status_print_daemons(struct status *status)
{
    buf_append_str(&status->body, "<section aria-labelledby=\"daemons\"><h2 id=\"daemons\">"
                                  "Daemons</h2>\n<div class=\"grid\">");
    print_containerd(status);
    print_docker(status);
    print_exporter(status);
    buf_append_str(&status->body, "</div></section>\n");
}
