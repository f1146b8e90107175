/* SPDX-License-Identifier: Apache-2.0 */
#include "web/pages/page.h"

#include "encoding/json_quote.h"
#include "scheduler/metric_catalog.h"
#include "web/pages/html.h"
#include "web/pages/layout.h"

#include <string.h>

#define JSON "application/json; charset=utf-8"

/* Allows a line break before each underscore. */
static void print_name(struct buf *out, const char *name)
{
    for (; *name; name++) {
        if (*name == '_')
            buf_append_str(out, "<wbr>");
        buf_append_char(out, *name);
    }
}

static void print_index(struct buf *out, const struct metric_catalog *list)
{
    int group = -1;

    buf_append_str(out, "<div role=\"navigation\" aria-label=\"Metrics\">");
    for (size_t i = 0; i < list->count; i++) {
        const struct metric_family *family = list->families[i];
        if ((int)family_group(family) != group) {
            buf_append_str(out, group < 0 ? "" : "</ul>");
            group = (int)family_group(family);
            buf_printf(out, "<h2>%s</h2><ul class=\"index\">",
                       family_group_name((enum family_group)group));
        }
        buf_printf(out, "<li><a class=\"ref\" href=\"#%s\">", family->name);
        print_name(out, family->name);
        buf_append_str(out, "</a></li>");
    }
    buf_append_str(out, "</ul></div>\n");
}

static void print_family(struct buf *out, const struct metric_family *family)
{
    CLEANUP(buf_deinit) struct buf query = BUF_INIT(LAYOUT_LIMIT_BYTES);

    buf_printf(out,
               "<article class=\"card metric\" id=\"%s\"><h3><a class=\"ref\" href=\"#%s\">%s"
               "</a> <span class=\"tag\">%s</span></h3><p>",
               family->name, family->name, family->name, family_type_name(family));
    html_fill(out, "%s</p><dl>", family->help);
    if (*family_unit(family))
        buf_printf(out, "<dt>Unit</dt><dd>%s</dd>", family_unit(family));
    if (family->labels[0]) {
        buf_append_str(out, "<dt>Labels</dt><dd class=\"ref\">");
        for (size_t i = 0; family->labels[i]; i++)
            buf_printf(out, "%s%s", i > 0 ? ", " : "", family->labels[i]);
        buf_append_str(out, "</dd>");
    }
    buf_append_str(out, "<dt>Example query</dt><dd><code>");
    family_query(family, &query);
    html_fill(out, "%s</code></dd></dl></article>\n", query.data ? query.data : "");
}

static void print_page(struct buf *out, const struct page_context *context,
                       const struct metric_catalog *list)
{
    int group = -1;

    layout_begin(out, context, &(struct layout){.title = "Metrics", .path = "/metrics-help"});
    buf_printf(out,
               "<h1>The %zu metrics of this build</h1>\n<p>Metrics measured on a schedule have the "
               "age of their last run. Metrics that cannot be measured are absent. Each has an "
               "example query.</p>\n",
               list->count);
    print_index(out, list);
    for (size_t i = 0; i < list->count; i++) {
        if ((int)family_group(list->families[i]) != group) {
            group = (int)family_group(list->families[i]);
            buf_printf(out, "<h2>%s</h2>\n", family_group_name((enum family_group)group));
        }
        print_family(out, list->families[i]);
    }
    layout_end(out, context);
}

static void quote_query(struct buf *out, const struct metric_family *family)
{
    CLEANUP(buf_deinit) struct buf query = BUF_INIT(LAYOUT_LIMIT_BYTES);

    family_query(family, &query);
    json_quote(out, query.data ? query.data : "");
}

static void print_json(struct buf *out, const struct metric_catalog *list)
{
    buf_append_str(out, "{\"metrics\":[");
    for (size_t i = 0; i < list->count; i++) {
        const struct metric_family *family = list->families[i];
        buf_printf(out,
                   "%s\n{\"name\":\"%s\",\"type\":\"%s\",\"unit\":\"%s\",\"group\":\"%s\","
                   "\"labels\":[",
                   i > 0 ? "," : "", family->name, family_type_name(family), family_unit(family),
                   family_group_name(family_group(family)));
        for (size_t j = 0; family->labels[j]; j++)
            buf_printf(out, "%s\"%s\"", j > 0 ? "," : "", family->labels[j]);
        buf_append_str(out, "],\"help\":");
        json_quote(out, family->help);
        buf_append_str(out, ",\"query\":");
        quote_query(out, family);
        buf_append_char(out, '}');
    }
    buf_append_str(out, "\n]}\n");
}

void page_metrics_help(const struct page_context *context, struct exchange *exchange)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LAYOUT_LIMIT_BYTES);
    CLEANUP(metric_catalog_deinit) struct metric_catalog list = {0};
    const char *format;
    struct error err;
    bool json;

    if (!layout_format(exchange, "json", "html", &format)) {
        layout_reject(context, exchange, 400, "Invalid format: expected html or json.");
        return;
    }
    json = format && strcmp(format, "json") == 0;
    if (!metric_catalog_init(&list, context->tables, &err)) {
        exchange_reply_text(exchange, 500, err.message);
        return;
    }
    if (json)
        print_json(&out, &list);
    else
        print_page(&out, context, &list);
    layout_reply(exchange, 200, json ? JSON : LAYOUT_HTML, &out);
}
