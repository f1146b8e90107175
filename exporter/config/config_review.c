/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings about jobs: what any section may have, what the collector knows, what two jobs share. */
#include "config/config_dump.h"
#include "config/config_job.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_LIMIT_BYTES  ((size_t)768)
#define DURATION_LIMIT_BYTES ((size_t)64)

struct config_written {
    const char *reference, *job;
    struct config_written *next;
};

struct reviewing {
    struct review review; /* first, because review() gets a pointer to it */
    struct config_reading *reading;
    const struct yaml_node *section, *resource;
    struct place place;
};

static const struct yaml_node *find_key(const struct reviewing *reviewing, const char *key)
{
    const struct yaml_node *node = settings_find(reviewing->section, key);

    return node ? node : settings_find(reviewing->resource, key);
}

static void warn(struct review *review, const char *key, const char *fmt, ...)
{
    const struct reviewing *reviewing = (const struct reviewing *)review;
    const struct yaml_node *node = key ? find_key(reviewing, key) : NULL;
    struct place place = node ? node->place : reviewing->place;
    char message[MESSAGE_LIMIT_BYTES];
    va_list args;

    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    if (key)
        problems_add(reviewing->reading->warnings, place, "warning: \"%s\": %s", key, message);
    else
        problems_add(reviewing->reading->warnings, place, "warning: %s", message);
}

/* ---- schedule ---- */

static const char *duration(int64_t ns, struct buf *out)
{
    buf_clear(out);
    config_dump_duration(out, ns);
    return out->data ? out->data : "";
}

/* Defaults of a collector are not questioned: only what the file says. */
static void review_schedule(struct reviewing *reviewing, const struct config_job *job)
{
    CLEANUP(buf_deinit) struct buf one = BUF_INIT(DURATION_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf two = BUF_INIT(DURATION_LIMIT_BYTES);
    const struct yaml_node *section = reviewing->section;
    const char *every = reviewing->review.every;
    bool has_every = settings_find(section, every);

    if (job->collector->lane == LANE_SCRAPE)
        return;
    if (job->interval_ns < job->timeout_ns && (has_every || settings_find(section, "timeout")))
        warn(&reviewing->review, has_every ? every : "timeout",
             "a run is due every %s, and its timeout is %s: a slow run delays the next ones",
             duration(job->interval_ns, &one), duration(job->timeout_ns, &two));
    if (job->retry_ns >= job->interval_ns && settings_find(section, "retry_interval"))
        warn(&reviewing->review, "retry_interval",
             "a retry after %s is not sooner than the next run, which is due every %s",
             duration(job->retry_ns, &one), duration(job->interval_ns, &two));
}

/* ---- secrets ---- */

/* The table has the sources of credentials in the order of their precedence. */
static void review_sources(const struct config_reading *reading, const struct yaml_node *section,
                           const struct setting *table)
{
    const char *first = NULL;
    size_t size = 0; /* of the name of the source */

    for (const struct setting *at = table; at && at->name; at++) {
        const struct yaml_node *node =
            at->credentials != CREDENTIALS_NONE ? settings_find(section, at->name) : NULL;

        if (!node || node->kind != YAML_SCALAR || !*node->text)
            continue;
        if (!first) {
            first = at->name;
            size = strcspn(first, ".");
        } else if (strcspn(at->name, ".") != size || strncmp(first, at->name, size) != 0) {
            problems_add(reading->warnings, node->place,
                         "warning: \"%s\": not used, because \"%.*s\" is also set: expected only "
                         "one of the two",
                         at->name, (int)size, first);
        }
    }
}

void config_review_credentials(const struct config_reading *reading,
                               const struct yaml_node *section, const struct setting *table)
{
    review_sources(reading, section, table);
    for (const struct setting *at = table; at && at->name; at++) {
        const struct yaml_node *node =
            at->type == SETTING_SECRET ? settings_find(section, at->name) : NULL;

        if (node && node->kind == YAML_SCALAR && *node->text && !node->expanded)
            problems_add(reading->warnings, node->place,
                         "warning: \"%s\": the file contains a secret: expected \"%s_file\", or an "
                         "environment variable as ${NAME}",
                         at->name, at->name);
    }
}

/* ---- two jobs ---- */

static void review_writes(struct reviewing *reviewing, const struct config_job *job)
{
    struct config_reading *reading = reviewing->reading;
    struct config_written *written;
    const char *reference = job->collector->writes && job->enabled
                                ? job->collector->writes(job->state, job->name, reading->arena)
                                : NULL;

    if (!reference)
        return;
    for (const struct config_written *at = reading->written; at; at = at->next)
        if (strcmp(at->reference, reference) == 0) {
            warn(&reviewing->review, "image",
                 "probe \"%s\" writes %s, too: each replaces the other's", at->job, reference);
            return;
        }
    written = arena_alloc(reading->arena, sizeof(*written));
    if (written)
        *written = (struct config_written){reference, arena_strdup(reading->arena, job->name),
                                           reading->written};
    if (written && written->job)
        reading->written = written;
}

void config_review(struct config_reading *reading, const struct config_job *job,
                   const struct yaml_node *section, const struct yaml_node *resource)
{
    const struct config_schema *schema = reading->schema;
    const struct collector *collector = job->collector;
    struct reviewing reviewing = {
        .review = {.name = job->name,
                   .interval_ns = job->interval_ns,
                   .timeout_ns = job->timeout_ns,
                   .every = settings_find(section, "schedule") ? "schedule" : "interval",
                   .has_docker = schema->has_docker && schema->has_docker(reading->config->globals),
                   .opens_files = schema->opens_files,
                   .warn = warn},
        .reading = reading,
        .section = section,
        .resource = resource,
        .place = job->place};

    review_schedule(&reviewing, job);
    for (size_t i = 0; collector->settings && collector->settings[i]; i++)
        config_review_credentials(reading, section, collector->settings[i]);
    if (collector->review)
        collector->review(job->state, &reviewing.review);
    review_writes(&reviewing, job);
}
