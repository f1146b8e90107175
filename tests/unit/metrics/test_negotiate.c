/* SPDX-License-Identifier: Apache-2.0 */
/* Accept headers and the format that they select. */
#include "metrics/negotiate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(escaping) "text/plain; version=0.0.4; charset=utf-8; escaping=" escaping
#define OM(version, escaping) \
    "application/openmetrics-text; version=" version "; charset=utf-8; escaping=" escaping
#define PROTOBUF(escaping)                                                       \
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; " \
    "encoding=delimited; escaping=" escaping
#define ASK_PROTOBUF \
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"

struct row {
    const char *accept, *want;
};

static void check(const struct row *row, bool openmetrics_2)
{
    struct negotiated got;

    negotiate_format(row->accept, openmetrics_2, &got);
    if (strcmp(got.content_type, row->want) != 0)
        print_error("of %s\n", row->accept ? row->accept : "(nothing)");
    assert_string_equal(got.content_type, row->want);
    assert_int_equal(got.format, strstr(row->want, "protobuf")        ? ENCODE_PROTOBUF
                                 : strstr(row->want, "version=1.0.0") ? ENCODE_OPENMETRICS
                                 : strstr(row->want, "version=0.0.1") ? ENCODE_OPENMETRICS_0
                                 : strstr(row->want, "version=2.0.0") ? ENCODE_OPENMETRICS_2
                                                                      : ENCODE_TEXT);
}

#define CHECK_ALL(rows, openmetrics_2)                            \
    for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++) \
    check(&(rows)[i], openmetrics_2)

/* Headers of Prometheus versions, as captured. */
static void serves_prometheus(void **state)
{
    static const struct row rows[] = {
        /* 2.42 */
        {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
         "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         OM("1.0.0", "underscores")},
        /* 2.42 with native histograms */
        {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding="
         "delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/"
         "openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         PROTOBUF("underscores")},
        /* 3.5.3 */
        {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/"
         "openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;"
         "q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
         OM("1.0.0", "allow-utf-8")},
        /* 3.5.3 with native histograms, or with created timestamps */
        {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding="
         "delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
         "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping="
         "allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
         PROTOBUF("underscores")},
        /* 3.5.3, scrape_protocols: [PrometheusText0.0.4] */
        {"text/plain;version=0.0.4;q=0.6,*/*;q=0.5", TEXT("underscores")},
        /* 3.5.3, legacy names */
        {"application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.6,application/"
         "openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=underscores;"
         "q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
         OM("1.0.0", "underscores")},
        /* 3.5.3, metric_name_escaping_scheme: values */
        {"application/openmetrics-text;version=1.0.0;escaping=values;q=0.6,application/"
         "openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=values;q=0.4,"
         "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
         OM("1.0.0", "values")},
        /* 2.49, whose last weight is out of range */
        {"application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=2",
         OM("1.0.0", "underscores")},
    };

    (void)state;
    CHECK_ALL(rows, false);
    CHECK_ALL(rows, true);
}

static void falls_back_to_text(void **state)
{
    static const struct row rows[] = {
        {NULL, TEXT("underscores")},
        {"", TEXT("underscores")},
        {"*/*", TEXT("underscores")},
        {"text/*", TEXT("underscores")},
        {"text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", TEXT("underscores")},
        {"application/json", TEXT("underscores")},
        {"text/plain", TEXT("underscores")},
        {"text/plain;q=0", TEXT("underscores")},
        {"application/openmetrics-text;q=0", TEXT("underscores")},
        {"application/openmetrics-text;version=1.0.0;q=0.0,*/*", TEXT("underscores")},
        {"application/openmetrics-text;version=3.0.0", TEXT("underscores")},
        {"application/openmetrics-text;version=", TEXT("underscores")},
        {"application/openmetrics-text;q=much", TEXT("underscores")},
        {"application/openmetrics-text;q=-1", TEXT("underscores")},
        {"application/openmetrics-textual", TEXT("underscores")},
        {"text/plain;version=1.0.0;escaping=allow-utf-8", TEXT("underscores")},
        {"text/plain;version=1.0.0;escaping=allow-utf-8,text/"
         "plain;version=0.0.4;escaping=dots;q=0.1",
         TEXT("dots")},
        {",,;;q=,=;\"", TEXT("underscores")},
        {"application/openmetrics-text;version=\"1.0.0", TEXT("underscores")},
        {"\xff\xfe/\x01", TEXT("underscores")},
        {"application/vnd.google.protobuf", TEXT("underscores")},
        {"application/vnd.google.protobuf;encoding=delimited", TEXT("underscores")},
        {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily",
         TEXT("underscores")},
        {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
         TEXT("underscores")},
        {"application/vnd.google.protobuf;proto=io.prometheus.client.Metric;encoding=delimited",
         TEXT("underscores")},
    };

    (void)state;
    CHECK_ALL(rows, false);
}

static void respects_weights(void **state)
{
    static const struct row rows[] = {
        {"application/openmetrics-text", OM("1.0.0", "underscores")},
        {"application/openmetrics-text;version=0.0.1", OM("0.0.1", "underscores")},
        {"text/plain;q=0.5,application/openmetrics-text;q=0.6", OM("1.0.0", "underscores")},
        {"text/plain;q=0.6,application/openmetrics-text;q=0.5", TEXT("underscores")},
        {"text/plain,application/openmetrics-text", TEXT("underscores")},
        {"application/openmetrics-text,text/plain", OM("1.0.0", "underscores")},
        {"application/openmetrics-text;q=0.501,text/plain;q=0.502", TEXT("underscores")},
        {"application/openmetrics-text;q=0.9,text/plain;q=7", TEXT("underscores")},
        {"application/openmetrics-text;q=1.000,text/plain;q=2", OM("1.0.0", "underscores")},
        {"*/*,application/openmetrics-text;q=0.001", OM("1.0.0", "underscores")},
        {"*/*;q=2,application/openmetrics-text;q=0.5", OM("1.0.0", "underscores")},
        {"text/*;q=0.5,application/openmetrics-text;q=0.5", OM("1.0.0", "underscores")},
        {"text/*;q=0.6,application/openmetrics-text;q=0.5", TEXT("underscores")},
        {ASK_PROTOBUF ";q=0.1,text/plain;q=0.2", TEXT("underscores")},
        {ASK_PROTOBUF ";q=0,application/openmetrics-text;q=0.2", OM("1.0.0", "underscores")},
        {ASK_PROTOBUF ";escaping=values", PROTOBUF("values")},
        {"text/plain;escaping=allow-utf-8", TEXT("allow-utf-8")},
        {"text/plain;escaping=dots", TEXT("dots")},
        {"text/plain;escaping=\"values\"", TEXT("values")},
        {"text/plain;escaping=hieroglyphs", TEXT("underscores")},
    };

    (void)state;
    CHECK_ALL(rows, false);
}

static void tolerates_blanks_quotes_and_case(void **state)
{
    static const struct row rows[] = {
        {" application/openmetrics-text ; version = 1.0.0 ; escaping=values ",
         OM("1.0.0", "values")},
        {"\tapplication/openmetrics-text\t;\tversion=0.0.1\t", OM("0.0.1", "underscores")},
        {"APPLICATION/OpenMetrics-Text;VERSION=0.0.1", OM("0.0.1", "underscores")},
        {"text/plain;Q=0.1,application/openmetrics-text;q=0.2", OM("1.0.0", "underscores")},
        {"application/openmetrics-text;version=\"1.0.0\"", OM("1.0.0", "underscores")},
        {"text/html;title=\"a,b;c\\\",application/openmetrics-text\",text/plain;escaping=dots",
         TEXT("dots")},
        {"text/html;title=\"a,b\",application/openmetrics-text", OM("1.0.0", "underscores")},
        {"Application/Vnd.Google.Protobuf; Proto=\"io.prometheus.client.MetricFamily\"; "
         "Encoding=\"delimited\"",
         PROTOBUF("underscores")},
        {"text/html,application/openmetrics-text;novalue;version=1.0.0",
         OM("1.0.0", "underscores")},
        /* two headers, joined */
        {"text/html,application/openmetrics-text;version=0.0.1;q=0.3,,text/plain;q=0.2",
         OM("0.0.1", "underscores")},
    };

    (void)state;
    CHECK_ALL(rows, false);
}

static void offers_openmetrics_2_only_if_allowed(void **state)
{
    static const struct row without[] = {
        {"application/openmetrics-text;version=2.0.0", TEXT("underscores")},
        {"application/openmetrics-text;version=2.0.0,application/openmetrics-text;version=1.0.0;"
         "q=0.5",
         OM("1.0.0", "underscores")},
    };
    static const struct row with[] = {
        {"application/openmetrics-text;version=2.0.0", OM("2.0.0", "underscores")},
        {"application/openmetrics-text;version=2.0.0;escaping=allow-utf-8,application/"
         "openmetrics-text;version=1.0.0;q=0.5",
         OM("2.0.0", "allow-utf-8")},
        {"application/openmetrics-text", OM("1.0.0", "underscores")},
    };

    (void)state;
    CHECK_ALL(without, false);
    CHECK_ALL(with, true);
}

static void selects_gzip(void **state)
{
    static const struct {
        const char *header;
        bool want;
    } rows[] = {
        {NULL, false},
        {"", false},
        {"gzip", true},
        {"identity", false},
        {"GZip", true},
        {"x-gzip", true},
        {"gzip;q=0", false},
        {"gzip; q=0.000", false},
        {"gzip;q=0.001", true},
        {"gzip;q=0,x-gzip", true},
        {"*", true},
        {"*;q=0", false},
        {"*;q=0,gzip", true},
        {"gzip;q=0,*", false},
        {"deflate, br, zstd", false},
        {"deflate, gzip;q=1.0, *;q=0.5", true},
        {"br;q=1.0, gzip;q=0.2", true},
        {"identity;q=0.5, gzip;q=0.2", false},
        {"identity;q=0.2, gzip;q=0.5", true},
        {"identity, gzip", true},
        {"identity;q=0", false},
        {"gzipped", false},
        {" gzip ,", true},
        {"gzip;q=none", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (negotiate_gzip(rows[i].header) != rows[i].want)
            print_error("of %s\n", rows[i].header ? rows[i].header : "(nothing)");
        assert_int_equal(negotiate_gzip(rows[i].header), rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_prometheus),
        cmocka_unit_test(falls_back_to_text),
        cmocka_unit_test(respects_weights),
        cmocka_unit_test(tolerates_blanks_quotes_and_case),
        cmocka_unit_test(offers_openmetrics_2_only_if_allowed),
        cmocka_unit_test(selects_gzip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
