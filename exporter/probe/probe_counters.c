/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the runs of a probe. */
#include "probe/probe_counters.h"

#include "base/clock.h"

#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const double duration_bounds[] = {0.1, 0.25, 0.5, 1,   2.5, 5,   10,
                                         20,  30,   60,  120, 300, 600, 1800};
static const double phase_bounds[] = {0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 1800};

void probe_counters_deinit(struct probe_counters *counters)
{
    histogram_deinit(&counters->duration);
    for (size_t i = 0; i < PHASES; i++) {
        if (counters->phases[i])
            histogram_deinit(counters->phases[i]);
        free(TAKE(counters->phases[i]));
    }
}

void probe_counters_reset(struct probe_counters *counters)
{
    probe_counters_deinit(counters);
    *counters = (struct probe_counters){.success = false};
    histogram_init(&counters->duration, duration_bounds, N(duration_bounds), clock_unix_seconds());
    for (size_t i = 0; i < CHECKS; i++)
        counters->expectations[i] = -1;
    counters->last_traffic = (struct registry_traffic)REGISTRY_TRAFFIC_INIT;
}

/* Few probes have all phases, so a histogram is allocated when its phase first happens. All
 * histograms of a probe have the same start time. */
static void observe_phase(struct probe_counters *counters, size_t phase, double seconds)
{
    struct histogram *histogram = counters->phases[phase];

    if (!histogram) {
        histogram = counters->phases[phase] = calloc(1, sizeof(*histogram));
        if (!histogram)
            return;
        histogram_init(histogram, phase_bounds, N(phase_bounds), counters->duration.start);
    }
    histogram_observe_run(histogram, seconds, NULL, counters->last_attempt);
}

static void observe(struct probe_counters *counters, const struct engine_result *result,
                    const struct progress *progress)
{
    const char *run_id = progress ? progress->id : NULL;

    histogram_observe_run(&counters->duration, result->seconds, run_id, counters->last_attempt);
    for (size_t phase = 0; phase < PHASES; phase++)
        if (result->phase_seconds[phase] >= 0)
            observe_phase(counters, phase, result->phase_seconds[phase]);
}

static void keep_success(struct probe_success *success, const struct engine_result *result)
{
    success->fetched_bytes = result->traffic.fetched_bytes;
    success->uploaded_bytes = result->traffic.uploaded_bytes;
    success->declared_bytes = result->declared_bytes;
    success->unpacked_bytes = result->unpacked_bytes;
    memcpy(success->digest, result->digest, sizeof(success->digest));
    memcpy(success->manifest_digest, result->manifest_digest, sizeof(success->manifest_digest));
    memcpy(success->media_type, result->media_type, sizeof(success->media_type));
    memcpy(success->host, result->host, sizeof(success->host));
}

bool probe_is_slow(const struct probe *probe, const struct engine_result *result)
{
    return probe->slow_ns > 0 && result->seconds > ns_to_seconds(probe->slow_ns);
}

void probe_count(struct probe *probe, const struct engine_result *result, const struct run *run,
                 enum error_code outcome)
{
    struct probe_counters *c = &probe->counters;

    c->attempts++;
    c->retries += run->retry;
    c->fetched_bytes += (double)result->traffic.fetched_bytes;
    c->uploaded_bytes += (double)result->traffic.uploaded_bytes;
    c->cached_bytes += (double)result->cached_bytes;
    c->resumed += result->traffic.resumed;
    c->cleanup_failures += result->cleanup_failed;
    c->success = outcome == ERROR_NONE;
    c->last_traffic = result->traffic;
    c->last_seconds = result->seconds;
    c->last_attempt = clock_unix_seconds();
    observe(c, result, run->progress);
    if (outcome != ERROR_NONE) {
        c->failures++;
        c->reasons[outcome]++;
        return;
    }
    keep_success(&c->last_success_run, result);
    c->last_success = c->last_attempt;
    c->slow += probe_is_slow(probe, result);
}
