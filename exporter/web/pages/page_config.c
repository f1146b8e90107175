/* SPDX-License-Identifier: Apache-2.0 */
#include "web/pages/page.h"

#include "os/file.h"
#include "web/pages/html.h"
#include "web/pages/layout.h"

#include <string.h>

#define CONFIG_LIMIT_BYTES ((size_t)4 << 20)
#define LINE_BYTES         ((size_t)4096)

/* Hides user and password of URLs. */
static void append_masked(struct buf *out, const char *text, size_t size)
{
    const char *end = text + size;

    while (text < end) {
        const char *host = memmem(text, (size_t)(end - text), "://", 3), *at;
        size_t authority;
        if (!host)
            break;
        host += 3;
        authority = strcspn(host, "/?# \t\r\n\"'");
        authority = authority < (size_t)(end - host) ? authority : (size_t)(end - host);
        at = memrchr(host, '@', authority);
        buf_append(out, text, (size_t)(host - text));
        if (at)
            buf_append_str(out, "<secret>");
        text = at ? at : host;
    }
    buf_append(out, text, (size_t)(end - text));
}

/* The arguments of the command line, as comments. */
static void print_command_line(struct buf *out)
{
    CLEANUP(buf_deinit) struct buf line = BUF_INIT(CONFIG_LIMIT_BYTES);
    struct error ignored;

    if (!file_read("/proc/self/cmdline", &line, &ignored))
        return;
    buf_append_str(out, "# command line:\n");
    for (size_t i = 0; i < line.size; i += strlen(line.data + i) + 1) {
        char *argument = line.data + i;
        for (char *c = argument; *c; c++)
            if ((unsigned char)*c < ' ')
                *c = ' ';
        buf_append_str(out, "#   ");
        append_masked(out, argument, strlen(argument));
        buf_append_char(out, '\n');
    }
}

/* The warnings, as comments. */
static void print_warnings(struct buf *out, const struct page_context *context)
{
    CLEANUP(buf_deinit) struct buf warnings = BUF_INIT(CONFIG_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf unused = BUF_INIT(CONFIG_LIMIT_BYTES);

    reloader_remarks(context->reloader, &warnings, &unused);
    for (const char *line = warnings.data; line && *line; line += strcspn(line, "\n") + 1)
        buf_printf(out, "# %.*s\n", (int)strcspn(line, "\n"), line);
}

static void print_config(struct buf *out, const struct page_context *context)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(CONFIG_LIMIT_BYTES);

    print_command_line(out);
    print_warnings(out, context);
    reloader_config(context->reloader, &text);
    if (text.data)
        append_masked(out, text.data, text.size);
}

/* Line by line, because html_text_part() cuts long texts. */
static void print_html(struct buf *out, const struct page_context *context, const char *text)
{
    layout_begin(out, context, &(struct layout){.title = "Configuration", .path = "/config"});
    buf_append_str(out, "<h1>The configuration in force</h1>\n<p>It includes defaults and omits "
                        "secrets. <a");
    layout_href(out, context, "/config");
    buf_append_str(out, ">As plain text</a></p>\n<pre>");
    while (*text) {
        size_t size = strcspn(text, "\n");
        html_text_part(out, text, size);
        buf_append_char(out, '\n');
        text += size + (text[size] == '\n');
    }
    buf_append_str(out, "</pre>\n");
    layout_end(out, context);
}

void page_config(const struct page_context *context, struct exchange *exchange)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(CONFIG_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LAYOUT_LIMIT_BYTES);
    const char *format;

    if (!layout_format(exchange, "html", "text", &format)) {
        layout_reject(context, exchange, 400, "Invalid format: expected text or html.");
        return;
    }
    print_config(&text, context);
    if (!format || strcmp(format, "html") != 0) {
        layout_reply(exchange, 200, "text/plain; charset=utf-8", &text);
        return;
    }
    print_html(&out, context, text.data ? text.data : "");
    layout_reply(exchange, 200, LAYOUT_HTML, &out);
}
