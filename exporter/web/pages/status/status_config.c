/* SPDX-License-Identifier: Apache-2.0 */
/* The section about the configuration: its warnings, and the probes that it disables. */
#include "web/pages/html.h"
#include "web/pages/layout.h"
#include "web/pages/status/status_private.h"

#include <string.h>

#define LINES_LIMIT_BYTES ((size_t)1 << 20)
#define LINES_MAX         ((size_t)20) /* shown; /config has all */

static size_t count_lines(const struct buf *text)
{
    size_t n = 0;

    for (size_t i = 0; i < text->size; i++)
        n += text->data[i] == '\n';
    return n;
}

static void print_lines(struct status *status, const struct buf *text)
{
    struct buf *out = &status->body;
    const char *line = text->data;
    size_t n = count_lines(text);

    buf_append_str(out, "<ul class=\"small\">");
    for (size_t i = 0; i < n && i < LINES_MAX; i++, line += strcspn(line, "\n") + 1) {
        buf_append_str(out, "<li>");
        html_text_part(out, line, strcspn(line, "\n"));
        buf_append_str(out, "</li>");
    }
    buf_append_str(out, "</ul>");
    if (n > LINES_MAX) {
        buf_printf(out, "<p class=\"soft small\">and %zu more, see <a", n - LINES_MAX);
        layout_href(out, status->context, "/config");
        buf_append_str(out, ">the configuration</a></p>");
    }
}

static void print_list(struct status *status, const char *title, const struct buf *text)
{
    if (text->size == 0)
        return;
    buf_printf(&status->body, "<div class=\"card\"><h3>%s</h3>", title);
    print_lines(status, text);
    buf_append_str(&status->body, "</div>\n");
}

void status_print_config(struct status *status)
{
    CLEANUP(buf_deinit) struct buf warnings = BUF_INIT(LINES_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf disabled = BUF_INIT(LINES_LIMIT_BYTES);
    size_t n;

    if (!status->context->reloader)
        return;
    reloader_remarks(status->context->reloader, &warnings, &disabled);
    if (warnings.size + disabled.size == 0)
        return;
    n = count_lines(&warnings);
    buf_append_str(&status->body, "<section aria-labelledby=\"configuration\"><h2 "
                                  "id=\"configuration\">Configuration</h2>\n");
    print_list(status, "Warnings", &warnings);
    print_list(status, "Disabled probes", &disabled);
    buf_append_str(&status->body, "</section>\n");
    if (n > 0)
        status_problem(status, false, "configuration", "%zu warning%s about the configuration", n,
                       n == 1 ? "" : "s");
}
