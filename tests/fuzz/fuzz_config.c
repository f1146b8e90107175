/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses arbitrary bytes with a schema that has every type of setting.
 *
 * Parsing must fail exactly if there are problems, each on a line that starts with the file's name.
 * Parsing a valid file twice must give the same result.
 */
#include "config/config.h"

#include <string.h>

#define PROBLEMS_LIMIT_BYTES ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct target {
    const char *image, *username, *password, *engine, *digest;
    bool flag;
    uint64_t number, bytes;
    int64_t duration_ns;
    unsigned choice;
    struct setting_list list;
    struct setting_map map;
};

static const char *const choices[] = {"one", "two", NULL};
static const struct setting target_settings[] = {
    SETTING(SETTING_STRING, struct target, image, "image", "host/name", "A string."),
    SETTING(SETTING_STRING, struct target, username, "auth.username", "", "A string inside."),
    SETTING(SETTING_STRING, struct target, username, "auth.username_file", "", "Another."),
    SETTING(SETTING_STRING, struct target, password, "auth.password", "", "Another."),
    SETTING(SETTING_STRING, struct target, password, "auth.password_file", "", "Another."),
    SETTING(SETTING_STRING, struct target, engine, "engine", "client", "As Canary documents say."),
    SETTING(SETTING_STRING, struct target, digest, "expected.digest", "", "Likewise."),
    SETTING(SETTING_BYTES, struct target, bytes, "expected.size", "", "Likewise."),
    SETTING(SETTING_MAP, struct target, map, "labels", "", "Likewise."),
    SETTING(SETTING_BOOL, struct target, flag, "flag", "false", "A switch."),
    SETTING(SETTING_UINT, struct target, number, "limits.number", "1", "A number."),
    SETTING(SETTING_BYTES, struct target, bytes, "limits.deep.bytes", "1KiB", "A size."),
    SETTING(SETTING_DURATION, struct target, duration_ns, "slow", "1s", "A duration."),
    SETTING_CHOICE(struct target, choice, "choice", choices, "two", "A choice."),
    SETTING(SETTING_LIST, struct target, list, "list", "[a, b]", "A list."),
    SETTING(SETTING_MAP, struct target, map, "map", "{a: b}", "A mapping."),
    {0},
};
static const struct setting registry_settings[] = {
    SETTING(SETTING_STRING, struct target, username, "auth.username", "", "A string inside."),
    SETTING(SETTING_BOOL, struct target, flag, "plain_http", "false", "A switch."),
    {0},
};

static const char *host_of(const void *state, struct arena *arena)
{
    const struct target *target = state;

    return arena_strndup(arena, target->image, strcspn(target->image, "/"));
}

static const struct collector images_collector = {
    .name = "images",
    .settings = SETTINGS(target_settings),
    .state_size = sizeof(struct target),
    .interval = "30s",
    .timeout = "10s",
};
static const struct collector self_collector = {.name = "self", .lane = LANE_SCRAPE};
static const struct collector pull_collector = {
    .name = "pull",
    .lane = LANE_PROBE,
    .settings = SETTINGS(target_settings),
    .resource_settings = registry_settings,
    .state_size = sizeof(struct target),
    .interval = "5m",
    .timeout = "2m",
    .resource = host_of,
};
static const struct collector push_collector = {
    .name = "push",
    .lane = LANE_PROBE,
    .settings = SETTINGS(target_settings),
    .state_size = sizeof(struct target),
    .interval = "5m",
    .timeout = "2m",
};
static const struct collector *const fixed_catalog[] = {&images_collector, &self_collector,
                                                        &pull_collector, &push_collector, NULL};
static const struct config_section sections[] = {{"global", target_settings}, {0}};
static const struct config_schema schema = {fixed_catalog, sections, sizeof(struct target)};

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_problems(const struct buf *problems)
{
    require(problems->size > 0 && problems->data[problems->size - 1] == '\n');
    for (const char *line = problems->data; *line; line = strchr(line, '\n') + 1)
        require(strncmp(line, "f:", 2) == 0);
}

static void check_jobs(const struct config *config, const struct config *again)
{
    require(again->canaries.probes == config->canaries.probes);
    require(config->globals && config->globals_fingerprint && config->n_jobs == again->n_jobs);
    for (size_t i = 0; i < config->n_jobs; i++) {
        const struct config_job *job = &config->jobs[i];
        const struct target *target = job->state;

        require(job->name && *job->name && job->fingerprint && job->timeout_ns > 0);
        require(strcmp(job->fingerprint, again->jobs[i].fingerprint) == 0);
        require(!target || (target->image && target->username && target->choice < 2));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(PROBLEMS_LIMIT_BYTES);
    CLEANUP(config_deinit) struct config config = {0}, again = {0};
    const char *text = (const char *)data;
    struct error err;

    if (!config_parse(&config, &schema, "f", text, size, &problems, &err)) {
        check_problems(&problems);
        return 0;
    }
    require(problems.size == 0);
    require(config_parse(&again, &schema, "f", text, size, &problems, &err));
    check_jobs(&config, &again);
    return 0;
}
