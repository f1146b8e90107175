/* SPDX-License-Identifier: Apache-2.0 */
#include "support/config_fixture.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

static const char *const series_choices[] = {"none", "not_complete", "all", NULL};
static const struct setting images_settings[] = {
    SETTING_CHOICE(struct images, series, "series", series_choices, "not_complete", "Which."),
    SETTING(SETTING_UINT, struct images, max_series, "max_series", "500", "How many."),
    SETTING(SETTING_LIST, struct images, namespaces, "namespaces", "[k8s.io, 'default']", "Where."),
    SETTING(SETTING_LIST, struct images, ignored, "ignored", "", "Where not."),
    SETTING(SETTING_MAP, struct images, labels, "labels", "{a: b}", "Labels."),
    {0},
};

static const struct setting docker_settings[] = {
    SETTING(SETTING_STRING, struct docker, address, "address", NULL, "Socket of Docker."),
    {0},
};

const char *const cold_choices[] = {"required", "preferred", "no", NULL};
static const struct setting pull_settings[] = {
    SETTING(SETTING_STRING, struct probe, image, "image", NULL, "Reference of the image.",
            .not_in_defaults = true),
    SETTING(SETTING_STRING, struct probe, username, "auth.username", "", "User."),
    SETTING(SETTING_SECRET, struct probe, password, "auth.password", "", "Password."),
    SETTING(SETTING_STRING, struct probe, digest, "expected.digest", "", "Digest."),
    SETTING(SETTING_BYTES, struct probe, size, "expected.size", "", "Size."),
    SETTING(SETTING_DURATION, struct probe, slow_ns, "slow", "", "What is slow."),
    SETTING_CHOICE(struct probe, cold, "cold", cold_choices, "required", "From the network?"),
    SETTING(SETTING_MAP, struct probe, labels, "labels", "", "Labels."),
    {0},
};
static const struct setting push_settings[] = {
    SETTING(SETTING_STRING, struct probe, image, "image", NULL, "Reference of the image.",
            .not_in_defaults = true),
    SETTING(SETTING_BYTES, struct probe, size, "content.size", "1MiB", "Size of a layer."),
    {0},
};
static const struct setting registry_settings[] = {
    SETTING(SETTING_BOOL, struct probe, plain_http, "plain_http", "false", "No TLS."),
    SETTING(SETTING_BYTES, struct probe, max_bytes, "max_bytes_per_hour", "1GiB", "Limit."),
    SETTING(SETTING_STRING, struct probe, username, "auth.username", "", "User."),
    SETTING(SETTING_SECRET, struct probe, password, "auth.password", "", "Password."),
    {0},
};

static const char *probe_registry(const void *state, struct arena *arena)
{
    const struct probe *probe = state;
    size_t size = strcspn(probe->image, "/");

    return probe->image[size] ? arena_strndup(arena, probe->image, size) : NULL;
}

static bool probe_check_resource(const char *name, struct error *err)
{
    return strcmp(name, "bad") != 0 || error_set(err, ERROR_INVALID, "invalid host");
}

static bool probe_check(void *state, struct arena *arena, const char **key, struct error *err)
{
    struct probe *probe = state;

    if (!strchr(probe->image, '/')) {
        *key = "image";
        return error_set(err, ERROR_INVALID, "no registry in \"%s\"", probe->image);
    }
    if (*probe->username && !*probe->password) {
        *key = "auth.username";
        return error_set(err, ERROR_INVALID, "needs a password");
    }
    if (probe->slow_ns == NS_PER_SECOND)
        return error_set(err, ERROR_INVALID, "nothing fits");
    probe->host = probe_registry(state, arena);
    return true;
}

static const struct collector images_collector = {
    .name = "images",
    .settings = SETTINGS(images_settings),
    .state_size = sizeof(struct images),
    .interval = "30s",
    .timeout = "10s",
};
static const struct collector docker_collector = {
    .name = "docker",
    .settings = SETTINGS(docker_settings),
    .state_size = sizeof(struct docker),
    .interval = "1m",
    .timeout = "5s",
    .opt_in = true,
};
static const struct collector self_collector = {.name = "self", .lane = LANE_SCRAPE};
static const struct collector pull_collector = {
    .name = "pull",
    .lane = LANE_PROBE,
    .settings = SETTINGS(pull_settings),
    .resource_settings = registry_settings,
    .state_size = sizeof(struct probe),
    .interval = "5m",
    .timeout = "2m",
    .check = probe_check,
    .resource = probe_registry,
    .check_resource = probe_check_resource,
};
static const struct collector push_collector = {
    .name = "push",
    .lane = LANE_PROBE,
    .settings = SETTINGS(push_settings),
    .resource_settings = registry_settings,
    .state_size = sizeof(struct probe),
    .interval = "10m",
    .timeout = "2m",
    .resource = probe_registry,
    .check_resource = probe_check_resource,
};
static const struct collector *const test_catalog[] = {
    &images_collector, &docker_collector, &self_collector, &pull_collector, &push_collector, NULL,
};

static const struct setting containerd_settings[] = {
    SETTING(SETTING_STRING, struct globals, address, "address", "/run/c.sock", "Socket."),
    {0},
};
static const struct setting output_settings[] = {
    SETTING(SETTING_BOOL, struct globals, verbose, "verbose", "", "More words."),
    {0},
};
static bool check_containerd(const void *data, const char **key, struct error *err)
{
    const struct globals *globals = data;

    if (strcmp(globals->address, "bad") == 0) {
        *key = "address";
        return error_set(err, ERROR_INVALID, "unusable");
    }
    return strcmp(globals->address, "worse") != 0 || error_set(err, ERROR_INVALID, "no use");
}

static const struct config_section sections[] = {
    {"containerd", containerd_settings, check_containerd},
    {"output", output_settings},
    {0},
};
const struct config_schema test_schema = {test_catalog, sections, sizeof(struct globals)};

void fixture_deinit(struct fixture *fixture)
{
    config_deinit(&fixture->config);
    buf_deinit(&fixture->problems);
}

void parse(struct fixture *fixture, const char *text)
{
    *fixture = (struct fixture){.problems = BUF_INIT(100000)};
    fixture->ok = config_parse(&fixture->config, &test_schema, "f", text, strlen(text),
                               &fixture->problems, &fixture->err);
    assert_int_equal(fixture->ok, fixture->problems.size == 0);
}

void parse_good(struct fixture *fixture, const char *text)
{
    parse(fixture, text);
    if (!fixture->ok)
        fail_msg("%s", fixture->problems.data);
}

const struct config_job *job(const struct fixture *fixture, const char *name)
{
    for (size_t i = 0; i < fixture->config.n_jobs; i++)
        if (strcmp(fixture->config.jobs[i].name, name) == 0)
            return &fixture->config.jobs[i];
    fail_msg("no job %s", name);
    return NULL;
}

int set_environment(void **state)
{
    (void)state;
    setenv("CONFIG_TEST", "value", 1);
    setenv("CONFIG_TRAP", "${CONFIG_TEST}", 1);
    setenv("CONFIG_TRUE", "true", 1);
    setenv("CONFIG_NUMBER", "17", 1);
    setenv("CONFIG_EMPTY", "", 1);
    setenv("CONFIG_BINARY", "\xff", 1);
    unsetenv("CONFIG_NOT_SET");
    return 0;
}
