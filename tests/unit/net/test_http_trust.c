/* SPDX-License-Identifier: Apache-2.0 */
/* Which servers and proxies the client trusts: names of certificates, and where the trusted
 * certificates come from. containerd (Go's crypto/x509) decides alike. */
#include "net/http/http.h"

#include "base/clock.h"
#include "support/tls_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static enum error_code get(const char *url, const struct http_options *options, struct error *err)
{
    CLEANUP(http_response_deinit) struct http_response response = HTTP_RESPONSE_INIT(100);
    const struct http_request request = {.method = "GET", .url = url};
    CLEANUP(http_freep) struct http *http = NULL;
    struct cancel cancel;

    *err = (struct error){ERROR_NONE};
    http = http_new(options, err);
    cancel_init(&cancel, clock_now_ns() + 60 * NS_PER_SECOND);
    if (http && http_exchange(http, &request, &response, &cancel, err))
        assert_string_equal(response.body.data, "ok");
    cancel_deinit(&cancel);
    return err->code;
}

/* Asks for `host` at a server with such a certificate, which the client trusts. */
static enum error_code asked(const struct tls_names *names, const char *host, struct error *err)
{
    struct tls_identity identity;
    struct tls_server server = {.identity = &identity, .tunnel = true};
    enum error_code code;
    char text[128];

    tls_identity_init(&identity, names);
    tls_server_start(&server);
    snprintf(text, sizeof(text), "http://%s", server.authority);
    setenv("HTTPS_PROXY", text, 1);
    snprintf(text, sizeof(text), "https://%s/", host);
    code = get(text, &(struct http_options){.ca_file = identity.path}, err);
    tls_server_stop(&server);
    tls_identity_deinit(&identity);
    return code;
}

static void only_names_of_the_san_count(void **state)
{
    static const struct {
        struct tls_names names;
        const char *host;
        enum error_code want;
    } rows[] = {
        {{"r.example", .dns = {"r.example"}}, "r.example", ERROR_NONE},
        {{"other", .dns = {"a.example", "b.example", "r.example"}}, "r.example", ERROR_NONE},
        {{"r.example"}, "r.example", ERROR_TLS},
        {{"*.example"}, "r.example", ERROR_TLS},
        {{"r.example", .email = "a@r.example"}, "r.example", ERROR_TLS},
        {{"r.example", .uri = "https://r.example/"}, "r.example", ERROR_TLS},
        {{"r.example", .dns = {"other.example"}}, "r.example", ERROR_TLS},
        {{"r.example", .address = "10.1.2.3"}, "r.example", ERROR_TLS},
        {{"x", .dns = {"*.example"}}, "r.example", ERROR_NONE},
        {{"x", .dns = {"*.r.example"}}, "a.b.r.example", ERROR_TLS},
        {{"x", .dns = {"r.example"}}, "r.example.", ERROR_NONE},
        {{"x", .dns = {"r.example."}}, "r.example", ERROR_TLS},
        {{"x", .dns = {"R.EXAMPLE"}}, "r.example:5000", ERROR_NONE},
        {{"x", .address = "10.1.2.3"}, "10.1.2.3", ERROR_NONE},
        {{"x", .address = "10.1.2.3"}, "10.1.2.4", ERROR_TLS},
        {{"x", .dns = {"10.1.2.3"}}, "10.1.2.3", ERROR_TLS},
        {{"10.1.2.3"}, "10.1.2.3", ERROR_TLS},
        {{"x", .address = "fd00::1"}, "[fd00::1]:5000", ERROR_NONE},
        {{"x", .address = "fd00::1"}, "[fd00::2]", ERROR_TLS},
        {{"x", .address = "::ffff:10.1.2.3"}, "10.1.2.3", ERROR_NONE},
        {{"x", .dns = {"r.example"}, .rsa_bits = 1024}, "r.example", ERROR_NONE},
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (asked(&rows[i].names, rows[i].host, &err) != rows[i].want)
            fail_msg("row %zu, %s: %s", i, rows[i].host, err.message);
}

static void messages_name_what_is_missing(void **state)
{
    struct error err;

    (void)state;
    asked(&(struct tls_names){"r.example"}, "r.example", &err);
    assert_non_null(strstr(err.message, "SAN"));
    assert_non_null(strstr(err.message, "common name"));
    asked(&(struct tls_names){"x", .dns = {"a.example"}}, "r.example", &err);
    assert_non_null(strstr(err.message, "expected \"r.example\""));
}

/* The proxy's certificate is checked against the proxy's name, the server's against its own. */
static void checks_a_tls_proxy_and_the_server_behind_it(void **state)
{
    static const struct {
        struct tls_names proxy, server;
        const char *host;
        enum error_code want;
    } rows[] = {
        {{"x", .address = "127.0.0.1"}, {"x", .dns = {"r.example"}}, "r.example", ERROR_NONE},
        {{"x", .address = "127.0.0.1"}, {"x", .address = "10.1.2.3"}, "10.1.2.3", ERROR_NONE},
        {{"127.0.0.1"}, {"x", .dns = {"r.example"}}, "r.example", ERROR_PROXY},
        {{"x", .dns = {"r.example"}}, {"x", .dns = {"r.example"}}, "r.example", ERROR_PROXY},
        {{"x", .address = "127.0.0.1"}, {"r.example"}, "r.example", ERROR_TLS},
        {{"x", .address = "127.0.0.1"}, {"x", .address = "127.0.0.1"}, "10.1.2.3", ERROR_TLS},
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tls_identity proxy, identity;
        struct tls_server server = {.identity = &identity, .proxy = &proxy};
        const char *const more[] = {identity.path, NULL};
        char text[128];

        tls_identity_init(&proxy, &rows[i].proxy);
        tls_identity_init(&identity, &rows[i].server);
        tls_server_start(&server);
        snprintf(text, sizeof(text), "https://%s", server.authority);
        setenv("HTTPS_PROXY", text, 1);
        snprintf(text, sizeof(text), "https://%s/", rows[i].host);
        if (get(text, &(struct http_options){.ca_file = proxy.path, .more_ca_files = more}, &err) !=
            rows[i].want)
            fail_msg("row %zu: %s", i, err.message);
        if (get(text, &(struct http_options){.skip_verify = true}, &err) != ERROR_NONE)
            fail_msg("row %zu without verification: %s", i, err.message);
        tls_server_stop(&server);
        tls_identity_deinit(&proxy);
        tls_identity_deinit(&identity);
    }
}

__attribute__((noinline)) static void ask(struct http *http, const char *url)
{
    CLEANUP(http_response_deinit) struct http_response response = HTTP_RESPONSE_INIT(100);
    const struct http_request request = {.method = "GET", .url = url};
    struct cancel cancel;
    struct error err;

    cancel_init(&cancel, clock_now_ns() + 60 * NS_PER_SECOND);
    assert_true(http_exchange(http, &request, &response, &cancel, &err));
    assert_string_equal(response.body.data, "ok");
    cancel_deinit(&cancel);
}

/* Overwrites what an exchange left on the stack. */
__attribute__((noinline)) static void scribble(void)
{
    volatile char stack[16384];

    for (size_t i = 0; i < sizeof(stack); i++)
        stack[i] = 0x55;
}

static void a_connection_outlives_its_exchange(void **state)
{
    struct tls_identity identity;
    struct tls_server server = {.identity = &identity};
    struct http *http;
    struct error err;
    char url[64];

    (void)state;
    tls_identity_init(&identity, &(struct tls_names){"x", .address = "127.0.0.1"});
    tls_server_start(&server);
    snprintf(url, sizeof(url), "https://%s/", server.authority);
    http = http_new(&(struct http_options){.ca_file = identity.path}, &err);
    assert_non_null(http);
    for (int i = 0; i < 3; i++) {
        ask(http, url);
        scribble();
    }
    http_free(http);
    tls_server_stop(&server);
    tls_identity_deinit(&identity);
}

/* Replaces each "D" by `directory`. */
static void set_variable(const char *name, const char *value, const char *directory)
{
    char text[512] = "";

    unsetenv(name);
    for (const char *at = value; at && *at; at++)
        strcat(text, *at == 'D' ? directory : (char[]){*at, '\0'});
    if (value)
        setenv(name, text, 1);
}

static void run(const char *format, const char *directory, const char *file)
{
    char command[512];

    snprintf(command, sizeof(command), "cd %s && CA=%s && %s", directory, file, format);
    assert_int_equal(system(command), 0);
}

static const char make_directories[] =
    "mkdir empty ca broken && cp $CA ca/plain && echo garbage >broken/garbage && "
    "ln -s /nonexistent broken/dead && mkdir broken/directory && "
    "(echo -----BEGIN CERTIFICATE-----; echo %%; echo -----END CERTIFICATE-----; "
    "echo text; cat $CA) >bundle";

/* "D/ca" has the certificate, under a name that is no hash. */
static void reads_the_variables_of_go(void **state)
{
    static const struct {
        const char *file, *dir;
        enum error_code want;
    } rows[] = {
        {NULL, NULL, ERROR_TLS},
        {"", "", ERROR_TLS},
        {"D/ca/plain", NULL, ERROR_NONE},
        {"D/ca/plain", "", ERROR_NONE},
        {"D/ca/plain", "/nonexistent", ERROR_NONE},
        {"D/bundle", "D/empty", ERROR_NONE}, /* with garbage before it */
        {NULL, "D/ca", ERROR_NONE},
        {"", "D/ca", ERROR_NONE},
        {NULL, "D/empty:D/ca", ERROR_NONE},
        {NULL, "D/ca:D/empty", ERROR_NONE},
        {NULL, ":D/ca:", ERROR_NONE},
        {NULL, "/nonexistent:D/broken:D/ca", ERROR_NONE},
        {NULL, "D", ERROR_NONE}, /* the bundle */
        {NULL, "D/empty", ERROR_TLS},
        {NULL, "D/empty D/ca", ERROR_TLS},
        {NULL, "D/broken", ERROR_TLS},
        {"/nonexistent", NULL, ERROR_TLS},
        {"/nonexistent", "D/ca", ERROR_NONE},
        {"/nonexistent", "/nonexistent", ERROR_TLS},
        {"D/broken/garbage", "D/empty", ERROR_TLS},
        {"D/ca/plain:D/bundle", "D/empty", ERROR_TLS},
        {"D", "D/ca", ERROR_NONE},
    };
    struct tls_identity identity;
    struct tls_server server = {.identity = &identity};
    char url[64], directory[] = "/tmp/test_trust.XXXXXX";
    struct error err;

    (void)state;
    tls_identity_init(&identity, &(struct tls_names){"x", .address = "127.0.0.1"});
    tls_server_start(&server);
    snprintf(url, sizeof(url), "https://%s/", server.authority);
    assert_non_null(mkdtemp(directory));
    run(make_directories, directory, identity.path);
    for (size_t i = 0; i < COUNT(rows); i++) {
        set_variable("SSL_CERT_FILE", rows[i].file, directory);
        set_variable("SSL_CERT_DIR", rows[i].dir, directory);
        if (get(url, &(struct http_options){0}, &err) != rows[i].want)
            fail_msg("row %zu: %s", i, err.message);
    }
    run("rm -r \"$PWD\"", directory, identity.path);
    tls_server_stop(&server);
    tls_identity_deinit(&identity);
}

/* `ca_file` replaces the system's certificates, `more_ca_files` are added to them; a change of a
 * file counts for the next client. */
static void combines_and_reads_again(void **state)
{
    struct tls_identity identity, other;
    struct tls_server server = {.identity = &identity};
    const char *const more[] = {identity.path, NULL}, *const more_other[] = {other.path, NULL};
    char url[64], directory[] = "/tmp/test_trust.XXXXXX";
    struct error err;

    (void)state;
    tls_identity_init(&identity, &(struct tls_names){"x", .address = "127.0.0.1"});
    tls_identity_init(&other, &(struct tls_names){"y", .address = "127.0.0.1"});
    tls_server_start(&server);
    snprintf(url, sizeof(url), "https://%s/", server.authority);
    assert_non_null(mkdtemp(directory));
    set_variable("SSL_CERT_DIR", "D", directory);
    setenv("SSL_CERT_FILE", identity.path, 1);
    assert_int_equal(get(url, &(struct http_options){.ca_file = other.path}, &err), ERROR_TLS);
    assert_int_equal(get(url, &(struct http_options){.more_ca_files = more_other}, &err),
                     ERROR_NONE);
    setenv("SSL_CERT_FILE", other.path, 1);
    assert_int_equal(get(url, &(struct http_options){0}, &err), ERROR_TLS);
    assert_int_equal(get(url, &(struct http_options){.more_ca_files = more}, &err), ERROR_NONE);
    setenv("SSL_CERT_FILE", "/nonexistent", 1);
    assert_int_equal(get(url, &(struct http_options){0}, &err), ERROR_TLS);
    assert_non_null(strstr(err.message, "SSL_CERT_FILE"));
    run("cp $CA added", directory, identity.path);
    assert_int_equal(get(url, &(struct http_options){0}, &err), ERROR_NONE);
    run("cp $CA added", directory, other.path);
    assert_int_equal(get(url, &(struct http_options){0}, &err), ERROR_TLS);
    run("rm -r \"$PWD\"", directory, identity.path);
    tls_server_stop(&server);
    tls_identity_deinit(&identity);
    tls_identity_deinit(&other);
}

static int set_up(void **state)
{
    (void)state;
    http_library_init();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_library_deinit();
    return 0;
}

static int forget_variables(void **state)
{
    (void)state;
    unsetenv("HTTPS_PROXY");
    unsetenv("NO_PROXY");
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, forget_variables)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_names_of_the_san_count),
        TEST(messages_name_what_is_missing),
        TEST(checks_a_tls_proxy_and_the_server_behind_it),
        TEST(a_connection_outlives_its_exchange),
        TEST(reads_the_variables_of_go),
        TEST(combines_and_reads_again),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
