/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the header without copies. The supported range with the highest weight wins, of
 * equal ones the first. Ranges with "*" mean the default, text, and never win over a named format
 * of the same weight.
 */
#include "metrics/negotiate.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define WEIGHT_ONE 1000 /* weights have three digits */

/* A part of the header. */
struct span {
    const char *data;
    size_t size;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static struct span trimmed(const char *from, const char *to)
{
    while (from < to && is_space(*from))
        from++;
    while (to > from && is_space(to[-1]))
        to--;
    return (struct span){from, (size_t)(to - from)};
}

static bool is(struct span span, const char *text)
{
    return span.size == strlen(text) && memcmp(span.data, text, span.size) == 0;
}

static bool is_word(struct span span, const char *text)
{
    return text_equal_ignoring_case(span.data, span.size, text);
}

/* Cuts off the part before the next `separator` outside of quotes. False at the end. */
static bool next_part(struct span *rest, char separator, struct span *part)
{
    const char *at = rest->data, *end = rest->data + rest->size;
    bool quoted = false;

    if (!rest->data)
        return false;
    for (; at < end && (quoted || *at != separator); at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (quoted && *at == '\\' && at + 1 < end)
            at++;
    }
    *part = trimmed(rest->data, at);
    *rest = at < end ? (struct span){at + 1, (size_t)(end - at - 1)} : (struct span){NULL, 0};
    return true;
}

/* Removes quotes around the value. No known value contains an escape. */
static void split_parameter(struct span parameter, struct span *name, struct span *value)
{
    const char *end = parameter.data + parameter.size;
    const char *equals = memchr(parameter.data, '=', parameter.size);

    *name = trimmed(parameter.data, equals ? equals : end);
    *value = equals ? trimmed(equals + 1, end) : (struct span){end, 0};
    if (value->size >= 2 && value->data[0] == '"' && value->data[value->size - 1] == '"')
        *value = (struct span){value->data + 1, value->size - 2};
}

/* In thousandths. More than 1 is 1 (Prometheus 2.49 sends q=2); an invalid number is 0. */
static unsigned weight(struct span value)
{
    unsigned thousandths = 0, step = WEIGHT_ONE;
    bool point = false;

    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];

        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9')
            return 0;
        if (point)
            step /= 10;
        if (!point && thousandths < WEIGHT_ONE)
            thousandths = thousandths * 10 + (unsigned)(c - '0') * WEIGHT_ONE;
        else
            thousandths += (unsigned)(c - '0') * step;
    }
    return thousandths < WEIGHT_ONE ? thousandths : WEIGHT_ONE;
}

struct range {
    struct span type, version, proto, encoding;
    const char *escaping;
    unsigned weight;
};

static const char *known_escaping(struct span value)
{
    static const char *const schemes[] = {"underscores", "allow-utf-8", "dots", "values"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (is(value, schemes[i]))
            return schemes[i];
    return schemes[0];
}

static struct range read_range(struct span text)
{
    struct range range = {.escaping = "underscores", .weight = WEIGHT_ONE};
    struct span parameter, name, value;

    next_part(&text, ';', &range.type);
    while (next_part(&text, ';', &parameter)) {
        split_parameter(parameter, &name, &value);
        if (is_word(name, "q"))
            range.weight = weight(value);
        else if (is_word(name, "version"))
            range.version = value;
        else if (is_word(name, "proto"))
            range.proto = value;
        else if (is_word(name, "encoding"))
            range.encoding = value;
        else if (is_word(name, "escaping"))
            range.escaping = known_escaping(value);
    }
    return range;
}

/* False if there is no such format. OpenMetrics without a version is 1.0. */
static bool format_of(const struct range *range, bool openmetrics_2, enum encode_format *format)
{
    bool any_version = !range->version.data;

    if (is_word(range->type, "application/vnd.google.protobuf")) {
        *format = ENCODE_PROTOBUF;
        return is(range->proto, "io.prometheus.client.MetricFamily") &&
               is(range->encoding, "delimited");
    }
    if (is_word(range->type, "application/openmetrics-text")) {
        *format = is(range->version, "0.0.1")   ? ENCODE_OPENMETRICS_0
                  : is(range->version, "2.0.0") ? ENCODE_OPENMETRICS_2
                                                : ENCODE_OPENMETRICS;
        return *format == ENCODE_OPENMETRICS_2
                   ? openmetrics_2
                   : *format == ENCODE_OPENMETRICS_0 || any_version || is(range->version, "1.0.0");
    }
    *format = ENCODE_TEXT;
    if (is_word(range->type, "text/plain"))
        return any_version || is(range->version, "0.0.4");
    return is_word(range->type, "text/*");
}

static void write_type(struct negotiated *out, const char *escaping)
{
    static const char *const types[ENCODE_FORMATS] = {
        [ENCODE_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
        [ENCODE_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
        [ENCODE_OPENMETRICS_0] = "application/openmetrics-text; version=0.0.1; charset=utf-8",
        [ENCODE_PROTOBUF] = "application/vnd.google.protobuf; "
                            "proto=io.prometheus.client.MetricFamily; encoding=delimited",
        [ENCODE_OPENMETRICS_2] = "application/openmetrics-text; version=2.0.0; charset=utf-8",
    };

    snprintf(out->content_type, sizeof(out->content_type), "%s; escaping=%s", types[out->format],
             escaping);
}

void negotiate_format(const char *accept, bool openmetrics_2, struct negotiated *out)
{
    struct span rest = {accept, accept ? strlen(accept) : 0}, part;
    const char *escaping = "underscores";
    unsigned best = 0;

    out->format = ENCODE_TEXT;
    while (next_part(&rest, ',', &part)) {
        struct range range = read_range(part);
        enum encode_format format;
        unsigned rank = 2 * range.weight + !is_word(range.type, "text/*");

        if (range.weight == 0 || rank <= best || !format_of(&range, openmetrics_2, &format))
            continue;
        best = rank;
        out->format = format;
        escaping = range.escaping;
    }
    write_type(out, escaping);
}

bool negotiate_gzip(const char *accept_encoding)
{
    struct span rest = {accept_encoding, accept_encoding ? strlen(accept_encoding) : 0}, part;
    int gzip = -1, any = -1, identity = 0; /* weights; -1: not listed */

    while (next_part(&rest, ',', &part)) {
        struct range range = read_range(part);
        int weight_of = (int)range.weight;

        if (is_word(range.type, "gzip") || is_word(range.type, "x-gzip"))
            gzip = weight_of > gzip ? weight_of : gzip;
        else if (is_word(range.type, "*"))
            any = weight_of;
        else if (is_word(range.type, "identity"))
            identity = weight_of;
    }
    gzip = gzip < 0 ? any : gzip;
    return gzip > 0 && gzip >= identity;
}
