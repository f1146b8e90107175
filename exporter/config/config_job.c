/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_job.h"

#include "base/text.h"
#include "config/fingerprint.h"

#include <string.h>

#define JOB_LIMIT_BYTES ((size_t)4 << 20) /* strings of one job; the file itself is smaller */
#define DURATION_MAX    (366 * 86400 * NS_PER_SECOND)

const struct setting config_resource_settings[] = {
    SETTING(SETTING_UINT, struct config_resource_keys, max_concurrent, "max_concurrent", "0",
            "Probes that may use the registry at once; 0: no limit."),
    {0},
};

struct draft {
    struct config_job job;
    struct settings_source own;      /* the job's section, strings into the job's arena */
    struct settings_source resource; /* likewise the entry of `registries:` */
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
 * registry's entry, then the fallback. The entry depends on the job's image, so the job's section
 * is filled first, and its written settings once more at the end. */
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
           settings_fill_tables(&draft->own, collector->settings, SETTINGS_WRITTEN,
                                draft->job.state);
}

static struct place place_of_key(const struct draft *draft, const char *key)
{
    const struct yaml_node *node = key ? settings_find(draft->own.section, key) : NULL;

    if (!node && key)
        node = settings_find(draft->resource.section, key);
    return node ? node->place : draft->own.place;
}

static bool check(struct draft *draft)
{
    const struct config_job *job = &draft->job;
    const char *key = NULL;
    struct error err = {0};
    struct place place;

    if (!job->collector->check || job->collector->check(job->state, job->arena, &key, &err))
        return true;
    place = place_of_key(draft, key);
    if (!key)
        return problems_add(draft->own.problems, place, "%s", err.message);
    return problems_add(draft->own.problems, place, "\"%s\": %s", key, err.message);
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

void config_add_job(struct config_reading *reading, const struct collector *collector,
                    const struct settings_source *source, const struct config_job_keys *keys,
                    bool keys_ok)
{
    CLEANUP(draft_deinit) struct draft draft = {.job = {.collector = collector}};
    struct error err;

    if (!allocate(&draft, source))
        return;
    if (fill(&draft, reading) && keys_ok && check(&draft) && copy_keys(&draft.job, keys))
        add_fingerprint(&draft, reading);
    if (!arena_ok(draft.job.arena, &err)) {
        problems_add(source->problems, source->place, "%s", err.message);
        return;
    }
    if (!draft.job.fingerprint)
        return;
    reading->config->jobs[reading->config->n_jobs++] = draft.job;
    draft.job.arena = NULL;
    draft.job.state = NULL;
}

static bool check_duration(const struct settings_source *source, const char *name, int64_t ns,
                           int64_t min_ns, const char *expected)
{
    const struct yaml_node *node = settings_find(source->section, name);

    if (!node || (ns >= min_ns && ns <= DURATION_MAX))
        return true;
    return problems_add(source->problems, node->place,
                        "\"%s\": \"%s\" is out of range: expected %s", name, node->text, expected);
}

bool config_check_durations(const struct settings_source *source,
                            const struct config_job_keys *keys)
{
    int64_t retry_ns = keys->retry_ns > 0 ? keys->retry_ns : CONFIG_INTERVAL_MIN;
    bool ok =
        check_duration(source, "interval", keys->interval_ns, CONFIG_INTERVAL_MIN, "1s to 366d");

    ok &= check_duration(source, "timeout", keys->timeout_ns, 1, "more than 0s, at most 366d");
    return check_duration(source, "retry_interval", retry_ns, CONFIG_INTERVAL_MIN,
                          "0s (no retries) or 1s to 366d") &&
           ok;
}

/* "@every 5m" is equivalent to `interval: 5m`. */
static bool parse_schedule(struct config_job_keys *keys, struct error *err)
{
    static const char every[] = "@every ";
    const char *text = keys->schedule;

    if (text_starts_with(text, every))
        return text_duration_ns(text + strlen(every), &keys->interval_ns, err);
    if (!cron_parse(&keys->cron, text, err))
        return false;
    keys->by_cron = true;
    keys->interval_ns = cron_shortest_gap_seconds(&keys->cron) * NS_PER_SECOND;
    return true;
}

bool config_check_schedule(const struct settings_source *source, struct config_job_keys *keys)
{
    const struct yaml_node *node = settings_find(source->section, "schedule");
    struct error err;

    if (!node || !keys->schedule) /* a wrong type was reported by settings_fill() */
        return true;
    if (settings_find(source->section, "interval"))
        return problems_add(source->problems, settings_place(node),
                            "both \"interval\" and \"schedule\" are set: expected only one");
    if (!parse_schedule(keys, &err))
        return problems_add(source->problems, node->place, "\"schedule\": %s", err.message);
    return check_duration(source, "schedule", keys->interval_ns, CONFIG_INTERVAL_MIN, "1s to 366d");
}
