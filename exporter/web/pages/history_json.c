/* SPDX-License-Identifier: Apache-2.0 */
#include "web/pages/history_json.h"

#include "base/text.h"
#include "encoding/json_quote.h"
#include "metrics/encode.h"
#include "web/pages/html.h"

#include <string.h>

#define LINE_BYTES ((size_t)4096)

/* Replaces invalid UTF-8, which would make the whole document invalid. */
static void quote_part(struct buf *out, const char *text, size_t size)
{
    char clean[LINE_BYTES];

    text_clean(clean, sizeof(clean), text, size);
    json_quote(out, clean);
}

static void member(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, ",\"%s\":", name);
    quote_part(out, text ? text : "", text ? strlen(text) : 0);
}

static void number(struct buf *out, const char *name, double value)
{
    buf_printf(out, ",\"%s\":", name);
    if (value > -1e300 && value < 1e300)
        encode_number(out, value);
    else
        buf_append_str(out, "null");
}

static void print_phases(struct buf *out, const struct run_record *record)
{
    const char *comma = "";

    buf_append_str(out, ",\"phases\":{");
    for (size_t i = 0; i < record->n_phases; i++) {
        if (!(record->phases[i].seconds >= 0))
            continue;
        buf_printf(out, "%s\"%s\":", comma, record->phases[i].name);
        encode_number(out, record->phases[i].seconds);
        comma = ",";
    }
    buf_printf(out, "},\"bytes\":{\"fetched\":%llu,\"uploaded\":%llu,\"cached\":%llu,",
               (unsigned long long)record->fetched_bytes,
               (unsigned long long)record->uploaded_bytes,
               (unsigned long long)record->cached_bytes);
    buf_printf(out, "\"declared\":%llu}", (unsigned long long)record->declared_bytes);
}

static void print_log(struct buf *out, const char *log)
{
    const char *comma = "";

    buf_append_str(out, ",\"log\":[");
    while (*log) {
        size_t size = strcspn(log, "\n");
        buf_append_str(out, comma);
        quote_part(out, log, size);
        comma = ",";
        log += size + (log[size] == '\n');
    }
    buf_append_char(out, ']');
}

static void print_run(struct buf *out, const struct run_record *record)
{
    buf_append_str(out, "{\"id\":");
    quote_part(out, record->id, strlen(record->id));
    member(out, "probe", record->probe);
    member(out, "operation", record->operation);
    member(out, "engine", record->engine);
    member(out, "registry", record->registry);
    member(out, "image", record->image);
    member(out, "host", record->host);
    member(out, "digest", record->digest);
    member(out, "trigger", run_trigger_name(record->trigger));
    number(out, "start", record->start);
    buf_append_str(out, ",\"start_time\":\"");
    html_moment(out, record->start);
    buf_append_char(out, '"');
    number(out, "seconds", record->seconds);
    number(out, "timeout_seconds", record->timeout_seconds);
    buf_printf(out, ",\"success\":%s,\"slow\":%s", record->reason == ERROR_NONE ? "true" : "false",
               record->slow ? "true" : "false");
    if (record->reason == ERROR_NONE)
        buf_append_str(out, ",\"reason\":null");
    else
        member(out, "reason", error_code_name(record->reason));
    member(out, "message", record->message);
    member(out, "warning", record->warning);
    print_phases(out, record);
    print_log(out, record->log ? record->log : "");
    buf_append_char(out, '}');
}

void history_json(struct buf *out, const char *node, double now,
                  const struct run_record *const *records, size_t n)
{
    buf_append_str(out, "{\"node\":");
    quote_part(out, node, strlen(node));
    number(out, "now", now);
    buf_append_str(out, ",\"runs\":[");
    for (size_t i = 0; i < n; i++) {
        buf_append_str(out, i > 0 ? ",\n" : "\n");
        print_run(out, records[i]);
    }
    buf_append_str(out, "\n]}\n");
}

void history_json_error(struct buf *out, const char *sentence)
{
    buf_append_str(out, "{\"error\":");
    quote_part(out, sentence, strlen(sentence));
    buf_append_str(out, "}\n");
}
