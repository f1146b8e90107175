/* SPDX-License-Identifier: Apache-2.0 */
/* /probe with a scheduler that the test controls: what it is asked for, and what it replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "scheduler/demand.h"
#include "scheduler/scheduler_view.h"
#include "support/exchange_fake.h"
#include "web/page_probe.h"

#define TIMEOUT_HEADER "X-Prometheus-Scrape-Timeout-Seconds"
#define PROBE_SECONDS  30.0

/* ---- The scheduler -------------------------------------------------------------------------- */

static struct {
    struct demand_options demand; /* of the last call */
    char probe[64];
    size_t demands, unknown, canceled;
    enum error_code refuses; /* what scheduler_demand() fails with */
    const struct run_record *record;
    bool replies, cached;
} scheduler;

void scheduler_probes(struct scheduler *ignored,
                      void (*visit)(void *arg, const struct probe_status *probe), void *arg)
{
    static const struct probe_status probes[] = {
        {.name = "other", .operation = "push", .timeout_ns = 7 * NS_PER_SECOND},
        {.name = "hub", .operation = "pull", .timeout_ns = 30 * NS_PER_SECOND},
        {.name = "last", .operation = "tag", .timeout_ns = 8 * NS_PER_SECOND},
    };

    (void)ignored;
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
        visit(arg, &probes[i]);
}

void scheduler_failures(struct scheduler *ignored,
                        void (*visit)(void *arg, const struct collector_failure *failure),
                        void *arg)
{
    (void)ignored;
    (void)visit;
    (void)arg;
}

void scheduler_note_unknown(struct scheduler *ignored)
{
    (void)ignored;
    scheduler.unknown++;
}

bool scheduler_settings(struct scheduler *ignored, const char *probe, struct buf *out)
{
    (void)ignored;
    buf_printf(out, "settings of %s\n", probe);
    return true;
}

struct demand *scheduler_demand(struct scheduler *ignored, const struct demand_options *options,
                                struct error *err)
{
    static int result;

    (void)ignored;
    scheduler.demands++;
    scheduler.demand = *options;
    snprintf(scheduler.probe, sizeof(scheduler.probe), "%s", options->probe);
    if (scheduler.refuses != ERROR_NONE) {
        error_set(err, scheduler.refuses, "refused");
        return NULL;
    }
    if (scheduler.replies)
        options->done(options->arg, scheduler.record, scheduler.cached);
    return (struct demand *)&result;
}

void scheduler_demand_cancel(struct scheduler *ignored, const void *arg)
{
    (void)ignored;
    assert_ptr_equal(arg, scheduler.demand.arg);
    scheduler.canceled++;
}

static int reset(void **state)
{
    (void)state;
    memset(&scheduler, 0, sizeof(scheduler));
    return 0;
}

/* ---- Requests ------------------------------------------------------------------------------- */

static const struct run_record success = {
    .id = "0123456789abcdef",
    .probe = "hub",
    .operation = "pull",
    .engine = "client",
    .registry = "registry.example",
    .host = "mirror.example",
    .message = "",
    .log = "+0.001s GET\n",
    .seconds = 1.5,
    .phases = {{"resolve", 0.25}, {"auth", -1}, {"fetch", 0}},
    .n_phases = 3,
    .cached_bytes = 1,
    .declared_bytes = 22,
    .fetched_bytes = 333,
    .uploaded_bytes = 4444,
};

static void has(const struct exchange *exchange, const char *part)
{
    if (!exchange->body.data || !strstr(exchange->body.data, part))
        fail_msg("'%s' is not in\n%s", part, exchange->body.data ? exchange->body.data : "");
}

static void lacks(const struct exchange *exchange, const char *part)
{
    if (exchange->body.data && strstr(exchange->body.data, part))
        fail_msg("'%s' is in\n%s", part, exchange->body.data);
}

static void request(struct exchange *exchange)
{
    static const struct page_context context = {.timeout_offset_ns = NS_PER_SECOND / 2};

    page_probe(&context, exchange);
}

/* ---- Tests ---------------------------------------------------------------------------------- */

static void rejects_invalid_requests(void **state)
{
    static char long_name[200];
    static const struct {
        const char *query[3][2];
        const char *timeout, *message;
        size_t unknown;
    } rows[] = {
        {{{NULL}}, NULL, "missing parameter target", 0},
        {{{"target", ""}}, NULL, "missing parameter target", 0},
        {{{"target", "none"}}, NULL, "unknown target", 1},
        {{{"target", long_name}}, NULL, "unknown target", 1},
        {{{"target", "hub"}, {"module", "push"}}, NULL, "invalid module", 0},
        {{{"target", "hub"}}, "", "invalid " TIMEOUT_HEADER, 0},
        {{{"target", "hub"}}, ".5", "invalid " TIMEOUT_HEADER, 0},
        {{{"target", "hub"}}, "-1", "invalid " TIMEOUT_HEADER, 0},
        {{{"target", "hub"}}, "1e3", "invalid " TIMEOUT_HEADER, 0},
        {{{"target", "hub"}}, "10s", "invalid " TIMEOUT_HEADER, 0},
        {{{"target", "hub"}}, "1.5.5", "invalid " TIMEOUT_HEADER, 0},
        {{{"target", "hub"}}, "0000000010", "invalid " TIMEOUT_HEADER, 0},
        {{{"target", "hub"}}, "10.000000000000", "invalid " TIMEOUT_HEADER, 0},
        {{{"target", "hub"}}, "86400.1", "invalid " TIMEOUT_HEADER, 0},
    };

    (void)state;
    memset(long_name, 'h', sizeof(long_name) - 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(exchange_deinit) struct exchange exchange = {0};

        reset(NULL);
        memcpy(exchange.query, rows[i].query, sizeof(rows[i].query));
        exchange.request[0][0] = rows[i].timeout ? TIMEOUT_HEADER : NULL;
        exchange.request[0][1] = rows[i].timeout;
        request(&exchange);
        assert_int_equal(exchange.status, 400);
        has(&exchange, rows[i].message);
        assert_int_equal(scheduler.unknown, rows[i].unknown);
        assert_int_equal(scheduler.demands, 0);
    }
}

static void chooses_the_smaller_timeout(void **state)
{
    static const struct {
        const char *header;
        double seconds, given; /* of the run; until the client leaves */
    } rows[] = {
        {NULL, PROBE_SECONDS, 86400},
        {"10", 9.5, 9.5},
        {"9.5", 9, 9},
        {"30.4", 29.9, 29.9},
        {"30.5", PROBE_SECONDS, PROBE_SECONDS},
        {"31", PROBE_SECONDS, 30.5},
        {"60", PROBE_SECONDS, 59.5},
        {"0.5", PROBE_SECONDS, 86400},
        {"0.6", 0.1, 0.1},
        {"86400", PROBE_SECONDS, 86399.5},
        {"000000010", 9.5, 9.5},
        {"10.00000000000", 9.5, 9.5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(exchange_deinit) struct exchange exchange = {.query = {{"target", "hub"}}};
        int64_t before_ns = clock_now_ns(), given_ns;
        char line[64];

        reset(NULL);
        scheduler.replies = true;
        scheduler.record = &success;
        exchange.request[0][0] = rows[i].header ? TIMEOUT_HEADER : NULL;
        exchange.request[0][1] = rows[i].header;
        request(&exchange);
        assert_int_equal(exchange.status, 200);
        given_ns = (int64_t)(rows[i].given * (double)NS_PER_SECOND + 0.5);
        assert_in_range(scheduler.demand.deadline_ns, before_ns + given_ns - 1,
                        clock_now_ns() + given_ns + 1);
        assert_int_equal(scheduler.demand.shortened, rows[i].given < PROBE_SECONDS);
        snprintf(line, sizeof(line), "\nprobe_timeout_seconds %.9g", rows[i].seconds);
        has(&exchange, line);
    }
}

static void replies_with_the_metrics_of_the_run(void **state)
{
    CLEANUP(exchange_deinit)
    struct exchange exchange = {.query = {{"target", "hub"}, {"module", "pull"}}};

    (void)state;
    scheduler.replies = true;
    scheduler.record = &success;
    request(&exchange);
    assert_int_equal(exchange.status, 200);
    assert_string_equal(scheduler.probe, "hub");
    assert_true(scheduler.demand.forget);
    assert_memory_equal(exchange.content_type, "text/plain; version=0.0.4", 25);
    assert_non_null(strstr(exchange.headers, "Vary: Accept\n"));
    assert_null(strstr(exchange.headers, "Age:"));
    has(&exchange, "\nprobe_success 1\n");
    has(&exchange, "probe_duration_seconds 1.5\n");
    has(&exchange, "probe_image_canary_bytes{kind=\"cached\"} 1\n");
    has(&exchange, "probe_image_canary_bytes{kind=\"declared\"} 22\n");
    has(&exchange, "probe_image_canary_bytes{kind=\"fetched\"} 333\n");
    has(&exchange, "probe_image_canary_bytes{kind=\"uploaded\"} 4444\n");
    has(&exchange, "probe_image_canary_info{probe=\"hub\",operation=\"pull\",engine=\"client\","
                   "registry=\"registry.example\",host=\"mirror.example\"} 1\n");
    has(&exchange, "probe_image_canary_phase_duration_seconds{phase=\"resolve\"} 0.25\n");
    has(&exchange, "probe_image_canary_phase_duration_seconds{phase=\"fetch\"} 0\n");
    lacks(&exchange, "phase=\"auth\"");
    lacks(&exchange, "failure_info");
}

static void replies_with_the_reason_of_a_failure(void **state)
{
    CLEANUP(exchange_deinit)
    struct exchange exchange = {.query = {{"target", "hub"}},
                                .request = {{"Accept", "application/openmetrics-text"}}};
    struct run_record failure = success;

    (void)state;
    failure.reason = ERROR_DNS;
    scheduler.replies = true;
    scheduler.record = &failure;
    request(&exchange);
    assert_int_equal(exchange.status, 200);
    assert_memory_equal(exchange.content_type, "application/openmetrics-text", 28);
    has(&exchange, "\nprobe_success 0\n");
    has(&exchange, "\nprobe_image_canary_failure_info{reason=\"dns\"} 1\n");
    has(&exchange, "\n# EOF\n");
}

static void reports_the_age_of_a_cached_run(void **state)
{
    static const struct {
        double ago;
        const char *header;
    } rows[] = {{60.2, "Age: 60\n"}, {-5, "Age: 0\n"}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(exchange_deinit) struct exchange exchange = {.query = {{"target", "hub"}}};
        struct run_record old = success;

        reset(NULL);
        old.start = clock_unix_seconds() - rows[i].ago - old.seconds;
        scheduler.replies = scheduler.cached = true;
        scheduler.record = &old;
        request(&exchange);
        /* A busy machine may take a second. */
        assert_non_null(strstr(exchange.headers, i == 0 ? "Age: 6" : rows[i].header));
    }
}

static void explains_the_run_on_request(void **state)
{
    static const char *const parts[] = {
        "Logs for the probe:\nrun 0123456789abcdef of hub: success, 1.500 s\n+0.001s GET\n",
        "\n\n\nMetrics that would have been returned:\n# HELP probe_duration_seconds ",
        "\n\n\nModule configuration:\nsettings of hub\n"};
    CLEANUP(exchange_deinit)
    struct exchange exchange = {.query = {{"target", "hub"}, {"debug", "true"}}};
    CLEANUP(exchange_deinit)
    struct exchange plain = {.query = {{"target", "hub"}, {"debug", "yes"}}};

    (void)state;
    scheduler.replies = true;
    scheduler.record = &success;
    request(&exchange);
    assert_string_equal(exchange.content_type, "text/plain; charset=utf-8");
    for (size_t i = 0; i < 3; i++)
        has(&exchange, parts[i]);
    request(&plain);
    lacks(&plain, "Logs for the probe");
}

static void explains_a_failure_with_its_message(void **state)
{
    CLEANUP(exchange_deinit)
    struct exchange exchange = {.query = {{"target", "hub"}, {"debug", "true"}}};
    struct run_record failure = success;

    (void)state;
    failure.reason = ERROR_TLS;
    failure.message = "expired";
    scheduler.replies = true;
    scheduler.record = &failure;
    request(&exchange);
    has(&exchange, "of hub: tls: expired, 1.500 s\n");
}

/* A deadline of 100 ms that has passed is a result; the end of the exporter before is not. */
static void a_run_that_does_not_end_in_time_is_a_timeout(void **state)
{
    static const struct timespec wait = {.tv_nsec = 110 * NS_PER_MS};
    CLEANUP(exchange_deinit)
    struct exchange exchange = {.query = {{"target", "hub"}}, .request = {{TIMEOUT_HEADER, "0.6"}}};
    CLEANUP(exchange_deinit)
    struct exchange debug = {.query = {{"target", "hub"}, {"debug", "true"}},
                             .request = {{TIMEOUT_HEADER, "0.6"}}};

    (void)state;
    request(&exchange);
    clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, NULL);
    scheduler.demand.done(scheduler.demand.arg, NULL, false);
    assert_int_equal(exchange.status, 200);
    has(&exchange, "\nprobe_success 0\n");
    has(&exchange, "\nprobe_image_canary_failure_info{reason=\"timeout\"} 1\n");
    has(&exchange, "\nprobe_timeout_seconds 0.1\n");
    lacks(&exchange, "probe_image_canary_bytes");
    request(&debug);
    clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, NULL);
    scheduler.demand.done(scheduler.demand.arg, NULL, false);
    has(&debug, "Logs for the probe:\nno run: timeout\n");
}

static void a_canceled_demand_is_unavailable(void **state)
{
    CLEANUP(exchange_deinit) struct exchange exchange = {.query = {{"target", "hub"}}};

    (void)state;
    request(&exchange);
    assert_int_equal(exchange.status, 0);
    exchange.gone(exchange.gone_arg);
    assert_int_equal(scheduler.canceled, 1);
    scheduler.demand.done(scheduler.demand.arg, NULL, false);
    assert_int_equal(exchange.status, 503);
    assert_non_null(strstr(exchange.headers, "Retry-After: 5\n"));
    has(&exchange, "is stopping\n");
}

static void reports_why_a_demand_is_refused(void **state)
{
    static const struct {
        enum error_code code;
        unsigned status;
        bool retry;
    } rows[] = {
        {ERROR_NOT_FOUND, 400, false}, {ERROR_LIMIT, 503, true}, {ERROR_CANCELED, 503, true}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(exchange_deinit) struct exchange exchange = {.query = {{"target", "hub"}}};

        scheduler.refuses = rows[i].code;
        request(&exchange);
        assert_int_equal(exchange.status, rows[i].status);
        assert_int_equal(strstr(exchange.headers, "Retry-After: 5\n") != NULL, rows[i].retry);
        has(&exchange, "refused\n");
    }
}

static void head_starts_no_run(void **state)
{
    CLEANUP(exchange_deinit)
    struct exchange exchange = {.method = "HEAD", .query = {{"target", "hub"}}};
    CLEANUP(exchange_deinit) struct exchange invalid = {.method = "HEAD"};

    (void)state;
    request(&exchange);
    assert_int_equal(exchange.status, 200);
    request(&invalid);
    assert_int_equal(invalid.status, 400);
    assert_int_equal(scheduler.demands, 0);
}

#define fresh(test) cmocka_unit_test_setup(test, reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fresh(rejects_invalid_requests),
        fresh(chooses_the_smaller_timeout),
        fresh(replies_with_the_metrics_of_the_run),
        fresh(replies_with_the_reason_of_a_failure),
        fresh(reports_the_age_of_a_cached_run),
        fresh(explains_the_run_on_request),
        fresh(explains_a_failure_with_its_message),
        fresh(a_run_that_does_not_end_in_time_is_a_timeout),
        fresh(a_canceled_demand_is_unavailable),
        fresh(reports_why_a_demand_is_refused),
        fresh(head_starts_no_run),
    };

    return cmocka_run_group_tests_name("page_probe", tests, NULL, NULL);
}
