/* SPDX-License-Identifier: Apache-2.0 */
/* /config: the configuration that is in force, without its secrets, and how the exporter was
 * called. */
#include "os/file.h"
#include "web/pages/html.h"
#include "web/pages/layout.h"
#include "web/pages/pages.h"

#include <string.h>

#define CONFIG_LIMIT_BYTES ((size_t)4 << 20)
#define LINE_BYTES         ((size_t)4096)

/* Who names a password in a URL shows it to whoever reads the URL: not here. */
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

/* The words of the command line as comments. */
static void print_call(struct buf *out)
{
    CLEANUP(buf_deinit) struct buf call = BUF_INIT(CONFIG_LIMIT_BYTES);
    struct error ignored;

    if (!file_read("/proc/self/cmdline", &call, &ignored))
        return;
    buf_append_str(out, "# called as:\n");
    for (size_t i = 0; i < call.size; i += strlen(call.data + i) + 1) {
        char *word = call.data + i;
        for (char *c = word; *c; c++)
            if ((unsigned char)*c < ' ')
                *c = ' ';
        buf_append_str(out, "#   ");
        append_masked(out, word, strlen(word));
        buf_append_char(out, '\n');
    }
}

static void print_config(struct buf *out, const struct web_options *options)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(CONFIG_LIMIT_BYTES);

    print_call(out);
    reloader_config(options->reloader, &text);
    if (text.data)
        append_masked(out, text.data, text.size);
}

/* Line by line: a line may be cut, the whole is not. */
static void print_html(struct buf *out, const struct web_options *options, const char *text)
{
    layout_begin(out, options, &(struct layout){.title = "Configuration", .path = "/config"});
    buf_append_str(out, "<h1>The configuration in force</h1>\n<p>Defaults are written out, secrets "
                        "are left out. <a");
    layout_href(out, options, "/config");
    buf_append_str(out, ">As plain text</a></p>\n<pre>");
    while (*text) {
        size_t size = strcspn(text, "\n");
        html_text_part(out, text, size);
        buf_append_char(out, '\n');
        text += size + (text[size] == '\n');
    }
    buf_append_str(out, "</pre>\n");
    layout_end(out, options);
}

void page_config(const struct web_options *options, struct exchange *exchange)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(CONFIG_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LAYOUT_LIMIT_BYTES);
    const char *format;

    if (!layout_format(exchange, "html", "text", &format)) {
        layout_refuse(options, exchange, 400, "format is text or html.");
        return;
    }
    print_config(&text, options);
    if (!format || strcmp(format, "html") != 0) {
        layout_reply(exchange, 200, "text/plain; charset=utf-8", &text);
        return;
    }
    print_html(&out, options, text.data ? text.data : "");
    layout_reply(exchange, 200, LAYOUT_HTML, &out);
}
