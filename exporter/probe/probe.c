/* SPDX-License-Identifier: Apache-2.0 */
/* A run: within the registry's budget, by the engine, compared with what was expected, counted. */
#include "probe/probe.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "engines/image/push_run.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#define HOLD_MAX_SECONDS  3600.0 /* that a registry's Retry-After is heeded */
#define NAMES_LIMIT_BYTES ((size_t)64 << 10)
#define N(array)          (sizeof(array) / sizeof((array)[0]))

static const double duration_bounds[] = {0.1, 0.25, 0.5, 1,   2.5, 5,   10,
                                         20,  30,   60,  120, 300, 600, 1800};
static const double phase_bounds[] = {0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 1800};

static void forget_histograms(struct canary_counters *counters)
{
    histogram_deinit(&counters->duration);
    for (size_t i = 0; i < PHASES; i++) {
        if (counters->phases[i])
            histogram_deinit(counters->phases[i]);
        free(TAKE(counters->phases[i]));
    }
}

void canary_reset(struct canary *canary)
{
    struct canary_counters *c = &canary->counters;
    double now = clock_unix_seconds();

    forget_histograms(c);
    *c = (struct canary_counters){.success = false};
    histogram_init(&c->duration, duration_bounds, N(duration_bounds), now);
    for (size_t i = 0; i < CHECKS; i++)
        c->expectations[i] = -1;
    c->last_traffic = (struct registry_traffic)REGISTRY_TRAFFIC_INIT;
}

/* With the names of this node, which may be longer than the samples of the check. */
static bool check_names(const struct canary *canary, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(NAMES_LIMIT_BYTES);
    const struct placeholders values = {canary->shared->node, canary->name,
                                        (int64_t)clock_unix_seconds()};
    struct reference image, new_tag;
    const char *key = NULL;

    return canary_references(canary, &values, &arena, &image, &new_tag, &key, err) ||
           error_wrap(err, "\"%s\"", key);
}

bool canary_open(void *state, const struct job_context *context, struct error *err)
{
    struct canary *canary = state;
    const struct credentials_settings *auth = canary_auth(canary);

    canary->name = context->name;
    canary->shared = context->shared;
    if (!check_names(canary, err))
        return false;
    canary->account = ledger_account(context->shared->ledger, canary->reference.host);
    if (!canary->account)
        return error_set(err, ERROR_LIMIT, "too many registries");
    ledger_set_budget(canary->account, &canary->budget);
    canary_reset(canary);
    if (*auth->password || *auth->identity_token || *auth->registry_token)
        log_warn("probe %s: a secret stands in the configuration; put it into a file and name that "
                 "with auth.password_file (or the other _file keys)",
                 canary->name);
    return true;
}

void canary_close(void *state)
{
    struct canary *canary = state;

    forget_histograms(&canary->counters);
    ledger_account_unref(canary->account);
}

void canary_begin(const void *state, struct snapshot *out)
{
    canary_report(state, out);
}

int64_t canary_slow_ns(const void *state)
{
    const struct canary *canary = state;

    return canary->slow_ns;
}

static bool compare_digest(struct canary *canary, enum canary_check check, const char *expected,
                           const char *got, struct error *err)
{
    if (!expected || !*expected)
        return true;
    canary->counters.expectations[check] = strcmp(expected, got) == 0;
    return canary->counters.expectations[check] == 1 ||
           error_set(err, ERROR_DIGEST_MISMATCH, "%s is %s, expected %s",
                     check == CHECK_DIGEST ? "digest" : "manifest_digest", got, expected);
}

static bool compare_size(struct canary *canary, uint64_t size, struct error *err)
{
    uint64_t expected = canary->expected.size;
    uint64_t difference = size > expected ? size - expected : expected - size;

    if (expected == 0)
        return true;
    canary->counters.expectations[CHECK_SIZE] = difference <= canary->expected.size_tolerance;
    return difference <= canary->expected.size_tolerance ||
           error_set(err, ERROR_SIZE_MISMATCH,
                     "size is %" PRIu64 ", expected %" PRIu64 " give or take %" PRIu64, size,
                     expected, canary->expected.size_tolerance);
}

/* Where the mirror that was wanted did not serve, its own failure is the reason. */
static bool compare_host(struct canary *canary, const struct probe_result *result,
                         struct error *err)
{
    const char *expected = canary->expected.served_by;
    bool met = strcmp(expected, result->host) == 0;

    if (!*expected)
        return true;
    canary->counters.expectations[CHECK_SERVED_BY] = met;
    if (met)
        return true;
    if (!*result->host)
        return error_set(err, ERROR_UNSUPPORTED, "this daemon does not tell who served");
    if (result->passed_over.code == ERROR_NONE)
        return error_set(err, ERROR_INVALID, "served by %s, expected %s", result->host, expected);
    *err = result->passed_over;
    return error_wrap(err, "served by %s, expected %s", result->host, expected);
}

static void tell_cold(const struct probe_result *result)
{
    char fetched[32], cached[32];

    text_format_bytes(result->traffic.fetched_bytes + result->traffic.uploaded_bytes, fetched,
                      sizeof(fetched));
    text_format_bytes(result->cached_bytes, cached, sizeof(cached));
    progress_note(result->progress, "%s crossed the network, %s were there already", fetched,
                  cached);
}

/* Looks at everything that was expected, so that each check has a result; the first that is
 * wrong gives the reason. */
static bool compare(struct canary *canary, const struct probe_result *result, struct error *err)
{
    const struct canary_expected *expected = &canary->expected;
    /* Docker shows no manifest: there it is the size that docker images shows. */
    uint64_t size = result->declared_bytes ? result->declared_bytes : result->unpacked_bytes;
    struct error further;
    bool ok = true;

    ok &= compare_digest(canary, CHECK_DIGEST, expected->digest, result->digest, err);
    ok &= compare_digest(canary, CHECK_MANIFEST_DIGEST, expected->manifest_digest,
                         result->manifest_digest, ok ? err : &further);
    ok &= compare_size(canary, size, ok ? err : &further);
    ok &= compare_host(canary, result, ok ? err : &further);
    if (ok)
        tell_cold(result);
    if (ok && canary->cold == COLD_REQUIRED && result->cached_bytes > 0)
        return error_set(err, ERROR_NOT_COLD, "%" PRIu64 " bytes did not cross the network%s%s",
                         result->cached_bytes, *result->note ? ": " : "", result->note);
    return ok;
}

static bool is_slow(const struct canary *canary, const struct probe_result *result)
{
    return canary->slow_ns > 0 && result->seconds > ns_to_seconds(canary->slow_ns);
}

/* The histogram of a phase takes memory when the phase first happens: few probes have all. All
 * count from the same time. */
static void observe_phase(struct canary_counters *c, size_t phase, double seconds)
{
    struct histogram *histogram = c->phases[phase];

    if (!histogram) {
        histogram = c->phases[phase] = calloc(1, sizeof(*histogram));
        if (!histogram)
            return;
        histogram_init(histogram, phase_bounds, N(phase_bounds), c->duration.start);
    }
    histogram_observe_run(histogram, seconds, NULL, c->last_attempt);
}

static void observe(struct canary_counters *c, const struct probe_result *result,
                    const struct progress *progress)
{
    const char *run_id = progress ? progress->id : NULL;

    histogram_observe_run(&c->duration, result->seconds, run_id, c->last_attempt);
    for (size_t phase = 0; phase < PHASES; phase++)
        if (result->phase_seconds[phase] >= 0)
            observe_phase(c, phase, result->phase_seconds[phase]);
}

static void keep_good(struct canary_good *good, const struct probe_result *result)
{
    good->fetched_bytes = result->traffic.fetched_bytes;
    good->uploaded_bytes = result->traffic.uploaded_bytes;
    good->declared_bytes = result->declared_bytes;
    good->unpacked_bytes = result->unpacked_bytes;
    memcpy(good->digest, result->digest, sizeof(good->digest));
    memcpy(good->manifest_digest, result->manifest_digest, sizeof(good->manifest_digest));
    memcpy(good->media_type, result->media_type, sizeof(good->media_type));
    memcpy(good->host, result->host, sizeof(good->host));
}

/* A run that was canceled is not counted: it says nothing about the node. */
static void count(struct canary *canary, const struct probe_result *result, const struct run *run,
                  enum error_code outcome)
{
    struct canary_counters *c = &canary->counters;

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
    keep_good(&c->last_good, result);
    c->last_success = c->last_attempt;
    c->slow += is_slow(canary, result);
}

static uint64_t moved_bytes(const struct probe_result *result)
{
    return result->traffic.fetched_bytes + result->traffic.uploaded_bytes;
}

/* What the registry told, for everybody who asks it. */
static void keep_books(struct canary *canary, const struct probe_result *result,
                       uint64_t expected_bytes)
{
    const struct registry_traffic *traffic = &result->traffic;
    double wait = traffic->retry_after < HOLD_MAX_SECONDS ? traffic->retry_after : HOLD_MAX_SECONDS;

    ledger_charge(canary->account, clock_now_ns(), expected_bytes, moved_bytes(result));
    if (traffic->rate_limit >= 0 || traffic->rate_limit_remaining >= 0)
        ledger_note_rate_limit(canary->account, traffic->rate_limit, traffic->rate_limit_remaining);
    if (traffic->certificate_expiry > 0)
        ledger_note_certificate(canary->account, traffic->certificate_expiry);
    if (wait > 0)
        ledger_hold(canary->account, clock_now_ns() + (int64_t)(wait * (double)NS_PER_SECOND));
}

static bool ask_engine(const struct canary *canary, const struct probe_request *request,
                       struct probe_result *result, struct cancel *cancel, struct error *err)
{
    const struct delivery delivery = {.engine = canary->engine,
                                      .read_back = canary_read_back(canary),
                                      .delete_remote = canary->delete_remote};

    if (strcmp(canary->engine->operation, "push") == 0)
        return delivery_run(&delivery, request, result, cancel, err);
    return canary->engine->run(request, result, cancel, err);
}

static bool run_engine(struct canary *canary, struct probe_result *result, struct run *run,
                       struct error *err)
{
    CLEANUP(canary_request_deinit) struct canary_request request;
    const struct canary_good *good = &canary->counters.last_good;
    uint64_t expected_bytes = good->fetched_bytes + good->uploaded_bytes;
    bool ok = canary_request_init(&request, canary, run->progress, run->cancel, err) &&
              canary_choose_engine(canary, &request, run->cancel, err) &&
              ledger_take(canary->account, clock_now_ns(), expected_bytes, err);

    run->warning = request.warning;
    if (!ok)
        return false;
    progress_note(run->progress, "%s %s, engine %s", canary->operation,
                  request.probe.reference.name, canary->engine->name);
    ok = ask_engine(canary, &request.probe, result, run->cancel, err);
    keep_books(canary, result, expected_bytes);
    return ok;
}

/* A registry that asked to be left alone is: the run comes when it may. */
static bool held(const struct canary *canary, struct run *run, struct error *err)
{
    int64_t until_ns = ledger_held_until(canary->account), now_ns = clock_now_ns();

    run->skipped = until_ns > now_ns;
    if (!run->skipped)
        return false;
    run->not_before_ns = until_ns;
    error_set(err, ERROR_RATE_LIMITED, "%s asked to be left alone for another %.0f s",
              canary->reference.host, seconds_between(now_ns, until_ns));
    return true;
}

static void name_record(const struct canary *canary, struct run_record *record)
{
    record->engine = canary_engine_name(canary);
    record->registry = canary->reference.host;
    record->image = canary_image_text(canary);
}

/* What the history keeps of it. */
static void fill_record(struct canary *canary, const struct probe_result *result, bool ok,
                        struct run_record *record)
{
    snprintf(canary->served_by, sizeof(canary->served_by), "%s", result->host);
    snprintf(canary->digest, sizeof(canary->digest), "%s", result->digest);
    name_record(canary, record); /* the engine may have been chosen only now */
    record->host = canary->served_by;
    record->digest = canary->digest;
    record->seconds = result->seconds;
    for (size_t phase = 0; phase < PHASES; phase++) {
        record->phases[phase].name = probe_phase_name(phase);
        record->phases[phase].seconds = result->phase_seconds[phase];
    }
    record->n_phases = PHASES;
    record->fetched_bytes = result->traffic.fetched_bytes;
    record->uploaded_bytes = result->traffic.uploaded_bytes;
    record->cached_bytes = result->cached_bytes;
    record->declared_bytes = result->declared_bytes;
    record->slow = ok && is_slow(canary, result);
}

static void note_warnings(const struct probe_result *result, struct run *run)
{
    if (result->cleanup_failed)
        run->warning = result->cleanup_error;
    else if (*result->note && run->warning.code == ERROR_NONE)
        error_set(&run->warning, ERROR_UNSUPPORTED, "%s", result->note);
}

/* With the seed the same bytes can be made again. */
static bool explain(const struct canary *canary, const struct probe_result *result,
                    struct error *err)
{
    const char *image = canary_image_text(canary);

    if (result->seed == 0)
        return error_wrap(err, "%s %s", canary->operation, image);
    return error_wrap(err, "%s %s (seed 0x%016" PRIx64 ")", canary->operation, image, result->seed);
}

bool canary_run(void *state, struct run *run, struct error *err)
{
    struct canary *canary = state;
    struct probe_result result;
    bool ok;

    if (run->record)
        name_record(canary, run->record);
    if (held(canary, run, err))
        return false;
    probe_result_init(&result);
    result.progress = run->progress;
    ok = run_engine(canary, &result, run, err) && compare(canary, &result, err);
    if (result.phase_seconds[PHASE_CLEANUP] >= 0)
        progress_note(run->progress, "clean-up took %.3f s%s%s",
                      result.phase_seconds[PHASE_CLEANUP], result.cleanup_failed ? ": " : "",
                      result.cleanup_failed ? result.cleanup_error.message : "");
    if (ok || !run_was_cut(run, err))
        count(canary, &result, run, ok ? ERROR_NONE : err->code);
    if (run->record)
        fill_record(canary, &result, ok, run->record);
    note_warnings(&result, run);
    canary_report(canary, run->out);
    malloc_trim(0); /* what an image took goes back to the system until the next run */
    if (ok && result.seed != 0)
        log_debug("probe %s: seed 0x%016" PRIx64, canary->name, result.seed);
    return ok || explain(canary, &result, err);
}
