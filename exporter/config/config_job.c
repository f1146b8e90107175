/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_job.h"

#include "config/config_dump.h"
#include "config/fingerprint.h"

#include <string.h>

#define MISTAKES_MAX    8                 /* of one check */
#define JOB_LIMIT_BYTES ((size_t)4 << 20) /* strings of one job; the file itself is smaller */

struct draft {
    struct config_job job;
    struct settings_source own;      /* the job's section, strings into the job's arena */
    struct settings_source resource; /* likewise the entry of `registries:` */
    const struct yaml_node *written; /* the job's section without `defaults:` */
};

void config_job_release(struct config_job *job)
{
    free(TAKE(job->state));
    if (job->arena)
        arena_deinit(job->arena);
    free(TAKE(job->arena));
}

static void draft_deinit(struct draft *draft)
{
    config_job_release(&draft->job);
}

static bool allocate(struct draft *draft, const struct settings_source *source)
{
    const struct collector *collector = draft->job.collector;

    draft->job.arena = malloc(sizeof(*draft->job.arena));
    if (!draft->job.arena)
        return problems_add(source->problems, source->place, "out of memory");
    *draft->job.arena = (struct arena)ARENA_INIT(JOB_LIMIT_BYTES);
    if (collector->state_size > 0) {
        draft->job.state = calloc(1, collector->state_size);
        if (!draft->job.state)
            return problems_add(source->problems, source->place, "out of memory");
    }
    draft->job.place = source->place;
    draft->job.place.file =
        source->place.file ? arena_strdup(draft->job.arena, source->place.file) : NULL;
    draft->own = *source;
    draft->own.arena = draft->job.arena;
    return true;
}

/* Fills the scheduler's keys of the registry's entry. */
static bool fill_resource(struct draft *draft)
{
    struct config_resource_keys keys;

    if (!settings_fill(&draft->resource, config_resource_settings, SETTINGS_ALL, &keys))
        return false;
    draft->job.max_concurrent = keys.max_concurrent;
    return true;
}

static const struct yaml_node *find_entry(const struct config_reading *reading, const char *host)
{
    const struct yaml_node *entry =
        host ? yaml_member(reading->registries, host, strlen(host)) : NULL;

    return entry || !host
               ? entry
               : yaml_member(reading->registries, CONFIG_ANY_HOST, strlen(CONFIG_ANY_HOST));
}

/* Precedence of a member that both tables fill, such as the user name: the job's section, then the
 * registry's entry, then `defaults:`, then the fallback. The entry depends on the job's image, so
 * the job's section is filled first, and what is written in each once more, the strongest last. */
static bool fill_written(struct draft *draft)
{
    const struct collector *collector = draft->job.collector;
    void *state = draft->job.state;
    struct setting own[2] = {{0}};

    if (!settings_fill_tables(&draft->own, collector->settings, SETTINGS_WRITTEN, state) ||
        !settings_fill(&draft->resource, collector->resource_settings, SETTINGS_WRITTEN, state))
        return false;
    for (size_t i = 0; collector->settings && collector->settings[i]; i++)
        for (const struct setting *at = collector->settings[i]; at->name; at++) {
            own[0] = *at;
            if (settings_find(draft->written, at->name) &&
                !settings_fill(&draft->own, own, SETTINGS_WRITTEN, state))
                return false;
        }
    return true;
}

static bool fill(struct draft *draft, const struct config_reading *reading)
{
    const struct collector *collector = draft->job.collector;
    const struct yaml_node *entry;

    if (!settings_fill_tables(&draft->own, collector->settings, SETTINGS_ALL, draft->job.state))
        return false;
    if (!collector->resource)
        return true;
    draft->job.resource = collector->resource(draft->job.state, draft->job.arena);
    entry = find_entry(reading, draft->job.resource);
    draft->resource = draft->own;
    draft->resource.section = entry;
    if (entry)
        draft->resource.place = settings_place(entry);
    return fill_resource(draft) &&
           settings_fill(&draft->resource, collector->resource_settings, SETTINGS_ALL,
                         draft->job.state) &&
           fill_written(draft);
}

/* Returns the value of a key of the job or of its registry; NULL: not written. */
static const struct yaml_node *find_key(const struct draft *draft, const char *key)
{
    const struct yaml_node *node = key ? settings_find(draft->own.section, key) : NULL;

    return node || !key ? node : settings_find(draft->resource.section, key);
}

/* Gives a written setting its fallback, or its example if it is required. */
static bool reset(struct draft *draft, const char *key)
{
    const struct collector *collector = draft->job.collector;
    const struct setting *const resource[] = {collector->resource_settings, NULL};
    const struct setting *const *tables =
        settings_find(draft->own.section, key) ? collector->settings : resource;
    const struct setting *setting = settings_named(tables, key);
    struct settings_source absent = draft->own;
    struct setting table[2] = {{0}};

    absent.section = NULL;
    if (!setting)
        return false;
    table[0] = *setting;
    if (!setting->fallback)
        table[0].fallback = setting->example;
    return table[0].fallback && settings_fill(&absent, table, SETTINGS_ALL, draft->job.state);
}

static void report(const struct draft *draft, const char *key, const struct error *err)
{
    const struct yaml_node *node = find_key(draft, key);
    struct place place = node ? node->place : draft->own.place;

    if (key)
        problems_add(draft->own.problems, place, "\"%s\": %s", key, err->message);
    else
        problems_add(draft->own.problems, place, "%s", err->message);
}

/* A collector reports its first mistake. Without the setting that has it, it reports the next. */
static bool check(struct draft *draft)
{
    const struct config_job *job = &draft->job;
    const char *last = NULL;

    for (size_t i = 0; i < MISTAKES_MAX && job->collector->check; i++) {
        struct error err = {0};
        const char *key = NULL;

        if (job->collector->check(job->state, job->arena, &key, &err))
            return i == 0;
        if (i > 0 && (!find_key(draft, key) || strcmp(key, last) == 0))
            return false; /* a consequence of the values that were replaced */
        report(draft, key, &err);
        if (!find_key(draft, key) || !reset(draft, key))
            return false;
        last = key;
    }
    return !job->collector->check;
}

static void add_fingerprint(struct draft *draft, const struct config_reading *reading)
{
    struct fingerprint fingerprint;

    fingerprint_init(&fingerprint);
    fingerprint_text(&fingerprint, draft->job.collector->name);
    fingerprint_text(&fingerprint, draft->job.name);
    fingerprint_text(&fingerprint, reading->config->globals_fingerprint);
    fingerprint_tree(&fingerprint, draft->own.section);
    fingerprint_tree(&fingerprint, draft->resource.section);
    draft->job.fingerprint = fingerprint_hex(&fingerprint, draft->job.arena);
}

static bool copy_keys(struct config_job *job, const struct config_job_keys *keys)
{
    job->name = arena_strdup(job->arena, keys->name);
    job->interval_ns = keys->interval_ns;
    job->timeout_ns = keys->timeout_ns;
    job->retry_ns = keys->retry_ns;
    job->schedule = arena_strdup(job->arena, keys->schedule ? keys->schedule : "");
    if (keys->by_cron) {
        struct cron *cron = arena_alloc(job->arena, sizeof(*cron));

        if (!cron)
            return false;
        *cron = keys->cron;
        job->cron = cron;
    }
    return job->name && job->schedule;
}

/* Adds the job to the jobs of the configuration, or a disabled one to their dump. */
static void keep(struct draft *draft, struct config *config)
{
    if (!draft->job.enabled) {
        config_dump_job(&(struct config_dump){&config->disabled_dump, 4, true}, &draft->job);
        buf_printf(&config->disabled, "%s\n", draft->job.name);
        config->n_disabled++;
        return;
    }
    config->jobs[config->n_jobs++] = draft->job;
    draft->job.arena = NULL;
    draft->job.state = NULL;
}

void config_add_job(struct config_reading *reading, const struct collector *collector,
                    const struct config_job_section *section, const struct config_job_keys *keys,
                    bool keys_ok)
{
    CLEANUP(draft_deinit)
    struct draft draft = {.job = {.collector = collector, .enabled = keys->enabled},
                          .written = section->written};
    const struct settings_source *source = &section->source;
    struct error err;

    if (!allocate(&draft, source))
        return;
    if (fill(&draft, reading) && check(&draft) && keys_ok && copy_keys(&draft.job, keys))
        add_fingerprint(&draft, reading);
    if (!arena_ok(draft.job.arena, &err)) {
        problems_add(source->problems, source->place, "%s", err.message);
        return;
    }
    if (!draft.job.fingerprint)
        return;
    config_review(reading, &draft.job, draft.own.section, draft.resource.section);
    keep(&draft, reading->config);
}
