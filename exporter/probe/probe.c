/* SPDX-License-Identifier: Apache-2.0 */
/* One run: within the registry's budget, by the engine, compared with what is expected, counted. */
#include "probe/probe.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "engines/image/push_run.h"
#include "probe/probe_counters.h"
#include "probe/probe_engine_choice.h"
#include "probe/probe_references.h"
#include "probe/probe_request.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#define BACK_OFF_MAX_SECONDS 3600.0 /* a longer Retry-After counts as this */
#define NAMES_LIMIT_BYTES    ((size_t)64 << 10)

/* Fills the placeholders with the names of this node, which may be longer than those of
 * probe_check(). */
static bool check_names(const struct probe *probe, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(NAMES_LIMIT_BYTES);
    const struct placeholders values = {probe->node->name, probe->name,
                                        (int64_t)clock_unix_seconds()};
    struct reference image, new_tag;
    const char *key = NULL;

    return probe_references(probe, &values, &arena, &image, &new_tag, &key, err) ||
           error_wrap(err, "\"%s\"", key);
}

bool probe_open(void *state, const struct job_context *context, struct error *err)
{
    struct probe *probe = state;

    probe->name = context->name;
    probe->node = context->node;
    if (!check_names(probe, err))
        return false;
    probe->account = registry_account(context->node->registry_limits, probe->reference.host);
    if (!probe->account)
        return error_set(err, ERROR_LIMIT,
                         "too many registries, or the name of this one is too long");
    registry_account_set_budget(probe->account, &probe->budget);
    probe_counters_reset(&probe->counters);
    return true;
}

void probe_close(void *state)
{
    struct probe *probe = state;

    probe_counters_deinit(&probe->counters);
    registry_account_unref(probe->account);
}

void probe_begin(const void *state, struct snapshot *out)
{
    probe_report(state, out);
}

int64_t probe_slow_ns(const void *state)
{
    const struct probe *probe = state;

    return probe->slow_ns;
}

static bool compare_digest(struct probe *probe, enum probe_check check, const char *expected,
                           const char *got, struct error *err)
{
    if (!expected || !*expected)
        return true;
    probe->counters.expectations[check] = strcmp(expected, got) == 0;
    return probe->counters.expectations[check] == 1 ||
           error_set(err, ERROR_DIGEST_MISMATCH, "%s is %s, expected %s",
                     check == CHECK_DIGEST ? "digest" : "manifest_digest", got, expected);
}

static bool compare_size(struct probe *probe, uint64_t size, struct error *err)
{
    uint64_t expected = probe->expected.size;
    uint64_t difference = size > expected ? size - expected : expected - size;

    if (expected == 0)
        return true;
    if (size == 0)
        return error_set(err, ERROR_UNSUPPORTED, "engine %s does not see the size of this image",
                         probe->engine->name);
    probe->counters.expectations[CHECK_SIZE] = difference <= probe->expected.size_tolerance;
    return difference <= probe->expected.size_tolerance ||
           error_set(err, ERROR_SIZE_MISMATCH,
                     "size is %" PRIu64 ", expected %" PRIu64 ", tolerance %" PRIu64, size,
                     expected, probe->expected.size_tolerance);
}

/* If the expected mirror failed, its failure is the reason. */
static bool compare_host(struct probe *probe, const struct engine_result *result, struct error *err)
{
    const char *expected = probe->expected.served_by;
    bool met = strcmp(expected, result->host) == 0;

    if (!*expected)
        return true;
    probe->counters.expectations[CHECK_SERVED_BY] = met;
    if (met)
        return true;
    if (!*result->host)
        return error_set(err, ERROR_UNSUPPORTED,
                         "the daemon does not report which host served the image");
    if (result->passed_over.code == ERROR_NONE)
        return error_set(err, ERROR_INVALID, "served by %s, expected %s", result->host, expected);
    *err = result->passed_over;
    return error_wrap(err, "served by %s, expected %s", result->host, expected);
}

static void log_bytes(const struct engine_result *result)
{
    char fetched[32], cached[32];

    text_format_bytes(result->traffic.fetched_bytes + result->traffic.uploaded_bytes, fetched,
                      sizeof(fetched));
    text_format_bytes(result->cached_bytes, cached, sizeof(cached));
    progress_note(result->progress, "%s crossed the network, %s were already present", fetched,
                  cached);
}

/* Makes every comparison, so that each check has a result. The first mismatch gives the reason. */
static bool compare(struct probe *probe, const struct engine_result *result, struct error *err)
{
    const struct probe_expected *expected = &probe->expected;
    /* Docker reports no manifest; there the size is that of `docker images`. */
    uint64_t size = result->declared_bytes ? result->declared_bytes : result->unpacked_bytes;
    struct error ignored;
    bool ok = true;

    ok &= compare_digest(probe, CHECK_DIGEST, expected->digest, result->digest, err);
    ok &= compare_digest(probe, CHECK_MANIFEST_DIGEST, expected->manifest_digest,
                         result->manifest_digest, ok ? err : &ignored);
    ok &= compare_size(probe, size, ok ? err : &ignored);
    ok &= compare_host(probe, result, ok ? err : &ignored);
    if (ok)
        log_bytes(result);
    if (ok && probe->cold == COLD_REQUIRED && result->cached_bytes > 0)
        return error_set(err, ERROR_NOT_COLD, "%" PRIu64 " bytes did not cross the network%s%s",
                         result->cached_bytes, *result->note ? ": " : "", result->note);
    return ok;
}

static uint64_t moved_bytes(const struct engine_result *result)
{
    return result->traffic.fetched_bytes + result->traffic.uploaded_bytes;
}

/* Records what the registry reported, for all probes of this registry. */
static void record_usage(struct probe *probe, const struct engine_result *result,
                         uint64_t expected_bytes)
{
    const struct registry_traffic *traffic = &result->traffic;
    double wait =
        traffic->retry_after < BACK_OFF_MAX_SECONDS ? traffic->retry_after : BACK_OFF_MAX_SECONDS;

    registry_account_charge(probe->account, clock_now_ns(), expected_bytes, moved_bytes(result));
    if (traffic->rate_limit >= 0 || traffic->rate_limit_remaining >= 0)
        registry_account_record_rate_limit(probe->account, traffic->rate_limit,
                                           traffic->rate_limit_remaining);
    if (traffic->certificate_expiry > 0)
        registry_account_record_certificate(probe->account, traffic->certificate_expiry);
    if (wait > 0)
        registry_account_back_off(probe->account,
                                  clock_now_ns() + (int64_t)(wait * (double)NS_PER_SECOND));
}

static bool ask_engine(const struct probe *probe, const struct engine_request *request,
                       struct engine_result *result, struct cancel *cancel, struct error *err)
{
    const struct push_run push_run = {.engine = probe->engine,
                                      .read_back = probe_read_back(probe),
                                      .delete_remote = probe->delete_remote};

    if (strcmp(probe->engine->operation, "push") == 0)
        return push_run_execute(&push_run, request, result, cancel, err);
    return probe->engine->run(request, result, cancel, err);
}

static bool run_engine(struct probe *probe, struct engine_result *result, struct run *run,
                       struct error *err)
{
    CLEANUP(probe_request_deinit) struct probe_request request;
    const struct probe_success *last = &probe->counters.last_success_run;
    uint64_t expected_bytes = last->fetched_bytes + last->uploaded_bytes;
    bool ok = probe_request_init(&request, probe, run->progress, run->cancel, err) &&
              probe_engine_choose(probe, &request.engine, run->cancel, err) &&
              registry_account_take(probe->account, clock_now_ns(), expected_bytes, err);

    run->warning = request.warning;
    if (!ok)
        return false;
    request.engine.any_snapshotter &= (probe->engine->abilities & ENGINE_ANY_SNAPSHOTTER) != 0;
    progress_note(run->progress, "%s %s, engine %s", probe->operation,
                  request.engine.reference.name, probe->engine->name);
    ok = ask_engine(probe, &request.engine, result, run->cancel, err);
    if (!ok && request.hosts.failed && err->code == request.hosts_failed.code)
        run->warning = (struct error){.code = ERROR_NONE}; /* it is the failure */
    record_usage(probe, result, expected_bytes);
    return ok;
}

/* While the registry is in back-off (Retry-After), the run is skipped and comes when it ends. */
static bool is_in_back_off(const struct probe *probe, struct run *run, struct error *err)
{
    int64_t until_ns = registry_account_back_off_until(probe->account), now_ns = clock_now_ns();

    run->skipped = until_ns > now_ns;
    if (!run->skipped)
        return false;
    run->not_before_ns = until_ns;
    error_set(err, ERROR_RATE_LIMITED, "back-off: %s sent Retry-After, %.0f s left",
              probe->reference.host, seconds_between(now_ns, until_ns));
    return true;
}

static void name_record(const struct probe *probe, struct run_record *record)
{
    record->engine = probe_engine_name(probe);
    record->registry = probe->reference.host;
    record->image = probe_image_text(probe);
}

/* Fills the record that the history keeps. */
static void fill_record(struct probe *probe, const struct engine_result *result, bool ok,
                        struct run_record *record)
{
    snprintf(probe->served_by, sizeof(probe->served_by), "%s", result->host);
    snprintf(probe->digest, sizeof(probe->digest), "%s", result->digest);
    name_record(probe, record); /* the engine may have been chosen by this run */
    record->host = probe->served_by;
    record->digest = probe->digest;
    record->seconds = result->seconds;
    for (size_t phase = 0; phase < PHASES; phase++) {
        record->phases[phase].name = engine_phase_name(phase);
        record->phases[phase].seconds = result->phase_seconds[phase];
    }
    record->n_phases = PHASES;
    record->fetched_bytes = result->traffic.fetched_bytes;
    record->uploaded_bytes = result->traffic.uploaded_bytes;
    record->cached_bytes = result->cached_bytes;
    record->declared_bytes = result->declared_bytes;
    record->slow = ok && probe_is_slow(probe, result);
}

static void set_warning(const struct engine_result *result, struct run *run)
{
    if (result->cleanup_failed)
        run->warning = result->cleanup_error;
    else if (*result->note && run->warning.code == ERROR_NONE)
        error_set(&run->warning, ERROR_UNSUPPORTED, "%s", result->note);
}

/* The seed in the message lets a person generate the same bytes again. */
static bool explain(const struct probe *probe, const struct engine_result *result,
                    struct error *err)
{
    const char *image = probe_image_text(probe);

    if (result->seed == 0)
        return error_wrap(err, "%s %s", probe->operation, image);
    return error_wrap(err, "%s %s (seed 0x%016" PRIx64 ")", probe->operation, image, result->seed);
}

bool probe_run(void *state, struct run *run, struct error *err)
{
    struct probe *probe = state;
    struct engine_result result;
    bool ok;

    if (run->record)
        name_record(probe, run->record);
    if (is_in_back_off(probe, run, err))
        return false;
    engine_result_init(&result);
    result.progress = run->progress;
    ok = run_engine(probe, &result, run, err) && compare(probe, &result, err);
    if (result.phase_seconds[PHASE_CLEANUP] >= 0)
        progress_note(run->progress, "clean-up took %.3f s%s%s",
                      result.phase_seconds[PHASE_CLEANUP], result.cleanup_failed ? ": " : "",
                      result.cleanup_failed ? result.cleanup_error.message : "");
    if (ok || !run_was_interrupted(run, err))
        probe_count(probe, &result, run, ok ? ERROR_NONE : err->code);
    if (run->record)
        fill_record(probe, &result, ok, run->record);
    set_warning(&result, run);
    probe_report(probe, run->out);
    malloc_trim(0); /* returns the memory of an image to the system until the next run */
    if (ok && result.seed != 0)
        log_debug("probe %s: seed 0x%016" PRIx64, probe->name, result.seed);
    return ok || explain(probe, &result, err);
}
