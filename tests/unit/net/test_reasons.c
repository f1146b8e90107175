/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mapping of failures to reasons. Expectations come from outside the code: RFC 9110, the error
 * codes of the OCI distribution specification, the codes of the gRPC specification with their use
 * in containerd, statuses of the Docker Engine API, and failures that a server on loopback
 * provokes. test_go_error.c has the messages of Go daemons.
 */
#include "base/clock.h"
#include "docker/docker_stream.h"
#include "net/http/http_message.h"
#include "net/rpc_status.h"
#include "registry/registry_status.h"
#include "support/fake_http.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct error error_of(enum registry_request request, int status, const char *body)
{
    CLEANUP(http_response_deinit) struct http_response response = HTTP_RESPONSE_INIT(4096);
    struct error err;

    response.status = status;
    buf_append_str(&response.body, body);
    assert_false(registry_status_error(request, &response, &err));
    assert_int_equal(err.status, status);
    return err;
}

static enum error_code code_of(enum registry_request request, int status, const char *name)
{
    char body[128];

    snprintf(body, sizeof(body), "{\"errors\":[{\"code\":\"%s\",\"message\":\"so it is\"}]}", name);
    return error_of(request, status, body).code;
}

/* The values of the label "reason" are a contract with dashboards and alerts. */
static void names_of_reasons_never_change(void **state)
{
    static const char *const names[] = {
        "dns",
        "connect",
        "tls",
        "proxy",
        "timeout",
        "canceled",
        "unauthorized",
        "forbidden",
        "not_found",
        "rate_limited",
        "server_error",
        "protocol",
        "digest_mismatch",
        "size_mismatch",
        "not_cold",
        "unsupported",
        "invalid",
        "no_space",
        "unpack",
        "runtime_unavailable",
        "runtime_forbidden",
        "runtime",
        "limit",
        "memory",
        "internal",
    };

    (void)state;
    assert_int_equal(ERROR_CODES - 1, COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++) {
        size_t found = 0;

        for (int code = ERROR_NONE + 1; code < ERROR_CODES; code++)
            found += strcmp(error_code_name((enum error_code)code), names[i]) == 0;
        assert_int_equal(found, 1);
    }
}

/* Any status that is no success, against the meaning that RFC 9110 and registries give it. */
static void every_http_status_has_a_reason(void **state)
{
    static const struct {
        int status;
        enum error_code want;
    } exceptions[] = {
        {401, ERROR_UNAUTHORIZED}, /* missing or invalid credentials */
        {403, ERROR_FORBIDDEN},    {404, ERROR_NOT_FOUND},
        {405, ERROR_UNSUPPORTED},  /* the registry does not allow deletes or pushes */
        {407, ERROR_PROXY},        /* only a proxy asks for proxy authentication */
        {408, ERROR_SERVER_ERROR}, /* the server gave up waiting for the request */
        {412, ERROR_FORBIDDEN},    /* Harbor: a policy of the project rejects the pull or push */
        {413, ERROR_LIMIT},        /* the layer is larger than the registry accepts */
        {429, ERROR_RATE_LIMITED}, {507, ERROR_NO_SPACE}, /* insufficient storage */
    };

    (void)state;
    for (int status = 300; status < 700; status++) {
        enum error_code want = status >= 500 && status <= 599 ? ERROR_SERVER_ERROR : ERROR_PROTOCOL;

        for (size_t i = 0; i < COUNT(exceptions); i++)
            if (exceptions[i].status == status)
                want = exceptions[i].want;
        if (http_status_reason(status) != want)
            fail_msg("%d: %s", status, error_code_name(http_status_reason(status)));
        assert_int_equal(code_of(REGISTRY_READ, status, "SOMETHING_NEW"), want);
    }
}

/* By the OCI distribution specification, and by what registries do. A registry that does not know
 * what it has accepted before has failed. */
static void error_codes_of_registries_depend_on_the_request(void **state)
{
    static const struct {
        int status;
        const char *name;
        enum error_code read, write;
    } rows[] = {
        {401, "UNAUTHORIZED", ERROR_UNAUTHORIZED, ERROR_UNAUTHORIZED},
        {401, "DENIED", ERROR_FORBIDDEN, ERROR_FORBIDDEN},
        {403, "DENIED", ERROR_FORBIDDEN, ERROR_FORBIDDEN},
        {403, "UNAUTHORIZED", ERROR_UNAUTHORIZED, ERROR_UNAUTHORIZED},
        {404, "NAME_UNKNOWN", ERROR_NOT_FOUND, ERROR_NOT_FOUND},
        {404, "MANIFEST_UNKNOWN", ERROR_NOT_FOUND, ERROR_SERVER_ERROR},
        {404, "BLOB_UNKNOWN", ERROR_NOT_FOUND, ERROR_SERVER_ERROR},
        {400, "MANIFEST_BLOB_UNKNOWN", ERROR_NOT_FOUND, ERROR_SERVER_ERROR},
        {404, "BLOB_UPLOAD_UNKNOWN", ERROR_NOT_FOUND, ERROR_SERVER_ERROR},
        {404, "BLOB_UPLOAD_INVALID", ERROR_SERVER_ERROR, ERROR_SERVER_ERROR},
        {416, "BLOB_UPLOAD_INVALID", ERROR_SERVER_ERROR, ERROR_SERVER_ERROR},
        {403, "TOOMANYREQUESTS", ERROR_RATE_LIMITED, ERROR_RATE_LIMITED},
        {404, "UNAVAILABLE", ERROR_SERVER_ERROR, ERROR_SERVER_ERROR},
        {405, "UNSUPPORTED", ERROR_UNSUPPORTED, ERROR_UNSUPPORTED},
        {400, "UNSUPPORTED", ERROR_UNSUPPORTED, ERROR_UNSUPPORTED},
        {400, "DIGEST_INVALID", ERROR_INVALID, ERROR_DIGEST_MISMATCH},
        {400, "SIZE_INVALID", ERROR_PROTOCOL, ERROR_SIZE_MISMATCH},
        {416, "RANGE_INVALID", ERROR_PROTOCOL, ERROR_PROTOCOL},
        {400, "NAME_INVALID", ERROR_INVALID, ERROR_INVALID},
        {400, "TAG_INVALID", ERROR_INVALID, ERROR_INVALID},
        {400, "MANIFEST_INVALID", ERROR_PROTOCOL, ERROR_INVALID},
        {400, "MANIFEST_UNVERIFIED", ERROR_PROTOCOL, ERROR_INVALID},
        {404, "MANIFEST_INVALID", ERROR_NOT_FOUND, ERROR_INVALID},
        {413, "", ERROR_LIMIT, ERROR_LIMIT},
        {413, "SIZE_INVALID", ERROR_LIMIT, ERROR_SIZE_MISMATCH},
        {409, "", ERROR_PROTOCOL, ERROR_FORBIDDEN},
        {409, "DENIED", ERROR_FORBIDDEN, ERROR_FORBIDDEN},
        {415, "", ERROR_PROTOCOL, ERROR_UNSUPPORTED},
        {404, "", ERROR_NOT_FOUND, ERROR_NOT_FOUND},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (code_of(REGISTRY_READ, rows[i].status, rows[i].name) != rows[i].read ||
            code_of(REGISTRY_WRITE, rows[i].status, rows[i].name) != rows[i].write)
            fail_msg("%d %s", rows[i].status, rows[i].name);
        if (rows[i].status != 404 || *rows[i].name)
            assert_int_equal(code_of(REGISTRY_UPLOAD, rows[i].status, rows[i].name), rows[i].write);
    }
    assert_int_equal(code_of(REGISTRY_UPLOAD, 404, ""), ERROR_SERVER_ERROR);
    assert_int_equal(code_of(REGISTRY_UPLOAD, 404, "NAME_UNKNOWN"), ERROR_NOT_FOUND);
}

static void error_codes_of_registries_refine_a_4xx_only(void **state)
{
    static const struct {
        int status;
        const char *name;
        enum error_code want;
    } rows[] = {
        {400, "manifest_unknown", ERROR_PROTOCOL},
        {500, "MANIFEST_UNKNOWN",
         ERROR_SERVER_ERROR}, /* the server is broken: its error code does not count */
        {599, "TOOMANYREQUESTS", ERROR_SERVER_ERROR},
        {507, "DENIED", ERROR_NO_SPACE},
        {399, "DENIED", ERROR_PROTOCOL},
        {499, "DENIED", ERROR_FORBIDDEN},
        {400, "DENIE", ERROR_PROTOCOL},
        {400, "DENIED2", ERROR_PROTOCOL},
        {400, "", ERROR_PROTOCOL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(code_of(REGISTRY_READ, rows[i].status, rows[i].name), rows[i].want);
        assert_int_equal(code_of(REGISTRY_WRITE, rows[i].status, rows[i].name), rows[i].want);
    }
}

/* A proxy that refuses a large body sends a page of HTML. */
static void explains_what_the_body_does_not(void **state)
{
    (void)state;
    assert_string_equal(error_of(REGISTRY_UPLOAD, 413, "<html>").message,
                        "HTTP 413: the request is larger than the registry, or a proxy before it, "
                        "accepts");
    assert_string_equal(error_of(REGISTRY_READ, 413, "<html>").message, "HTTP 413");
    assert_string_equal(error_of(REGISTRY_UPLOAD, 404, "").message,
                        "HTTP 404: the registry does not know the upload that it has opened");
    assert_string_equal(
        error_of(REGISTRY_WRITE, 413, "{\"errors\":[{\"code\":\"X\",\"message\":\"m\"}]}").message,
        "HTTP 413 X: m");
}

/* The result of a GET of `path` from a server with `rules`. *no_tls as in the response. */
static enum error_code fetched(const struct fake_rule *rules, const char *scheme, const char *path,
                               int64_t timeout_ns, bool *no_tls)
{
    CLEANUP(http_response_deinit) struct http_response response = HTTP_RESPONSE_INIT(4096);
    struct http_request request = {.method = "GET", .follow_redirects = true};
    struct error err = {ERROR_NONE};
    struct fake_http fake;
    struct cancel cancel;
    struct http *http;
    char url[128];

    fake_start(&fake, rules);
    cancel_init(&cancel, clock_now_ns() + timeout_ns);
    http = http_new(&(struct http_options){0}, &err);
    assert_non_null(http);
    snprintf(url, sizeof(url), "%s://%s%s", scheme, fake.host, path);
    request.url = url;
    (void)!http_exchange(http, &request, &response, &cancel, &err);
    *no_tls = response.no_tls;
    http_free(http);
    cancel_deinit(&cancel);
    fake_stop(&fake);
    return err.code;
}

/* Only rows that end by the deadline have a short one, so a slow machine changes no reason. */
static void failed_exchanges_have_exact_reasons(void **state)
{
    static const struct fake_rule rules[] = {
        {"GET /hang", .end = FAKE_HANG},
        {"GET /stuck", .status = "200 OK", .body = "x", .length_off = 5, .end = FAKE_HANG},
        {"GET /reset", .end = FAKE_RESET},
        {"GET /empty", .end = FAKE_CLOSE},
        {"GET /cut", .status = "200 OK", .body = "x", .length_off = 5, .end = FAKE_CLOSE},
        {"GET /loop", .status = "307 Round", .headers = "Location: /loop\r\n"},
        {"GET /ftp", .status = "307 Away", .headers = "Location: ftp://127.0.0.1/\r\n"},
        {"GET /good", .status = "200 OK", .body = "x"},
        {0},
    };
    static const struct {
        const char *scheme, *path;
        enum error_code want;
        bool no_tls;
    } rows[] = {
        {"http", "/hang", ERROR_TIMEOUT},  {"http", "/stuck", ERROR_TIMEOUT},
        {"http", "/reset", ERROR_CONNECT}, {"http", "/empty", ERROR_CONNECT},
        {"http", "/cut", ERROR_CONNECT},   {"http", "/loop", ERROR_PROTOCOL},
        {"http", "/ftp", ERROR_PROTOCOL},  {"http", "/good", ERROR_NONE},
        {"ftp", "/good", ERROR_INVALID},   {"https", "/good", ERROR_TLS, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool no_tls, times_out = rows[i].want == ERROR_TIMEOUT;
        enum error_code code = fetched(rules, rows[i].scheme, rows[i].path,
                                       times_out ? 300 * NS_PER_MS : 60 * NS_PER_SECOND, &no_tls);

        if (code != rows[i].want || no_tls != rows[i].no_tls)
            fail_msg("%s%s: %s", rows[i].scheme, rows[i].path, error_code_name(code));
    }
}

/* Numbers and names of the gRPC specification; reasons by what containerd means with them. */
static void every_grpc_code_has_a_name_and_a_reason(void **state)
{
    static const struct {
        int code;
        const char *name;
        enum error_code want;
    } rows[] = {
        {1, "Canceled", ERROR_CANCELED},
        {2, "Unknown", ERROR_RUNTIME}, /* any Go error without a code */
        {3, "InvalidArgument", ERROR_INVALID},
        {4, "DeadlineExceeded", ERROR_TIMEOUT},
        {5, "NotFound", ERROR_NOT_FOUND},
        {6, "AlreadyExists", ERROR_RUNTIME}, /* a caller that expects it handles it */
        {7, "PermissionDenied", ERROR_FORBIDDEN},
        {8, "ResourceExhausted", ERROR_LIMIT}, /* a message larger than the channel accepts */
        {9, "FailedPrecondition", ERROR_RUNTIME},
        {10, "Aborted", ERROR_RUNTIME},
        {11, "OutOfRange", ERROR_RUNTIME},
        {12, "Unimplemented", ERROR_UNSUPPORTED}, /* an older daemon without the service */
        {13, "Internal", ERROR_RUNTIME},
        {14, "Unavailable", ERROR_RUNTIME_UNAVAILABLE}, /* no connection to the socket */
        {15, "DataLoss", ERROR_RUNTIME},
        {16, "Unauthenticated", ERROR_UNAUTHORIZED},
        {-1, "Unknown", ERROR_RUNTIME},
        {17, "Unknown", ERROR_RUNTIME},
        {INT_MAX, "Unknown", ERROR_RUNTIME},
        {INT_MIN, "Unknown", ERROR_RUNTIME},
    };

    (void)state;
    assert_string_equal(rpc_status_name(0), "OK");
    assert_int_equal(rpc_status_reason(0), ERROR_RUNTIME); /* OK is no failure */
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_string_equal(rpc_status_name(rows[i].code), rows[i].name);
        if (rpc_status_reason(rows[i].code) != rows[i].want)
            fail_msg("%d: %s", rows[i].code, error_code_name(rpc_status_reason(rows[i].code)));
    }
}

/* The message has priority over the status, which dockerd often leaves at 500. */
static void docker_failures_go_by_message_then_status(void **state)
{
    static const struct {
        int64_t status;
        const char *message;
        enum error_code want;
    } rows[] = {
        {500, "it rained", ERROR_RUNTIME},
        {400, "it rained", ERROR_INVALID},
        {401, "it rained", ERROR_UNAUTHORIZED},
        {403, "it rained", ERROR_FORBIDDEN},
        {404, "it rained", ERROR_NOT_FOUND},
        {409, "it rained", ERROR_RUNTIME},
        {429, "it rained", ERROR_RATE_LIMITED},
        {501, "it rained", ERROR_UNSUPPORTED},
        {503, "it rained", ERROR_RUNTIME},
        {0, "", ERROR_RUNTIME},
        {500, "manifest unknown", ERROR_NOT_FOUND},
        {500, "toomanyrequests: You have reached your pull rate limit.", ERROR_RATE_LIMITED},
        {404,
         "pull access denied for x, repository does not exist or may require 'docker login': "
         "denied: requested access to the resource is denied",
         ERROR_FORBIDDEN},
        {500, "Get \"https://a/v2/\": dial tcp 192.0.2.1:443: connect: connection refused",
         ERROR_CONNECT},
        {500, "received unexpected HTTP status: 503 Service Unavailable", ERROR_SERVER_ERROR},
        {500, "received unexpected HTTP status: 429 Too Many Requests", ERROR_RATE_LIMITED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(docker_failure_code(rows[i].message, rows[i].status), rows[i].want);
}

static void errno_values_have_reasons(void **state)
{
    static const struct {
        int number;
        enum error_code want;
    } rows[] = {
        {ENOMEM, ERROR_MEMORY},   {ENOENT, ERROR_NOT_FOUND},  {EACCES, ERROR_FORBIDDEN},
        {EPERM, ERROR_FORBIDDEN}, {ETIMEDOUT, ERROR_TIMEOUT}, {ENOSPC, ERROR_NO_SPACE},
        {EDQUOT, ERROR_NO_SPACE}, {EIO, ERROR_INTERNAL},
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_false(error_errno(&err, rows[i].number, "it"));
        assert_int_equal(err.code, rows[i].want);
    }
}

static int start(void **state)
{
    (void)state;
    http_library_init();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    http_library_deinit();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_reasons_never_change),
        cmocka_unit_test(every_http_status_has_a_reason),
        cmocka_unit_test(error_codes_of_registries_depend_on_the_request),
        cmocka_unit_test(error_codes_of_registries_refine_a_4xx_only),
        cmocka_unit_test(explains_what_the_body_does_not),
        cmocka_unit_test(failed_exchanges_have_exact_reasons),
        cmocka_unit_test(every_grpc_code_has_a_name_and_a_reason),
        cmocka_unit_test(docker_failures_go_by_message_then_status),
        cmocka_unit_test(errno_values_have_reasons),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
