/* SPDX-License-Identifier: Apache-2.0 */
/* Web configuration files: mistakes of invalid ones (tests/web/cases.txt), settings of valid ones.
 */
#include "server/config/web_config.h"

#include "base/clock.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_NAME "tests/web/web.yml"
#define HASH      "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
#define PAIR      "cert_file: server.pem, key_file: server_key.pem"

#define TEXT_LIMIT_BYTES ((size_t)1 << 20)

static struct web_config *parse(const char *text, struct buf *problems)
{
    struct error err;
    struct web_config *config = web_config_parse(FILE_NAME, text, strlen(text), problems, &err);

    if (!config)
        assert_int_equal(err.code, ERROR_INVALID);
    return config;
}

static struct web_config *parse_good(const char *text)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(TEXT_LIMIT_BYTES);
    struct web_config *config = parse(text, &problems);

    if (!config)
        fail_msg("%s", problems.data);
    return config;
}

/* ---- Cases ---- */

/* Whether a problem has the position and the words of "line:column words". */
static bool says(const char *problem, const char *expected)
{
    size_t size = strcspn(expected, " ");

    return strncmp(problem, FILE_NAME ":", strlen(FILE_NAME ":")) == 0 &&
           strncmp(problem + strlen(FILE_NAME ":"), expected, size) == 0 &&
           problem[strlen(FILE_NAME ":") + size] == ':' && strstr(problem, expected + size + 1);
}

/* Both are lines: line by line, `problems` must match `mistakes`. */
static bool compare(const char *name, char *mistakes, char *problems)
{
    const char *mistake, *problem;
    bool same = true;

    while ((mistake = strsep(&mistakes, "\n")) && *mistake) {
        problem = strsep(&problems, "\n");
        if (problem && says(problem, mistake))
            continue;
        print_error("%s: expected %s, found %s\n", name, mistake, problem ? problem : "nothing");
        same = false;
    }
    if (problems && *problems)
        print_error("%s: not expected: %s\n", name, problems);
    return same && !(problems && *problems);
}

struct sample {
    char name[256];
    struct buf text, mistakes;
};

static void sample_deinit(struct sample *sample)
{
    buf_deinit(&sample->text);
    buf_deinit(&sample->mistakes);
}

static bool check(struct sample *sample)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(TEXT_LIMIT_BYTES);
    CLEANUP(web_config_unrefp)
    struct web_config *config = parse(sample->text.data ? sample->text.data : "", &problems);

    if (config)
        assert_true(config->tls == (config->ready != NULL));
    return compare(sample->name, sample->mistakes.data, problems.data) &&
           (config != NULL) == (sample->mistakes.size == 0);
}

static void reports_the_mistakes_of_every_case(void **state)
{
    CLEANUP(buf_deinit) struct buf file = BUF_INIT(TEXT_LIMIT_BYTES);
    CLEANUP(sample_deinit)
    struct sample sample = {.text = BUF_INIT(TEXT_LIMIT_BYTES),
                            .mistakes = BUF_INIT(TEXT_LIMIT_BYTES)};
    size_t n_bad = 0, n_good = 0;
    struct error err;
    char *rest, *line;
    bool ok = true;

    (void)state;
    assert_true(file_read("tests/web/cases.txt", &file, &err));
    rest = strstr(file.data, "\n=== ") + 1;
    while ((line = strsep(&rest, "\n"))) {
        if (strncmp(line, "=== ", 4) == 0)
            snprintf(sample.name, sizeof(sample.name), "%s", line + 4);
        else if (strncmp(line, "--- promtool:", 13) != 0 && strncmp(line, "--- ", 4) == 0)
            buf_printf(&sample.mistakes, "%s\n", line + 4);
        else if (strncmp(line, "--- ", 4) != 0 && *line)
            buf_printf(&sample.text, "%s\n", line);
        if (rest && strncmp(rest, "=== ", 4) != 0)
            continue;
        *(sample.mistakes.size > 0 ? &n_bad : &n_good) += 1;
        ok &= check(&sample);
        buf_clear(&sample.text);
        buf_clear(&sample.mistakes);
    }
    assert_true(ok);
    assert_true(n_bad >= 70 && n_good >= 12);
}

/* ---- Valid files ---- */

static void accepts_an_empty_file(void **state)
{
    CLEANUP(web_config_unrefp) struct web_config *config = parse_good("");

    (void)state;
    assert_false(config->tls);
    assert_null(config->ready);
    assert_null(config->headers[0].name);
    assert_int_equal(config->n_users, 0);
    assert_false(config->open_health);
    assert_int_equal(config->rate_interval_ns, 0);
}

static void reads_all_settings(void **state)
{
    CLEANUP(web_config_unrefp)
    struct web_config *config = parse_good(
        "tls_server_config: {" PAIR ", client_auth_type: VerifyClientCertIfGiven,\n"
        "  client_ca_file: other.pem, client_allowed_sans: [a, b]}\n"
        "http_server_config: {headers: {X-XSS-Protection: '', X-Frame-Options: sameorigin,\n"
        "  Content-Security-Policy: x}}\n"
        "basic_auth_users: {a: " HASH ", b: " HASH "}\n"
        "rate_limit: {interval: 1m30.5s, burst: 7}\n"
        "health_without_auth: true\n");

    (void)state;
    assert_true(config->tls && config->ready);
    assert_true(strstr(config->certificate, "BEGIN CERTIFICATE"));
    assert_true(strstr(config->key, "BEGIN PRIVATE KEY"));
    assert_true(strstr(config->client_ca, "BEGIN CERTIFICATE"));
    assert_int_equal(config->client_auth, CLIENT_AUTH_VERIFY_IF_GIVEN);
    assert_string_equal(config->client_allowed_sans[0], "a");
    assert_string_equal(config->client_allowed_sans[1], "b");
    assert_null(config->client_allowed_sans[2]);
    assert_string_equal(config->headers[0].name, "X-Frame-Options");
    assert_string_equal(config->headers[0].value, "sameorigin");
    assert_string_equal(config->headers[1].name, "Content-Security-Policy");
    assert_null(config->headers[2].name);
    assert_int_equal(config->n_users, 2);
    assert_string_equal(config->users[1].name, "b");
    assert_string_equal(config->users[1].hash, HASH);
    assert_int_equal(config->rate_interval_ns, 90 * NS_PER_SECOND + 500 * NS_PER_MS);
    assert_int_equal(config->rate_burst, 7);
    assert_true(config->open_health);
}

/* What the judges accept has the value that they give it. */
static void reads_scalars_as_go(void **state)
{
    static const char *const hashes[] = {HASH, "'" HASH " '", "'" HASH " # alice'", "|\n    " HASH,
                                         ">\n    " HASH};
    static const struct {
        const char *text, *value;
    } headers[] = {{"\"a\\nb\"", "a b"},
                   {"' a '", "a"},
                   {"|\n      a;\n      b\n", "a; b"},
                   {">\n      a;\n      b\n", "a; b"},
                   {"5", "5"},
                   {"~", NULL},
                   {"", NULL},
                   {"' '", NULL}};
    static const char *const truths[] = {"y", "Yes", "TRUE", "on"},
                             *falsehoods[] = {"n", "No", "~", ""};
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        CLEANUP(web_config_unrefp) struct web_config *config = NULL;

        snprintf(text, sizeof(text), "basic_auth_users:\n  a: %s\n", hashes[i]);
        config = parse_good(text);
        assert_string_equal(config->users[0].hash, HASH);
    }
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        CLEANUP(web_config_unrefp) struct web_config *config = NULL;

        snprintf(text, sizeof(text), "http_server_config:\n  headers:\n    X-XSS-Protection: %s\n",
                 headers[i].text);
        config = parse_good(text);
        if (headers[i].value)
            assert_string_equal(config->headers[0].value, headers[i].value);
        else
            assert_null(config->headers[0].name);
    }
    for (size_t i = 0; i < 8; i++) {
        CLEANUP(web_config_unrefp) struct web_config *config = NULL;

        snprintf(text, sizeof(text), "health_without_auth: %s\n",
                 i < 4 ? truths[i] : falsehoods[i - 4]);
        config = parse_good(text);
        assert_int_equal(config->open_health, i < 4);
    }
}

static void accepts_every_prefix_of_bcrypt(void **state)
{
    static const char *const prefixes[] = {"$2$", "$2a$", "$2b$", "$2x$", "$2y$"};

    (void)state;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        CLEANUP(web_config_unrefp) struct web_config *config = NULL;
        char text[128];

        snprintf(text, sizeof(text), "basic_auth_users: {a: %s%s}\n", prefixes[i], HASH + 4);
        config = parse_good(text);
        assert_string_equal(config->users[0].hash + 4, HASH + 4);
        assert_int_equal(strlen(config->users[0].hash), 60);
    }
}

static void translates_versions_suites_and_curves(void **state)
{
    static const struct {
        const char *text, *priorities, *suite_priorities;
    } rows[] = {
        {"",
         "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:-CIPHER-ALL:-MAC-ALL:+ECDHE-ECDSA"
         ":+ECDHE-RSA:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD:-GROUP-ALL"
         ":+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1"
         ":%SERVER_PRECEDENCE:%DEBUG_ALLOW_KEY_USAGE_VIOLATIONS",
         NULL},
        {", min_version: TLS10, max_version: TLS11, curve_preferences: [CurveP384, X25519],"
         " prefer_server_cipher_suites: false",
         "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0:-KX-ALL:-CIPHER-ALL:-MAC-ALL:+ECDHE-ECDSA"
         ":+ECDHE-RSA:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD:+AES-128-CBC:+AES-256-CBC"
         ":+SHA1:-GROUP-ALL:+GROUP-SECP384R1:+GROUP-X25519"
         ":%DEBUG_ALLOW_KEY_USAGE_VIOLATIONS",
         NULL},
        {", cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256], curve_preferences: [X25519]",
         "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:-CIPHER-ALL:-MAC-ALL:+ECDHE-ECDSA"
         ":+ECDHE-RSA:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD:-GROUP-ALL"
         ":+GROUP-X25519:%SERVER_PRECEDENCE:%DEBUG_ALLOW_KEY_USAGE_VIOLATIONS",
         "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:-CIPHER-ALL:-MAC-ALL:+ECDHE-RSA:+AES-128-GCM:+AEAD"
         ":-GROUP-ALL:+GROUP-X25519:%SERVER_PRECEDENCE:%DEBUG_ALLOW_KEY_USAGE_VIOLATIONS"},
        {", cipher_suites: [TLS_AES_128_GCM_SHA256], curve_preferences: [X25519]",
         "NORMAL:-VERS-ALL:+VERS-TLS1.3:-KX-ALL:-CIPHER-ALL:-MAC-ALL:+ECDHE-ECDSA"
         ":+ECDHE-RSA:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD:-GROUP-ALL"
         ":+GROUP-X25519:%SERVER_PRECEDENCE:%DEBUG_ALLOW_KEY_USAGE_VIOLATIONS",
         NULL},
        {", max_version: TLS12, cipher_suites: [TLS_RSA_WITH_AES_256_CBC_SHA],"
         " curve_preferences: [X25519]",
         "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:-CIPHER-ALL:-MAC-ALL:+RSA:+AES-256-CBC:+SHA1"
         ":-GROUP-ALL:+GROUP-X25519:%SERVER_PRECEDENCE:%DEBUG_ALLOW_KEY_USAGE_VIOLATIONS",
         NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(web_config_unrefp) struct web_config *config = NULL;
        char text[1024];

        snprintf(text, sizeof(text), "tls_server_config: {" PAIR "%s}\n", rows[i].text);
        config = parse_good(text);
        assert_string_equal(config->priorities, rows[i].priorities);
        assert_true(!config->suite_priorities == !rows[i].suite_priorities);
        if (rows[i].suite_priorities)
            assert_string_equal(config->suite_priorities, rows[i].suite_priorities);
    }
}

static void every_suite_is_known_to_gnutls(void **state)
{
    static const char *const suites[] = {
        "TLS_RSA_WITH_AES_128_CBC_SHA",
        "TLS_RSA_WITH_AES_256_CBC_SHA",
        "TLS_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        CLEANUP(web_config_unrefp) struct web_config *config = NULL;
        char text[512];

        snprintf(text, sizeof(text),
                 "tls_server_config: {" PAIR ", max_version: TLS12, "
                 "cipher_suites: [%s]}\n",
                 suites[i]);
        config = parse_good(text);
        assert_non_null(config->ready);
    }
}

/* ---- Secrets and files ---- */

static void never_quotes_secrets(void **state)
{
    static const char *const texts[] = {
        "basic_auth_users: {a: hunter2}\n",
        "basic_auth_users: {a: $2y$99$hunter2}\n",
        "basic_auth_users: hunter2\n",
        "tls_server_config: {cert_file: server.pem, key: hunter2}\n",
        "tls_server_config: {cert_file: server.pem, key: [hunter2]}\n",
        "tls_server_config: {cert_file: server.pem, key: hunter2, key_file: server_key.pem}\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        CLEANUP(buf_deinit) struct buf problems = BUF_INIT(TEXT_LIMIT_BYTES);

        assert_null(parse(texts[i], &problems));
        assert_null(strstr(problems.data, "hunter2"));
    }
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void copy_file(const char *from, const char *to)
{
    CLEANUP(buf_deinit) struct buf data = BUF_INIT(TEXT_LIMIT_BYTES);
    struct error err;

    assert_true(file_read(from, &data, &err));
    write_file(to, data.data);
}

static void stamps_change_with_every_file(void **state)
{
    static const char *const names[] = {"web.yml", "c.pem", "k.pem"};
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(TEXT_LIMIT_BYTES);
    CLEANUP(web_config_unrefp) struct web_config *config = NULL;
    char folder[] = "/tmp/web_config_XXXXXX", path[3][64];
    struct error err;
    uint64_t stamp;

    (void)state;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < 3; i++)
        snprintf(path[i], sizeof(path[i]), "%s/%s", folder, names[i]);
    write_file(path[0], "tls_server_config: {cert_file: c.pem, key_file: k.pem}\n");
    copy_file("tests/web/server.pem", path[1]);
    copy_file("tests/web/server_key.pem", path[2]);
    config = web_config_load(path[0], &problems, &err);
    assert_non_null(config);
    stamp = web_config_stamp(path[0], config);
    assert_true(stamp == web_config_stamp(path[0], config));
    for (size_t i = 0; i < 3; i++) {
        char other[256];
        uint64_t before = stamp;

        snprintf(other, sizeof(other), "%s.new", path[i]); /* the same bytes, another file */
        copy_file(path[i], other);
        assert_int_equal(rename(other, path[i]), 0);
        stamp = web_config_stamp(path[0], config);
        assert_true(stamp != before);
    }
    for (size_t i = 0; i < 3; i++) {
        uint64_t before = stamp;

        assert_int_equal(unlink(path[i]), 0);
        stamp = web_config_stamp(path[0], config);
        assert_true(stamp != before);
    }
    assert_int_equal(rmdir(folder), 0);
}

static void reports_unreadable_files(void **state)
{
    static const char *const paths[] = {"tests/web/none.yml", "tests/web"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(buf_deinit) struct buf problems = BUF_INIT(TEXT_LIMIT_BYTES);
        struct error err;

        assert_null(web_config_load(paths[i], &problems, &err));
        assert_true(strstr(err.message, paths[i]) == err.message);
        assert_int_equal(problems.size, 0);
    }
}

static void limits_the_size_of_files(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(4 * TEXT_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(TEXT_LIMIT_BYTES);
    struct error err;

    (void)state;
    for (size_t i = 0; i < 300000; i++)
        buf_append_str(&text, "# more\n");
    assert_null(web_config_parse("f", text.data, text.size, &problems, &err));
    buf_clear(&text);
    buf_append_str(&text, "basic_auth_users:\n");
    for (size_t i = 0; i < 1001; i++)
        buf_printf(&text, "  u%zu: " HASH "\n", i);
    assert_null(web_config_parse("f", text.data, text.size, &problems, &err));
}

static void compares_every_tls_setting(void **state)
{
    static const char *const one[] = {"a", "b", NULL}, *const same[] = {"a", "b", NULL},
                             *const shorter[] = {"a", NULL}, *const other[] = {"a", "c", NULL};
    const struct web_config base = {.tls = true,
                                    .certificate = "c",
                                    .key = "k",
                                    .client_ca = "ca",
                                    .client_auth = CLIENT_AUTH_REQUEST,
                                    .client_allowed_sans = one,
                                    .priorities = "p",
                                    .suite_priorities = "s"};
    const struct web_config plain = {.rate_burst = 7}, plain_too = {.rate_burst = 8};
    struct web_config changed[11];

    (void)state;
    for (size_t i = 0; i < 11; i++)
        changed[i] = base;
    changed[0].certificate = "x";
    changed[1].key = "x";
    changed[2].client_ca = "x";
    changed[3].client_ca = NULL;
    changed[4].client_auth = CLIENT_AUTH_NONE;
    changed[5].client_allowed_sans = NULL;
    changed[6].client_allowed_sans = shorter;
    changed[7].client_allowed_sans = other;
    changed[8].priorities = "x";
    changed[9].suite_priorities = NULL;
    changed[10].tls = false;
    for (size_t i = 0; i < 11; i++) {
        assert_false(web_config_same_tls(&base, &changed[i]));
        assert_false(web_config_same_tls(&changed[i], &base));
    }
    changed[0] = base;
    changed[0].client_allowed_sans = same;
    changed[0].n_users = 1;
    assert_true(web_config_same_tls(&base, &changed[0]));
    assert_true(web_config_same_tls(NULL, NULL));
    assert_true(web_config_same_tls(NULL, &plain));
    assert_true(web_config_same_tls(&plain, &plain_too));
    assert_false(web_config_same_tls(NULL, &base));
    assert_false(web_config_same_tls(&base, NULL));
}

/* Half a million nodes fit into the largest file, but not into the memory for nodes. */
static void limits_the_number_of_nodes(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(4 * TEXT_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(TEXT_LIMIT_BYTES);
    struct error err;

    (void)state;
    buf_append_str(&text, "tls_server_config: {curve_preferences: [");
    for (size_t i = 0; i < 500; i++) {
        buf_append_str(&text, i > 0 ? ",[a" : "[a");
        for (size_t k = 1; k < 1000; k++)
            buf_append_str(&text, ",a");
        buf_append_char(&text, ']');
    }
    buf_append_str(&text, "]}\n");
    assert_null(web_config_parse("f", text.data, text.size, &problems, &err));
    assert_non_null(strstr(problems.data, "f:1:1: "));
}

static void lives_until_the_last_reference(void **state)
{
    struct web_config *config = parse_good("basic_auth_users: {a: " HASH "}\n");

    (void)state;
    assert_ptr_equal(web_config_ref(config), config);
    web_config_unref(config);
    assert_string_equal(config->users[0].name, "a");
    web_config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_the_mistakes_of_every_case),
        cmocka_unit_test(accepts_an_empty_file),
        cmocka_unit_test(reads_all_settings),
        cmocka_unit_test(reads_scalars_as_go),
        cmocka_unit_test(accepts_every_prefix_of_bcrypt),
        cmocka_unit_test(translates_versions_suites_and_curves),
        cmocka_unit_test(every_suite_is_known_to_gnutls),
        cmocka_unit_test(never_quotes_secrets),
        cmocka_unit_test(stamps_change_with_every_file),
        cmocka_unit_test(reports_unreadable_files),
        cmocka_unit_test(limits_the_size_of_files),
        cmocka_unit_test(compares_every_tls_setting),
        cmocka_unit_test(limits_the_number_of_nodes),
        cmocka_unit_test(lives_until_the_last_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
