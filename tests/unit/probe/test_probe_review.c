/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings about valid configurations, with the collectors of this build. */
#include "probe/probe.h"

#include "command/setup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define LIMIT_BYTES  ((size_t)1 << 20)

#define PULL "probes:\n- {name: a, operation: pull, image: "
#define PUSH "probes:\n- {name: a, operation: push, image: "

/* `want`: the start of each expected line, without file and column; the first is "" if there is
 * none. */
static const struct {
    const char *text, *want, *want_too;
} rows[] = {
    {"", ""},
    {"collectors: {images: {interval: 30s, timeout: 10s}}\n" PULL "r.example/x}", ""},
    /* the schedule */
    {"collectors: {images: {interval: 3s}}", "1: warning: \"interval\": a run is due every 3s"},
    {"collectors: {images: {timeout: 10m}}", "1: warning: \"timeout\": a run is due every 30s"},
    {PULL "r.example/x, interval: 30s}", "2: warning: \"interval\": a run is due every 30s, and "
                                         "its timeout is 2m"},
    {PULL "r.example/x, interval: 2m}", ""},
    {PULL "r.example/x, schedule: '* * * * *'}", "2: warning: \"schedule\": a run is due"},
    {"defaults: {interval: 1m}\n" PULL "r.example/x}", "1: warning: \"interval\": a run is due"},
    {PULL "r.example/x, retry_interval: 5m}", "2: warning: \"retry_interval\": a retry after"},
    {PULL "r.example/x, slow: 2m}", "2: warning: \"slow\": not shorter than the timeout"},
    {PULL "r.example/x, slow: 119s}", ""},
    /* public registries */
    {PULL "busybox, interval: 10s, timeout: 5s}",
     "2: warning: \"interval\": a run every 10s against docker.io, a public registry"},
    {PULL "busybox, interval: 4m}", ""},
    {PULL "busybox, interval: 3m}", "2: warning: \"interval\": a run every 180s against"},
    {PULL "quay.io/x/y, interval: 1m, timeout: 30s}", ""},
    {PULL "quay.io/x/y, interval: 59s, timeout: 30s}", "2: warning: \"interval\": a run every"},
    {PULL "eu.gcr.io/x/y, interval: 59s, timeout: 30s}", "2: warning: \"interval\": a run"},
    {PULL "europe-docker.pkg.dev/x/y, schedule: '@every 30s', timeout: 30s}",
     "2: warning: \"schedule\": a run every 30s"},
    {PULL "quay.io.example/x/y, interval: 1s, timeout: 1s}", ""},
    {"registries: {r.example: {max_pulls_per_hour: 11}}\n" PULL "r.example/x}",
     "1: warning: \"max_pulls_per_hour\": this probe alone is due 12 times an hour, and 11"},
    {"registries: {r.example: {max_pulls_per_hour: 12}}\n" PULL "r.example/x}", ""},
    /* secrets */
    {PULL "r.example/x, auth: {username: u, password: p}}",
     "2: warning: \"auth.password\": the file contains a secret: expected "
     "\"auth.password_file\""},
    {PULL "r.example/x, auth: {registry_token: p}}", "2: warning: \"auth.registry_token\""},
    {PULL "r.example/x, auth: {username: u, password: '${REVIEW_SECRET}'}}", ""},
    {PULL "r.example/x, auth: {username: u, password: 'a${REVIEW_SECRET}'}}", ""},
    {"registries: {r.io: {auth: {username: u, identity_token: p}}}",
     "1: warning: \"auth.identity_token\": the file contains a secret"},
    {"apiVersion: canaries.flanksource.com/v1\nkind: Canary\nmetadata: {name: c}\n"
     "spec: {containerd: [{name: d, image: r.example/x, username: u, password: p}]}\n",
     "4: warning: \"auth.password\": the file contains a secret"},
    {"registries: {r.example: {skip_verify: true, docker_config: /dev/null}}\n" PULL "r.example/x}",
     "1: warning: \"skip_verify\": credentials are sent to a host",
     "1: warning: \"docker_config\": /dev/null"},
    {"registries: {r.example: {docker_config: /x, credential_provider: {config: /c, bin_dir: /b}}}",
     "1: warning: \"credential_provider.config\": not used, because \"docker_config\" is also set",
     "1: warning: \"credential_provider.bin_dir\": not used"},
    {"registries: {r.io: {auth: {registry_token_file: /x}, docker_config: /x}}",
     "1: warning: \"docker_config\": not used, because \"auth\" is also set"},
    {PULL "r.io/x, auth: {registry_token: '${REVIEW_SECRET}'}, docker_config: /etc/passwd}",
     "2: warning: \"docker_config\": not used, because \"auth\" is also set",
     "2: warning: \"docker_config\": /etc/passwd"},
    {"registries: {'*': {docker_config: /x, credential_provider: {config: '', bin_dir: ''}}}", ""},
    {"registries: {r.io: {auth: {username: u, password_file: /p}}, '*': {docker_config: /x}}", ""},
    /* daemons */
    {PULL "r.example/x, engine: docker}", "2: warning: \"engine\": engine docker needs docker"},
    {"docker: {address: /run/docker.sock}\n" PULL "r.example/x, engine: docker}", ""},
    {"probes:\n- {name: a, operation: roundtrip, image: \"r.example/x:1\", read_back: docker}",
     "2: warning: \"read_back\": engine docker needs"},
    /* pushes */
    {PUSH "'busybox:1'}", "2: warning: \"image\": docker.io/library has Docker's own images"},
    {PUSH "'docker.io/me/x:1'}", ""},
    {PUSH "'r.example/x:1', content: {image: busybox}}",
     "2: warning: \"content.image\": the registry has its blobs after the first run"},
    {PUSH "'r.example/x:1', cold: no, content: {image: busybox}}", ""},
    {PUSH "'r.example/x:1'}\n- {name: b, operation: push, image: 'r.example/x:1'}",
     "3: warning: \"image\": probe \"a\" writes r.example/x:1, too"},
    {PUSH "'r.example/{probe}:1'}\n- {name: b, operation: push, image: 'r.example/{probe}:1'}", ""},
    {PUSH "'r.example/x:1'}\n- {name: b, operation: tag, image: 'r.example/x:2', tag: 1}",
     "3: warning: \"image\": probe \"a\" writes r.example/x:1, too"},
    {PUSH "'r.example/x:1'}\n- {name: b, operation: pull, image: 'r.example/x:1'}", ""},
    {PUSH "'r.example/x:1'}\n- {name: b, operation: push, image: 'r.example/x:1', enabled: false}",
     ""},
    /* files */
    {PULL "r.example/x, auth: {username: u, password_file: /nonexistent}}",
     "2: warning: \"auth.password_file\": /nonexistent: No such file or directory"},
    {PULL "r.example/x, docker_config: /etc/passwd}", "2: warning: \"docker_config\": /etc/pass"},
    {PULL "r.example/x, credential_provider: {config: /nonexistent, bin_dir: /bin}}",
     "2: warning: \"credential_provider.config\": /nonexistent"},
    {"registries: {r.example: {ca_file: /nonexistent}}\n" PULL "r.example/x}",
     "1: warning: \"ca_file\": /nonexistent: No such file"},
    {"registries: {r.example: {ca_file: /etc/passwd}}\n" PULL "r.example/x}",
     "1: warning: \"ca_file\": "},
    {"registries: {r.example: {client_cert_file: /etc/passwd}}\n" PULL "r.example/x}",
     "1: warning: \"client_cert_file\": /etc/passwd: expected a PEM certificate"},
    {"containerd: {hosts_dir: '/nonexistent/certs.d:/nowhere'}",
     "1: warning: \"hosts_dir\": the exporter finds no hosts.toml: /nonexistent/certs.d: No such"},
    {"containerd: {hosts_dir: '/nonexistent:/etc'}", ""},
    {"containerd: {hosts_dir: ''}", ""},
    {"containerd: {hosts_dir: '/etc/containerd/certs.d:/etc/docker/certs.d'}", ""},
    /* a disabled probe is checked, too */
    {PULL "r.example/x, enabled: false, slow: 2m}", "2: warning: \"slow\": not shorter"},
};

static void parse(const char *text, struct config *config)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(LIMIT_BYTES);
    struct config_schema schema = setup_schema;
    struct error err;

    schema.reviews_machine = true;
    if (!config_parse(config, &schema, "f", text, strlen(text), &problems, &err))
        fail_msg("%s\n%s", text, problems.data);
}

/* Returns whether `lines` begins with "f:LINE:COLUMN" and the rest of `want`, and sets *rest to the
 * lines after it. */
static bool starts_with(const char *lines, const char *want, const char **rest)
{
    *rest = strchr(lines, '\n') ? strchr(lines, '\n') + 1 : "";
    if (!want || !*want)
        return *lines == '\0';
    if (strncmp(lines, "f:", 2) != 0 || lines[2] != want[0] || lines[3] != ':')
        return false;
    lines += 4 + strspn(lines + 4, "0123456789");
    return strncmp(lines, want + 1, strlen(want + 1)) == 0;
}

static void warns_of_what_is_probably_not_meant(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(config_deinit) struct config config = {0};
        const char *lines, *rest, *end;

        parse(rows[i].text, &config);
        lines = config.warnings.data ? config.warnings.data : "";
        if (!starts_with(lines, rows[i].want, &rest) ||
            !starts_with(rest, rows[i].want_too, &end) || *end)
            fail_msg("%s\n%s\nexpected: %s", rows[i].text, lines, rows[i].want);
        assert_int_equal(config.n_warnings > 0, *rows[i].want != '\0');
    }
}

static void folders_of_mirrors_are_absolute(void **state)
{
    static const char *const texts[] = {"certs.d", "/etc:certs.d", "::certs.d:/etc"};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        CLEANUP(buf_deinit) struct buf problems = BUF_INIT(LIMIT_BYTES);
        CLEANUP(config_deinit) struct config config = {0};
        char text[64];
        struct error err;

        snprintf(text, sizeof(text), "containerd: {hosts_dir: '%s'}", texts[i]);
        assert_false(
            config_parse(&config, &setup_schema, "f", text, strlen(text), &problems, &err));
        assert_string_equal(problems.data,
                            "f:1:25: \"hosts_dir\": invalid directory \"certs.d\": expected an "
                            "absolute path\n");
    }
}

static int set_up(void **state)
{
    (void)state;
    return setenv("REVIEW_SECRET", "geheim", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warns_of_what_is_probably_not_meant),
        cmocka_unit_test(folders_of_mirrors_are_absolute),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
