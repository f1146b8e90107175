/* SPDX-License-Identifier: Apache-2.0 */
/* One run of a probe with a fake engine: comparisons, counters, records, back-off, budget. */
#include "support/probe_fixture.h"
#include "support/silent_socket.h"
#include "support/snapshot_text.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define PULL         "probes:\n- {name: a, operation: pull, image: 'r.io/x:1', "

/* A run that moved 70 of 100 bytes. */
static void plan_success(void)
{
    planned_result.seconds = 2.5;
    planned_result.phase_seconds[PHASE_RESOLVE] = 0.5;
    planned_result.phase_seconds[PHASE_FETCH] = 2;
    planned_result.traffic.fetched_bytes = 70;
    planned_result.traffic.uploaded_bytes = 7;
    planned_result.traffic.resumed = 2;
    planned_result.traffic.dns = 0.25;
    planned_result.traffic.first_byte = 0;
    planned_result.declared_bytes = 100;
    planned_result.unpacked_bytes = 300;
    strcpy(planned_result.digest, DIGEST_A);
    strcpy(planned_result.manifest_digest, DIGEST_B);
    strcpy(planned_result.media_type, "type");
    strcpy(planned_result.host, "mirror.io");
}

static void open_with(struct probe_fixture *f, const char *settings)
{
    char text[1000];

    snprintf(text, sizeof(text), PULL "%s}\n", settings);
    probe_fixture_open(f, text);
    plan_success();
}

static void assert_log(struct probe_fixture *f, const char *want)
{
    CLEANUP(buf_deinit) struct buf log = BUF_INIT(10000);
    size_t offset = 0;

    progress_read(&f->progress, &offset, &log);
    if (!log.data || !strstr(log.data, want))
        fail_msg("no \"%s\" in: %s", want, log.data ? log.data : "");
}

static void success_is_counted_and_reported(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    (void)state;
    open_with(&f, "slow: 2s, labels: {team: core}, platform: linux/amd64");
    assert_true(probe_fixture_run(&f));
    assert_sample(f.out, "image_canary_info{" LABELS ",image=\"r.io/x:1\",platform=\"linux/amd64\","
                         "team=\"core\"} 1");
    assert_sample(f.out, "image_canary_success{" LABELS "} 1");
    assert_sample(f.out, "image_canary_attempts_total{" LABELS "} 1");
    assert_sample(f.out, "image_canary_retries_total{" LABELS "} 0");
    assert_sample(f.out, "image_canary_failures_total{" LABELS "} 0");
    assert_no_sample(f.out, "image_canary_failure_reasons_total");
    assert_sample(f.out, "image_canary_slow_total{" LABELS "} 1");
    assert_sample(f.out, "image_canary_duration_seconds{" LABELS "} 1");
    assert_sample(f.out, "image_canary_phase_duration_seconds{" LABELS ",phase=\"resolve\"} 1");
    assert_sample(f.out, "image_canary_phase_duration_seconds{" LABELS ",phase=\"fetch\"} 1");
    assert_no_sample(f.out, "image_canary_phase_duration_seconds{" LABELS ",phase=\"unpack\"}");
    assert_sample(f.out, "image_canary_last_duration_seconds{" LABELS "} 2.5");
    assert_sample(f.out, "image_canary_last_network_seconds{" LABELS ",stage=\"dns\"} 0.25");
    assert_sample(f.out, "image_canary_last_network_seconds{" LABELS ",stage=\"first_byte\"} 0");
    assert_no_sample(f.out, "image_canary_last_network_seconds{" LABELS ",stage=\"tls\"");
    assert_sample(f.out, "image_canary_fetched_bytes_total{" LABELS "} 70");
    assert_sample(f.out, "image_canary_uploaded_bytes_total{" LABELS "} 7");
    assert_sample(f.out, "image_canary_cached_bytes_total{" LABELS "} 0");
    assert_sample(f.out, "image_canary_resumed_transfers_total{" LABELS "} 2");
    assert_sample(f.out, "image_canary_image_bytes{" LABELS ",kind=\"declared\"} 100");
    assert_sample(f.out, "image_canary_image_bytes{" LABELS ",kind=\"fetched\"} 70");
    assert_sample(f.out, "image_canary_image_bytes{" LABELS ",kind=\"unpacked\"} 300");
    assert_sample(f.out, "image_canary_image_info{" LABELS ",digest=\"" DIGEST_A
                         "\",manifest_digest=\"" DIGEST_B "\",media_type=\"type\"} 1");
    assert_sample(f.out, "image_canary_served_by_info{" LABELS ",host=\"mirror.io\"} 1");
    assert_sample(f.out, "image_canary_cleanup_failures_total{" LABELS "} 0");
    assert_no_sample(f.out, "image_canary_expectation");
    assert_log(&f, "pull r.io/x:1, engine fake");
    assert_log(&f, "77.0 B crossed the network, 0.0 B were already present");
}

/* Nothing can be found below a file; in a pod it is a folder of root. */
static void engines_of_a_daemon_need_no_hosts(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    (void)state;
    open_with(&f, "");
    f.node.hosts_roots = (char *)(uintptr_t) "/dev/null";
    assert_true(probe_fixture_run(&f));
    assert_int_equal(engine_calls, 1);
    assert_int_equal(f.run.warning.code, ERROR_INVALID);
    assert_non_null(strstr(f.run.warning.message, "does not know the hosts"));
    assert_non_null(strstr(f.run.warning.message, "/dev/null/r.io"));
    planned_error = (struct error){.code = ERROR_INVALID, .message = "/dev/null"};
    assert_false(probe_fixture_run(&f));
    assert_int_equal(f.run.warning.code, ERROR_NONE);
    planned_error = (struct error){.code = ERROR_CONNECT, .message = "other"};
    assert_false(probe_fixture_run(&f));
    assert_int_equal(f.run.warning.code, ERROR_INVALID);
}

/* The whole time of the run is over before the engine starts. */
static void a_hung_containerd_is_named(void **state)
{
    CLEANUP(silent_socket_close) struct silent_socket silent;
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    (void)state;
    silent_socket_open(&silent);
    open_with(&f, "");
    containerd_free(f.own_containerd);
    f.own_containerd = f.node.containerd = containerd_new(silent.path, &f.err);
    cancel_deinit(&f.cancel);
    cancel_init(&f.cancel, clock_now_ns() + 100 * NS_PER_MS);
    assert_false(probe_fixture_run(&f));
    assert_int_equal(f.err.code, ERROR_TIMEOUT);
    assert_non_null(strstr(f.err.message, silent.path));
    assert_int_equal(engine_calls, 0);
}

static void timestamps_are_those_of_the_run(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;
    double start = clock_unix_seconds(), end;

    (void)state;
    open_with(&f, "");
    assert_true(probe_fixture_run(&f));
    end = clock_unix_seconds();
    assert_true(f.probe->counters.last_attempt >= start && f.probe->counters.last_attempt <= end);
    assert_true(f.probe->counters.last_success == f.probe->counters.last_attempt);
    planned_error = (struct error){.code = ERROR_CONNECT};
    assert_false(probe_fixture_run(&f));
    assert_true(f.probe->counters.last_success <= end);
}

static void nothing_is_reported_of_runs_before_the_first(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;
    struct snapshot *out;

    (void)state;
    open_with(&f, "");
    out = snapshot_new(f.collector->families, 100000);
    f.collector->begin(f.probe, out);
    assert_sample(out, "image_canary_attempts_total{" LABELS "} 0");
    assert_sample(out, "image_canary_duration_seconds{" LABELS "} 0");
    assert_no_sample(out, "image_canary_success");
    assert_no_sample(out, "image_canary_last_");
    assert_no_sample(out, "image_canary_image_");
    assert_no_sample(out, "image_canary_served_by_info");
    snapshot_unref(out);
}

static void failure_is_counted_by_reason(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    (void)state;
    open_with(&f, "slow: 1s");
    assert_true(probe_fixture_run(&f));
    planned_error = (struct error){.code = ERROR_NOT_FOUND, .message = "no tag"};
    planned_result.digest[0] = '\0';
    planned_result.traffic.fetched_bytes = 3;
    f.run.retry = true;
    assert_false(probe_fixture_run(&f));
    assert_string_equal(f.err.message, "pull r.io/x:1: no tag");
    assert_sample(f.out, "image_canary_success{" LABELS "} 0");
    assert_sample(f.out, "image_canary_attempts_total{" LABELS "} 2");
    assert_sample(f.out, "image_canary_retries_total{" LABELS "} 1");
    assert_sample(f.out, "image_canary_failures_total{" LABELS "} 1");
    assert_sample(f.out, "image_canary_failure_reasons_total{" LABELS ",reason=\"not_found\"} 1");
    assert_sample(f.out, "image_canary_slow_total{" LABELS "} 1");
    assert_sample(f.out, "image_canary_duration_seconds{" LABELS "} 2");
    assert_sample(f.out, "image_canary_fetched_bytes_total{" LABELS "} 73");
    /* Facts about the image are those of the last success. */
    assert_sample(f.out, "image_canary_image_bytes{" LABELS ",kind=\"fetched\"} 70");
    assert_int_equal(f.probe->counters.last_success_run.fetched_bytes, 70);
    assert_false(f.record.slow);
}

static void message_of_a_failure_has_the_seed(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    (void)state;
    open_with(&f, "");
    planned_result.seed = 0xab;
    planned_error = (struct error){.code = ERROR_CONNECT, .message = "refused"};
    assert_false(probe_fixture_run(&f));
    assert_string_equal(f.err.message, "pull r.io/x:1 (seed 0x00000000000000ab): refused");
}

static void interrupted_run_is_not_counted(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    (void)state;
    open_with(&f, "");
    cancel_now(&f.cancel);
    planned_error = (struct error){.code = ERROR_CANCELED};
    assert_false(probe_fixture_run(&f));
    assert_sample(f.out, "image_canary_attempts_total{" LABELS "} 0");
    assert_true(f.record.seconds == 2.5);
    /* A run that succeeded although it was canceled counts. */
    planned_error.code = ERROR_NONE;
    assert_true(probe_fixture_run(&f));
    assert_sample(f.out, "image_canary_attempts_total{" LABELS "} 1");
}

static void record_has_the_facts_of_the_run(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    (void)state;
    open_with(&f, "slow: 1s");
    assert_true(probe_fixture_run(&f));
    assert_string_equal(f.record.engine, "fake");
    assert_string_equal(f.record.registry, "r.io");
    assert_string_equal(f.record.image, "r.io/x:1");
    assert_string_equal(f.record.host, "mirror.io");
    assert_string_equal(f.record.digest, DIGEST_A);
    assert_true(f.record.seconds == 2.5);
    assert_int_equal(f.record.n_phases, PHASES);
    assert_string_equal(f.record.phases[PHASE_FETCH].name, "fetch");
    assert_true(f.record.phases[PHASE_FETCH].seconds == 2);
    assert_true(f.record.phases[PHASE_UNPACK].seconds < 0);
    assert_int_equal(f.record.fetched_bytes, 70);
    assert_int_equal(f.record.uploaded_bytes, 7);
    assert_int_equal(f.record.cached_bytes, 0);
    assert_int_equal(f.record.declared_bytes, 100);
    assert_true(f.record.slow);
}

static void run_at_the_limit_is_not_slow(void **state)
{
    static const struct {
        const char *settings;
        bool slow;
    } rows[] = {{"slow: 2500ms", false}, {"slow: 2499ms", true}, {"", false}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(probe_fixture_close) struct probe_fixture f;

        open_with(&f, rows[i].settings);
        assert_true(probe_fixture_run(&f));
        assert_int_equal(f.record.slow, rows[i].slow);
        assert_int_equal(f.probe->counters.slow, rows[i].slow);
        assert_true(f.collector->slow_ns(f.probe) == f.probe->slow_ns);
    }
}

/* ---- expectations ---- */

static void compares_with_what_is_expected(void **state)
{
    static const struct {
        const char *settings;
        enum error_code reason;
        const char *message; /* NULL: the run succeeds */
        const char *sample;
    } rows[] = {
        {"expected: {digest: '" DIGEST_A "'}", ERROR_NONE, NULL, "digest\"} 1"},
        {"expected: {digest: '" DIGEST_B "'}", ERROR_DIGEST_MISMATCH,
         "pull r.io/x:1: digest is " DIGEST_A ", expected " DIGEST_B, "digest\"} 0"},
        {"expected: {manifest_digest: '" DIGEST_B "'}", ERROR_NONE, NULL, "manifest_digest\"} 1"},
        {"expected: {manifest_digest: '" DIGEST_A "'}", ERROR_DIGEST_MISMATCH,
         "pull r.io/x:1: manifest_digest is " DIGEST_B ", expected " DIGEST_A,
         "manifest_digest\"} 0"},
        {"expected: {size: 100}", ERROR_NONE, NULL, "size\"} 1"},
        {"expected: {size: 95, size_tolerance: 5}", ERROR_NONE, NULL, "size\"} 1"},
        {"expected: {size: 105, size_tolerance: 5}", ERROR_NONE, NULL, "size\"} 1"},
        {"expected: {size: 94, size_tolerance: 5}", ERROR_SIZE_MISMATCH,
         "pull r.io/x:1: size is 100, expected 94, tolerance 5", "size\"} 0"},
        {"expected: {size: 106, size_tolerance: 5}", ERROR_SIZE_MISMATCH,
         "pull r.io/x:1: size is 100, expected 106, tolerance 5", "size\"} 0"},
        {"expected: {served_by: mirror.io}", ERROR_NONE, NULL, "served_by\"} 1"},
        {"expected: {served_by: r.io}", ERROR_INVALID,
         "pull r.io/x:1: served by mirror.io, expected r.io", "served_by\"} 0"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(probe_fixture_close) struct probe_fixture f;
        char sample[300];

        open_with(&f, rows[i].settings);
        assert_int_equal(probe_fixture_run(&f), !rows[i].message);
        assert_int_equal(f.err.code, rows[i].reason);
        if (rows[i].message)
            assert_string_equal(f.err.message, rows[i].message);
        snprintf(sample, sizeof(sample), "image_canary_expectation{" LABELS ",check=\"%s",
                 rows[i].sample);
        assert_sample(f.out, sample);
    }
}

static void every_check_has_a_result_after_the_first_mismatch(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    (void)state;
    open_with(&f, "expected: {digest: '" DIGEST_B "', manifest_digest: '" DIGEST_A
                  "', size: 1, served_by: mirror.io}");
    assert_false(probe_fixture_run(&f));
    assert_int_equal(f.err.code, ERROR_DIGEST_MISMATCH);
    assert_non_null(strstr(f.err.message, ": digest is "));
    assert_sample(f.out, "image_canary_expectation{" LABELS ",check=\"digest\"} 0");
    assert_sample(f.out, "image_canary_expectation{" LABELS ",check=\"manifest_digest\"} 0");
    assert_sample(f.out, "image_canary_expectation{" LABELS ",check=\"size\"} 0");
    assert_sample(f.out, "image_canary_expectation{" LABELS ",check=\"served_by\"} 1");
    f.probe->expected.digest = "";
    assert_false(probe_fixture_run(&f));
    assert_non_null(strstr(f.err.message, ": manifest_digest is "));
    f.probe->expected.manifest_digest = "";
    assert_false(probe_fixture_run(&f));
    assert_int_equal(f.err.code, ERROR_SIZE_MISMATCH);
}

static void size_is_the_unpacked_one_without_a_manifest(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    (void)state;
    open_with(&f, "expected: {size: 300}");
    planned_result.declared_bytes = 0;
    assert_true(probe_fixture_run(&f));
    assert_no_sample(f.out, "image_canary_image_bytes{" LABELS ",kind=\"declared\"");
}

static void failure_of_the_expected_host_is_the_reason(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    (void)state;
    open_with(&f, "expected: {served_by: r.io}");
    planned_result.passed_over = (struct error){.code = ERROR_TLS, .message = "expired"};
    assert_false(probe_fixture_run(&f));
    assert_int_equal(f.err.code, ERROR_TLS);
    assert_string_equal(f.err.message,
                        "pull r.io/x:1: served by mirror.io, expected r.io: expired");
    planned_result.host[0] = '\0';
    assert_false(probe_fixture_run(&f));
    assert_int_equal(f.err.code, ERROR_UNSUPPORTED);
    assert_no_sample(f.out, "image_canary_served_by_info");
}

static void cold_run_must_move_all_bytes(void **state)
{
    static const struct {
        const char *settings;
        uint64_t cached;
        bool ok;
    } rows[] = {
        {"cold: required", 1, false}, {"cold: required", 0, true}, {"", 1, false},
        {"cold: preferred", 1, true}, {"cold: 'no'", 1, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(probe_fixture_close) struct probe_fixture f;

        open_with(&f, rows[i].settings);
        planned_result.cached_bytes = rows[i].cached;
        strcpy(planned_result.note, "why");
        assert_int_equal(probe_fixture_run(&f), rows[i].ok);
        assert_int_equal(f.err.code, rows[i].ok ? ERROR_NONE : ERROR_NOT_COLD);
        if (!rows[i].ok)
            assert_string_equal(f.err.message,
                                "pull r.io/x:1: 1 bytes did not cross the network: why");
        assert_string_equal(f.run.warning.message, "why");
        assert_int_equal(seen_request.cold,
                         !strstr(rows[i].settings, "preferred") && !strstr(rows[i].settings, "no"));
    }
}

/* ---- clean-up, registry limits ---- */

static void failed_cleanup_is_a_warning(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    (void)state;
    open_with(&f, "");
    planned_result.cleanup_failed = true;
    planned_result.phase_seconds[PHASE_CLEANUP] = 0;
    planned_result.cleanup_error = (struct error){.code = ERROR_CONNECT, .message = "gone"};
    strcpy(planned_result.note, "not this");
    assert_true(probe_fixture_run(&f));
    assert_string_equal(f.run.warning.message, "gone");
    assert_sample(f.out, "image_canary_cleanup_failures_total{" LABELS "} 1");
    assert_log(&f, "clean-up took 0.000 s: gone");
}

static void note_does_not_hide_another_warning(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    (void)state;
    open_with(&f, "");
    assert_true(probe_fixture_run(&f));
    assert_int_equal(f.run.warning.code, ERROR_NONE);
    strcpy(planned_result.note, "note");
    assert_true(probe_fixture_run(&f));
    assert_int_equal(f.run.warning.code, ERROR_UNSUPPORTED);
}

static void registry_in_back_off_skips_the_run(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;
    int64_t before_ns = clock_now_ns();

    (void)state;
    open_with(&f, "");
    planned_result.traffic.retry_after = 7200;
    planned_error = (struct error){.code = ERROR_RATE_LIMITED, .message = "429"};
    assert_false(probe_fixture_run(&f));
    assert_false(f.run.skipped);
    assert_false(probe_fixture_run(&f));
    assert_true(f.run.skipped);
    assert_int_equal(engine_calls, 1);
    assert_int_equal(f.err.code, ERROR_RATE_LIMITED);
    assert_non_null(strstr(f.err.message, "back-off: r.io sent Retry-After, "));
    /* An hour at most. */
    assert_true(f.run.not_before_ns >= before_ns + 3600 * NS_PER_SECOND);
    assert_true(f.run.not_before_ns <= clock_now_ns() + 3600 * NS_PER_SECOND);
    assert_string_equal(f.record.engine, "fake");
    assert_int_equal(f.probe->counters.attempts, 1);
    registry_account_back_off(f.probe->account, clock_now_ns() + NS_PER_MS);
}

static void short_back_off_is_kept_as_it_is(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;
    int64_t before_ns = clock_now_ns();

    (void)state;
    open_with(&f, "");
    planned_result.traffic.retry_after = 600;
    assert_true(probe_fixture_run(&f));
    assert_false(probe_fixture_run(&f));
    assert_true(f.run.skipped);
    assert_true(f.run.not_before_ns >= before_ns + 600 * NS_PER_SECOND);
    assert_true(f.run.not_before_ns <= clock_now_ns() + 600 * NS_PER_SECOND);
}

static void find_usage(void *arg, const struct registry_usage *usage)
{
    *(struct registry_usage *)arg = *usage;
}

static struct registry_usage usage_of(struct probe_fixture *f)
{
    struct registry_usage usage = {0};

    registry_limits_list(f->node.registry_limits, clock_now_ns(), find_usage, &usage);
    return usage;
}

static void budget_refuses_runs_beyond_it(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    (void)state;
    probe_fixture_open(&f, PULL "}\nregistries: {r.io: {max_pulls_per_hour: 2}}\n");
    plan_success();
    assert_true(probe_fixture_run(&f) && probe_fixture_run(&f));
    assert_true(usage_of(&f).pulls_left == 0);
    assert_false(probe_fixture_run(&f));
    assert_int_equal(f.err.code, ERROR_LIMIT);
    assert_int_equal(engine_calls, 2);
    assert_int_equal(f.probe->counters.failures, 1);
}

static void moved_bytes_are_charged_to_the_budget(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    (void)state;
    probe_fixture_open(&f, PULL "}\nregistries: {r.io: {max_bytes_per_hour: 200}}\n");
    plan_success();
    assert_true(probe_fixture_run(&f));
    assert_true(usage_of(&f).bytes_left == 123);
    /* The next run is expected to move as many bytes, and moves fewer. */
    planned_result.traffic.uploaded_bytes = 0;
    planned_result.traffic.fetched_bytes = 10;
    assert_true(probe_fixture_run(&f));
    assert_true(usage_of(&f).bytes_left == 113);
    planned_result.traffic.fetched_bytes = 110;
    assert_true(probe_fixture_run(&f));
    assert_true(usage_of(&f).bytes_left == 3);
    assert_false(probe_fixture_run(&f));
    assert_int_equal(f.err.code, ERROR_LIMIT);
}

static void limits_of_the_registry_are_recorded(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    (void)state;
    open_with(&f, "");
    assert_true(probe_fixture_run(&f));
    assert_true(usage_of(&f).rate_limit < 0 && usage_of(&f).rate_limit_remaining < 0);
    assert_true(usage_of(&f).certificate_expiry < 0);
    assert_true(usage_of(&f).back_off_seconds == 0);
    planned_result.traffic.rate_limit_remaining = 0;
    planned_result.traffic.certificate_expiry = 1;
    assert_true(probe_fixture_run(&f));
    assert_true(usage_of(&f).rate_limit_remaining == 0);
    assert_true(usage_of(&f).certificate_expiry == 1);
    planned_result.traffic.rate_limit = 100;
    planned_result.traffic.rate_limit_remaining = -1;
    assert_true(probe_fixture_run(&f));
    assert_true(usage_of(&f).rate_limit == 100);
}

/* ---- the request ---- */

static void request_has_the_settings(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    (void)state;
    probe_fixture_open(&f, "probes:\n- {name: a, operation: pull, image: 'r.io/{node}:1', unpack: "
                           "false, snapshotter: other, address_family: ipv6, platform: linux/arm64,"
                           " max_concurrent_downloads: 7}\n"
                           "registries: {r.io: {plain_http: true}}\n");
    plan_success();
    f.node.one_shot = "-1a2b3";
    assert_true(probe_fixture_run(&f));
    assert_string_equal(seen_name, "a-1a2b3");
    assert_string_equal(seen_image, "r.io/node-1:1");
    assert_true(seen_request.one_shot && seen_request.plain_http);
    assert_false(seen_request.unpack || seen_request.all_platforms);
    assert_int_equal(seen_request.max_concurrent_downloads, 7);
    assert_int_equal(seen_request.family, HTTP_FAMILY_IPV6);
    assert_string_equal(seen_request.snapshotter, "other");
    assert_false(seen_request.any_snapshotter);
    assert_string_equal(seen_request.platform.accepted[0].architecture, "arm64");
    assert_in_range(seen_request.lifetime_seconds, LEFTOVER_SECONDS, LEFTOVER_SECONDS + 120);
    assert_string_equal(f.record.image, "r.io/{node}:1");
    assert_log(&f, "no credentials");
}

static void request_has_defaults(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    (void)state;
    open_with(&f, "platform: all");
    assert_true(probe_fixture_run(&f));
    assert_string_equal(seen_name, "a");
    assert_false(seen_request.one_shot || seen_request.plain_http);
    assert_true(seen_request.unpack && seen_request.all_platforms);
    assert_int_equal(seen_request.max_concurrent_downloads, 3);
    assert_string_equal(seen_request.snapshotter, "overlayfs");
    assert_true(seen_request.any_snapshotter);
}

static void credentials_are_those_of_the_probe_or_else_of_its_registry(void **state)
{
    static const struct {
        const char *text, *log;
    } rows[] = {
        {PULL "auth: {username: u, password: p}}\n", "credentials: auth of the probe"},
        {PULL "}\nregistries: {r.io: {auth: {username: u, password: p}}}\n",
         "credentials: auth of the registry"},
        {PULL "auth: {username: u, password: p}}\n"
              "registries: {r.io: {auth: {username: v, password: q}}}\n",
         "credentials: auth of the probe"},
        {PULL "}\n", "no credentials"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(probe_fixture_close) struct probe_fixture f;

        probe_fixture_open(&f, rows[i].text);
        plan_success();
        assert_true(probe_fixture_run(&f));
        assert_log(&f, rows[i].log);
    }
}

static void credentials_of_another_registry_do_not_apply(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;
    char path[] = "/tmp/test_probe_run.XXXXXX", settings[100];
    static const char text[] = "{\"auths\": {\"other.io\": {\"auth\": \"dTpw\"}}}";
    int file = mkstemp(path);

    (void)state;
    assert_true(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
    snprintf(settings, sizeof(settings), "docker_config: %s", path);
    open_with(&f, settings);
    assert_true(probe_fixture_run(&f));
    unlink(path);
    assert_log(&f, "the credentials of the probe do not apply to this image");
}

static void unreadable_credentials_fail_the_run(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    (void)state;
    open_with(&f, "auth: {username: u, password_file: /nonexistent/password}");
    assert_false(probe_fixture_run(&f));
    assert_int_equal(engine_calls, 0);
    assert_non_null(strstr(f.err.message, "/nonexistent/password"));
    assert_int_equal(f.probe->counters.failures, 1);
    assert_string_equal(f.record.host, "");
}

static void name_of_the_node_may_not_fit(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;
    const struct job_context context = {"a", &f.node};
    struct probe second;
    char name[2000];

    (void)state;
    probe_fixture_open(&f, "probes:\n- {name: a, operation: pull, image: 'r.io/{node}:1'}\n");
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    f.node.name = name;
    second = *f.probe;
    assert_false(f.collector->open(&second, &context, &f.err));
    assert_non_null(strstr(f.err.message, "\"image\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(success_is_counted_and_reported),
        cmocka_unit_test(engines_of_a_daemon_need_no_hosts),
        cmocka_unit_test(a_hung_containerd_is_named),
        cmocka_unit_test(timestamps_are_those_of_the_run),
        cmocka_unit_test(nothing_is_reported_of_runs_before_the_first),
        cmocka_unit_test(failure_is_counted_by_reason),
        cmocka_unit_test(message_of_a_failure_has_the_seed),
        cmocka_unit_test(interrupted_run_is_not_counted),
        cmocka_unit_test(record_has_the_facts_of_the_run),
        cmocka_unit_test(run_at_the_limit_is_not_slow),
        cmocka_unit_test(compares_with_what_is_expected),
        cmocka_unit_test(every_check_has_a_result_after_the_first_mismatch),
        cmocka_unit_test(size_is_the_unpacked_one_without_a_manifest),
        cmocka_unit_test(failure_of_the_expected_host_is_the_reason),
        cmocka_unit_test(cold_run_must_move_all_bytes),
        cmocka_unit_test(failed_cleanup_is_a_warning),
        cmocka_unit_test(note_does_not_hide_another_warning),
        cmocka_unit_test(registry_in_back_off_skips_the_run),
        cmocka_unit_test(short_back_off_is_kept_as_it_is),
        cmocka_unit_test(budget_refuses_runs_beyond_it),
        cmocka_unit_test(moved_bytes_are_charged_to_the_budget),
        cmocka_unit_test(limits_of_the_registry_are_recorded),
        cmocka_unit_test(request_has_the_settings),
        cmocka_unit_test(request_has_defaults),
        cmocka_unit_test(credentials_are_those_of_the_probe_or_else_of_its_registry),
        cmocka_unit_test(credentials_of_another_registry_do_not_apply),
        cmocka_unit_test(unreadable_credentials_fail_the_run),
        cmocka_unit_test(name_of_the_node_may_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
