/* SPDX-License-Identifier: Apache-2.0 */
#include "command/terminal/probe_result.h"

#include "base/text.h"
#include "command/terminal/help.h"
#include "encoding/json.h"
#include "web/pages/reason_help.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define INDENT     ((size_t)12)
#define TEXT_BYTES ((size_t)2048)

static void line(struct buf *out, const char *name, const char *text)
{
    char clean[TEXT_BYTES];

    if (!*text)
        return;
    text_clean(clean, sizeof(clean), text, strlen(text));
    buf_printf(out, "  %-9s ", name);
    help_text(clean, INDENT, out);
}

static void heading(const struct run_record *record, struct buf *out)
{
    if (record->reason == ERROR_NONE)
        buf_printf(out, "%s: ok in %.3f s%s\n", record->probe, record->seconds,
                   record->slow ? ", slow" : "");
    else
        buf_printf(out, "%s: FAILED after %.3f s, reason %s\n", record->probe, record->seconds,
                   error_code_name(record->reason));
}

static void phases(const struct run_record *record, struct buf *out)
{
    const char *name = "phases";

    for (size_t i = 0; i < record->n_phases; i++) {
        if (record->phases[i].seconds < 0)
            continue;
        buf_printf(out, "  %-9s %-10s %10.3f s\n", name, record->phases[i].name,
                   record->phases[i].seconds);
        name = "";
    }
}

static void append_bytes(struct buf *out, uint64_t bytes, const char *what)
{
    char text[32];

    if (bytes == 0)
        return;
    text_format_bytes(bytes, text, sizeof(text));
    buf_printf(out, "%s%s %s", out->size > 0 ? ", " : "", text, what);
}

static void bytes(const struct run_record *record, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(TEXT_BYTES);

    append_bytes(&text, record->fetched_bytes, "fetched");
    append_bytes(&text, record->uploaded_bytes, "uploaded");
    append_bytes(&text, record->cached_bytes, "already present");
    append_bytes(&text, record->declared_bytes, "declared by manifests");
    line(out, "bytes", text.data ? text.data : "");
}

static void append_reason_help(const struct run_record *record, struct buf *out)
{
    struct reason_help reason_help = {"", ""};

    if (record->reason != ERROR_NONE)
        reason_help = reason_help_of(record->reason, record->operation);
    line(out, "meaning", reason_help.what);
    line(out, "to do", reason_help.todo);
}

void run_text(const struct run_record *record, struct buf *out)
{
    char what[TEXT_BYTES];

    heading(record, out);
    snprintf(what, sizeof(what), "%s %s%s%s", record->operation, record->image,
             *record->engine ? " by " : "", record->engine);
    line(out, "what", what);
    line(out, "host", record->host);
    line(out, "digest", record->digest);
    phases(record, out);
    bytes(record, out);
    line(out, "warning", record->warning);
    line(out, "message", record->message);
    append_reason_help(record, out);
    line(out, "run", record->id);
}

static void member(struct buf *out, const char *name, const char *text)
{
    char clean[TEXT_BYTES];

    text_clean(clean, sizeof(clean), text, strlen(text));
    buf_printf(out, "%s\"%s\":", out->data[out->size - 1] == '{' ? "" : ",", name);
    json_quote(out, clean);
}

void run_json(const struct run_record *record, struct buf *out)
{
    const char *comma = "";

    buf_append_char(out, '{');
    member(out, "probe", record->probe);
    member(out, "operation", record->operation);
    member(out, "engine", record->engine);
    member(out, "registry", record->registry);
    member(out, "image", record->image);
    member(out, "host", record->host);
    member(out, "digest", record->digest);
    member(out, "run", record->id);
    buf_printf(out, ",\"success\":%s", record->reason == ERROR_NONE ? "true" : "false");
    member(out, "reason", record->reason == ERROR_NONE ? "" : error_code_name(record->reason));
    member(out, "message", record->message);
    member(out, "warning", record->warning);
    buf_printf(out, ",\"slow\":%s,\"start\":%.3f,\"seconds\":%.6f,\"phases\":{",
               record->slow ? "true" : "false", record->start, record->seconds);
    for (size_t i = 0; i < record->n_phases; i++) {
        if (record->phases[i].seconds < 0)
            continue;
        buf_printf(out, "%s\"%s\":%.6f", comma, record->phases[i].name, record->phases[i].seconds);
        comma = ",";
    }
    buf_printf(out,
               "},\"bytes\":{\"fetched\":%" PRIu64 ",\"uploaded\":%" PRIu64 ",\"cached\":%" PRIu64
               ",\"declared\":%" PRIu64 "}}\n",
               record->fetched_bytes, record->uploaded_bytes, record->cached_bytes,
               record->declared_bytes);
}
