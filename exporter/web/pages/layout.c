/* SPDX-License-Identifier: Apache-2.0 */
#include "web/pages/layout.h"

#include "base/text.h"
#include "os/build.h"
#include "web/pages/html.h"
#include "web/pages/style.h"

#include <string.h>

static const struct {
    const char *path, *query, *name;
} links[] = {
    {"/", "", "Status"},
    {"/history", "", "History"},
    {"/config", "?format=html", "Configuration"},
    {"/metrics-help", "", "Metrics help"},
};

/* The path of the external URL: a proxy may add a prefix. */
static size_t prefix_of(const struct page_context *context, const char **prefix)
{
    const char *url = context->external_url ? context->external_url : "";
    const char *host = strstr(url, "://");
    const char *path = host ? strchr(host + 3, '/') : NULL;
    size_t size;

    *prefix = path ? path : context->route_prefix ? context->route_prefix : "";
    size = strcspn(*prefix, "?#");
    while (size > 0 && (*prefix)[size - 1] == '/')
        size--;
    return size;
}

void layout_open_href(struct buf *out, const struct page_context *context, const char *path)
{
    const char *prefix;
    size_t size = prefix_of(context, &prefix);

    buf_append_str(out, " href=\"");
    html_text_part(out, prefix, size);
    html_text(out, path);
}

void layout_href(struct buf *out, const struct page_context *context, const char *path)
{
    layout_open_href(out, context, path);
    buf_append_char(out, '"');
}

void layout_history_href(struct buf *out, const struct page_context *context, const char *probe)
{
    layout_open_href(out, context, "/history?probe=");
    html_query(out, probe);
    buf_append_char(out, '"');
}

static void print_head(struct buf *out, const struct page_context *context,
                       const struct layout *layout)
{
    buf_append_str(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                        "<meta name=\"viewport\" content=\"width=device-width, "
                        "initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
                        "<meta name=\"theme-color\" content=\"#e6522c\">\n");
    if (layout->refresh_seconds > 0)
        buf_printf(out, "<meta http-equiv=\"refresh\" content=\"%u\">\n", layout->refresh_seconds);
    html_fill(out, "<title>%s · %s</title>\n<link rel=\"icon\" href=\"", layout->title,
              context->node ? context->node : "containerd_exporter");
    buf_append_str(out, style_icon);
    buf_append_str(out, "\">\n<style>");
    buf_append_str(out, style_sheet);
    buf_append_str(out, "</style>\n</head>\n");
}

void layout_begin(struct buf *out, const struct page_context *context, const struct layout *layout)
{
    print_head(out, context, layout);
    buf_append_str(out, "<body>\n<a class=\"skip\" href=\"#main\">Skip to content</a>\n"
                        "<header><div class=\"wide\">");
    buf_append_str(out, style_mark);
    html_fill(
        out,
        "<p class=\"node\">%s</p><p class=\"product\">containerd_exporter</p></div></header>\n<nav "
        "aria-label=\"Pages\"><div class=\"wide\">",
        context->node ? context->node : "this node");
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        buf_append_str(out, "<a");
        layout_open_href(out, context, links[i].path);
        buf_printf(out, "%s\"%s>", links[i].query,
                   strcmp(layout->path, links[i].path) == 0 ? " aria-current=\"page\"" : "");
        buf_append_str(out, links[i].name);
        buf_append_str(out, "</a>");
    }
    buf_append_str(out, "<a");
    layout_href(out, context, context->telemetry_path);
    buf_append_str(out, ">Metrics</a></div></nav>\n<main id=\"main\" class=\"wide\">\n");
}

void layout_end(struct buf *out, const struct page_context *context)
{
    html_fill(out, "</main>\n<footer class=\"wide\"><p>containerd_exporter %s", context->version);
    if (build_knows(build_revision))
        html_fill(out, " (%s)", build_revision);
    buf_append_str(out, "</p><ul><li><a");
    layout_href(out, context, "/-/healthy");
    buf_append_str(out, ">Healthy</a></li><li><a");
    layout_href(out, context, "/-/ready");
    buf_append_str(out,
                   ">Ready</a></li><li>Documentation: README.md, "
                   "<code>man containerd_exporter</code></li></ul></footer>\n</body>\n</html>\n");
}

void layout_reply(struct exchange *exchange, unsigned status, const char *content_type,
                  struct buf *out)
{
    struct reply reply = {
        .status = status,
        .content_type = content_type,
        .headers = {{"Content-Security-Policy",
                     "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
                     "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"},
                    {"Referrer-Policy", "no-referrer"},
                    {"X-Content-Type-Options", "nosniff"},
                    {"Cache-Control", "no-store"}},
        .body = BUF_INIT(out->limit_bytes),
    };
    struct error err;

    if (!buf_ok(out, &err)) {
        exchange_reply_text(exchange, 500, "the page exceeds its size limit\n");
        return;
    }
    reply.body = *out;
    *out = (struct buf)BUF_INIT(out->limit_bytes);
    exchange_reply(exchange, &reply);
}

void layout_reject(const struct page_context *context, struct exchange *exchange, unsigned status,
                   const char *sentence)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LAYOUT_LIMIT_BYTES);

    layout_begin(
        &out, context,
        &(struct layout){.title = status == 404 ? "Not found" : "Bad request", .path = ""});
    html_fill(&out, "<h1>%s</h1><p>%s</p>\n", status == 404 ? "Not found" : "Bad request",
              sentence);
    layout_end(&out, context);
    layout_reply(exchange, status, LAYOUT_HTML, &out);
}

bool layout_parameter(const struct exchange *exchange, const char *name, const char **value)
{
    const char *values[1] = {NULL};
    size_t count = exchange_query(exchange, name, values, 1);

    *value = values[0];
    return count <= 1;
}

bool layout_number(const struct exchange *exchange, const char *name, uint64_t fallback,
                   uint64_t max, uint64_t *value)
{
    const char *text;
    struct error ignored;

    *value = fallback;
    if (!layout_parameter(exchange, name, &text))
        return false;
    return !text || (text_uint(text, value, &ignored) && *value >= 1 && *value <= max);
}

bool layout_format(const struct exchange *exchange, const char *one, const char *other,
                   const char **format)
{
    return layout_parameter(exchange, "format", format) &&
           (!*format || strcmp(*format, one) == 0 || strcmp(*format, other) == 0);
}
