/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where reasons come from, one row for each: HTTP statuses, the registry's own codes, curl, gRPC,
 * Docker and errno. The words of Go's daemons have test_go_error.c.
 */
#include "base/clock.h"
#include "docker/docker_stream.h"
#include "net/http_status.h"
#include "net/rpc_status.h"
#include "registry/registry_status.h"
#include "support/fake_http.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static enum error_code code_of(int status, const char *name)
{
    CLEANUP(http_response_deinit) struct http_response response = HTTP_RESPONSE_INIT(4096);
    struct error err;

    response.status = status;
    buf_printf(&response.body, "{\"errors\":[{\"code\":\"%s\",\"message\":\"so it is\"}]}", name);
    assert_false(registry_status_error(&response, &err));
    assert_int_equal(err.status, status);
    return err.code;
}

/* The value of a label never changes. */
static void the_list_is_closed(void **state)
{
    static const char *const names[ERROR_CODES] = {
        "none",
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
        "runtime",
        "limit",
        "memory",
        "internal",
    };

    (void)state;
    for (int i = ERROR_NONE + 1; i < ERROR_CODES; i++)
        assert_string_equal(error_code_name(i), names[i]);
}

static void http_statuses(void **state)
{
    static const struct {
        int status;
        enum error_code want;
    } rows[] = {
        {400, ERROR_PROTOCOL},     {401, ERROR_UNAUTHORIZED}, {402, ERROR_PROTOCOL},
        {403, ERROR_FORBIDDEN},    {404, ERROR_NOT_FOUND},    {405, ERROR_UNSUPPORTED},
        {407, ERROR_PROXY},        {412, ERROR_FORBIDDEN},    {408, ERROR_SERVER_ERROR},
        {413, ERROR_LIMIT},        {416, ERROR_PROTOCOL},     {418, ERROR_PROTOCOL},
        {429, ERROR_RATE_LIMITED}, {500, ERROR_SERVER_ERROR}, {502, ERROR_SERVER_ERROR},
        {503, ERROR_SERVER_ERROR}, {504, ERROR_SERVER_ERROR}, {507, ERROR_NO_SPACE},
        {599, ERROR_SERVER_ERROR}, {204, ERROR_PROTOCOL},     {304, ERROR_PROTOCOL},
        {600, ERROR_PROTOCOL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(http_status_reason(rows[i].status), rows[i].want);
        assert_int_equal(code_of(rows[i].status, "SOMETHING_NEW"), rows[i].want);
    }
}

static void codes_of_registries(void **state)
{
    static const struct {
        int status;
        const char *name;
        enum error_code want;
    } rows[] = {
        {401, "UNAUTHORIZED", ERROR_UNAUTHORIZED},
        {401, "DENIED", ERROR_FORBIDDEN},
        {403, "DENIED", ERROR_FORBIDDEN},
        {403, "UNAUTHORIZED", ERROR_UNAUTHORIZED},
        {404, "NAME_UNKNOWN", ERROR_NOT_FOUND},
        {404, "MANIFEST_UNKNOWN", ERROR_NOT_FOUND},
        {404, "BLOB_UNKNOWN", ERROR_NOT_FOUND},
        {400, "MANIFEST_BLOB_UNKNOWN", ERROR_NOT_FOUND},
        {403, "TOOMANYREQUESTS", ERROR_RATE_LIMITED},
        {404, "UNAVAILABLE", ERROR_SERVER_ERROR},
        {405, "UNSUPPORTED", ERROR_UNSUPPORTED},
        {400, "DIGEST_INVALID", ERROR_DIGEST_MISMATCH},
        {400, "SIZE_INVALID", ERROR_SIZE_MISMATCH},
        {400, "NAME_INVALID", ERROR_INVALID},
        {400, "TAG_INVALID", ERROR_INVALID},
        {400, "MANIFEST_INVALID", ERROR_INVALID},
        {400, "MANIFEST_UNVERIFIED", ERROR_INVALID},
        {404, "BLOB_UPLOAD_UNKNOWN", ERROR_NOT_FOUND},
        {404, "BLOB_UPLOAD_INVALID", ERROR_PROTOCOL}, /* it is there, and does not go on */
        {416, "RANGE_INVALID", ERROR_PROTOCOL},
        {400, "UNSUPPORTED", ERROR_UNSUPPORTED},
        {400, "manifest_unknown", ERROR_PROTOCOL},
        {500, "MANIFEST_UNKNOWN", ERROR_SERVER_ERROR}, /* broken, whatever it says */
        {503, "TOOMANYREQUESTS", ERROR_SERVER_ERROR},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(code_of(rows[i].status, rows[i].name), rows[i].want);
}

/* The answer to a GET of `path` from a server that plays `rules`; https: asked so. */
static enum error_code fetched(const struct fake_rule *rules, const char *scheme, const char *path)
{
    CLEANUP(http_response_deinit) struct http_response response = HTTP_RESPONSE_INIT(4096);
    struct http_request request = {.method = "GET", .follow_redirects = true};
    struct error err = {ERROR_NONE};
    struct fake_http fake;
    struct cancel cancel;
    struct http *http;
    char url[128];

    fake_start(&fake, rules);
    cancel_init(&cancel, clock_now_ns() + 400 * NS_PER_MS);
    http = http_new(&(struct http_options){0}, &err);
    assert_non_null(http);
    snprintf(url, sizeof(url), "%s://%s%s", scheme, fake.host, path);
    request.url = url;
    (void)!http_exchange(http, &request, &response, &cancel, &err);
    http_free(http);
    cancel_deinit(&cancel);
    fake_stop(&fake);
    return err.code;
}

static void codes_of_curl(void **state)
{
    static const struct fake_rule rules[] = {
        {"GET /hang", .end = FAKE_HANG},
        {"GET /reset", .end = FAKE_RESET},
        {"GET /empty", .end = FAKE_CLOSE},
        {"GET /cut", .status = "200 OK", .body = "x", .length_off = 5, .end = FAKE_CLOSE},
        {"GET /loop", .status = "307 Round", .headers = "Location: /loop\r\n"},
        {"GET /ftp", .status = "307 Away", .headers = "Location: ftp://127.0.0.1/\r\n"},
        {"GET /good", .status = "200 OK", .body = "x"},
        {"", .status = "400 Bad Request", .end = FAKE_CLOSE},
        {0},
    };
    static const struct {
        const char *scheme, *path;
        enum error_code want;
    } rows[] = {
        {"http", "/hang", ERROR_TIMEOUT},  {"http", "/reset", ERROR_CONNECT},
        {"http", "/empty", ERROR_CONNECT}, {"http", "/cut", ERROR_CONNECT},
        {"http", "/loop", ERROR_PROTOCOL}, {"http", "/good", ERROR_NONE},
        {"ftp", "/good", ERROR_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum error_code code = fetched(rules, rows[i].scheme, rows[i].path);

        if (code != rows[i].want)
            print_error("%s%s\n", rows[i].scheme, rows[i].path);
        assert_int_equal(code, rows[i].want);
    }
    assert_int_not_equal(fetched(rules, "http", "/ftp"), ERROR_INTERNAL);
}

static void codes_of_grpc(void **state)
{
    static const enum error_code want[] = {
        [RPC_CANCELLED] = ERROR_CANCELED,
        [RPC_UNKNOWN] = ERROR_RUNTIME,
        [RPC_INVALID_ARGUMENT] = ERROR_INVALID,
        [RPC_DEADLINE_EXCEEDED] = ERROR_TIMEOUT,
        [RPC_NOT_FOUND] = ERROR_NOT_FOUND,
        [RPC_ALREADY_EXISTS] = ERROR_RUNTIME,
        [RPC_PERMISSION_DENIED] = ERROR_FORBIDDEN,
        [RPC_RESOURCE_EXHAUSTED] = ERROR_LIMIT,
        [RPC_FAILED_PRECONDITION] = ERROR_RUNTIME,
        [RPC_ABORTED] = ERROR_RUNTIME,
        [RPC_OUT_OF_RANGE] = ERROR_RUNTIME,
        [RPC_UNIMPLEMENTED] = ERROR_UNSUPPORTED,
        [RPC_INTERNAL] = ERROR_RUNTIME,
        [RPC_UNAVAILABLE] = ERROR_RUNTIME_UNAVAILABLE,
        [RPC_DATA_LOSS] = ERROR_RUNTIME,
        [RPC_UNAUTHENTICATED] = ERROR_UNAUTHORIZED,
    };

    (void)state;
    for (int i = RPC_CANCELLED; i <= RPC_UNAUTHENTICATED; i++)
        assert_int_equal(rpc_status_reason(i), want[i]);
    assert_int_equal(rpc_status_reason(-1), ERROR_RUNTIME);
    assert_int_equal(rpc_status_reason(99), ERROR_RUNTIME);
}

/* The words go before the status, which dockerd often leaves at 500. */
static void codes_of_docker(void **state)
{
    static const struct {
        int64_t status;
        const char *words;
        enum error_code want;
    } rows[] = {
        {500, "it rained", ERROR_RUNTIME},
        {400, "it rained", ERROR_INVALID},
        {404, "it rained", ERROR_NOT_FOUND},
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
        assert_int_equal(docker_failure_code(rows[i].words, rows[i].status), rows[i].want);
}

static void codes_of_the_system(void **state)
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
        cmocka_unit_test(the_list_is_closed),  cmocka_unit_test(http_statuses),
        cmocka_unit_test(codes_of_registries), cmocka_unit_test(codes_of_curl),
        cmocka_unit_test(codes_of_grpc),       cmocka_unit_test(codes_of_docker),
        cmocka_unit_test(codes_of_the_system),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
