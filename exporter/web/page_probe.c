/* SPDX-License-Identifier: Apache-2.0 */
#include "web/page_probe.h"

#include "base/clock.h"
#include "metrics/negotiate.h"
#include "scheduler/demand.h"
#include "scheduler/scheduler_view.h"

#include <stdio.h>
#include <string.h>

#define REPLY_LIMIT_BYTES    ((size_t)256 << 10)
#define SNAPSHOT_LIMIT_BYTES ((size_t)32 << 10)
#define TARGET_BYTES         ((size_t)128)
#define TIMEOUT_HEADER       "X-Prometheus-Scrape-Timeout-Seconds"
#define TIMEOUT_MAX_SECONDS  86400
#define RETRY_AFTER          "5"

enum {
    DURATION,
    BYTES,
    FAILURE,
    INFO,
    PHASE_DURATION,
    SUCCESS,
    TIMEOUT,
};

/* Sorted by name, like the metrics page. */
const struct metric_family page_probe_families[] = {
    [DURATION] = {METRIC_GAUGE, "probe_duration_seconds",
                  "How long the run took, without preparation and clean-up."},
    [BYTES] =
        {METRIC_GAUGE,
         "probe_image_canary_bytes",
         "Bytes of the run: fetched and uploaded over the network, cached (they did not cross "
         "it), declared by the manifests.",
         {"kind"}},
    [FAILURE] = {METRIC_INFO,
                 "probe_image_canary_failure_info",
                 "Why the run failed; absent if it succeeded.",
                 {"reason"}},
    [INFO] = {METRIC_INFO,
              "probe_image_canary_info",
              "The probe, and the host that served or took the image.",
              {"probe", "operation", "engine", "registry", "host"}},
    [PHASE_DURATION] = {METRIC_GAUGE,
                        "probe_image_canary_phase_duration_seconds",
                        "How long the phases of the run took.",
                        {"phase"}},
    [SUCCESS] = {METRIC_GAUGE, "probe_success", "Whether the run succeeded."},
    [TIMEOUT] = {METRIC_GAUGE, "probe_timeout_seconds", "The timeout of the run."},
    {0},
};

/* A request that waits for its run. */
struct demand_request {
    const struct page_context *context;
    struct exchange *exchange;
    char target[TARGET_BYTES], operation[32];
    int64_t start_ns;
    int64_t timeout_ns; /* of the run, at most that of the probe */
    int64_t given_ns;   /* until the client expects the reply, also for a wait before the run */
    bool shortened;     /* the client gives less time than the probe */
    bool found, debug;
    struct negotiated negotiated;
};

/* ---- The reply ------------------------------------------------------------------------------ */

static void add_bytes(struct snapshot *out, const struct run_record *record)
{
    const struct {
        const char *kind;
        uint64_t bytes;
    } rows[] = {{"cached", record->cached_bytes},
                {"declared", record->declared_bytes},
                {"fetched", record->fetched_bytes},
                {"uploaded", record->uploaded_bytes}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        snapshot_add(out, BYTES, (double)rows[i].bytes, rows[i].kind);
}

static void add_record(struct snapshot *out, const struct run_record *record)
{
    snapshot_add(out, SUCCESS, record->reason == ERROR_NONE);
    snapshot_add(out, DURATION, record->seconds);
    if (record->reason != ERROR_NONE)
        snapshot_add(out, FAILURE, 1, error_code_name(record->reason));
    snapshot_add(out, INFO, 1, record->probe, record->operation, record->engine, record->registry,
                 record->host);
    for (size_t i = 0; i < record->n_phases; i++)
        if (record->phases[i].seconds >= 0)
            snapshot_add(out, PHASE_DURATION, record->phases[i].seconds, record->phases[i].name);
    add_bytes(out, record);
}

/* The run did not end in time. */
static void add_timeout(struct snapshot *out, const struct demand_request *request)
{
    snapshot_add(out, SUCCESS, 0);
    snapshot_add(out, DURATION, seconds_between(request->start_ns, clock_now_ns()));
    snapshot_add(out, FAILURE, 1, error_code_name(ERROR_TIMEOUT));
}

static bool append_metrics(struct buf *out, const struct demand_request *request,
                           enum encode_format format, const struct run_record *record,
                           struct error *err)
{
    CLEANUP(snapshot_unrefp)
    struct snapshot *run = snapshot_new(page_probe_families, SNAPSHOT_LIMIT_BYTES);
    struct encoder encoder = {.out = out, .format = format};

    if (!run)
        return error_memory(err);
    if (record)
        add_record(run, record);
    else
        add_timeout(run, request);
    snapshot_add(run, TIMEOUT, ns_to_seconds(request->timeout_ns));
    for (size_t i = 0; page_probe_families[i].name; i++) {
        if (!snapshot_samples(run, i))
            continue;
        encode_family(&encoder, &page_probe_families[i]);
        encode_samples(&encoder, &page_probe_families[i], snapshot_samples(run, i));
        encode_family_end(&encoder, &page_probe_families[i]);
    }
    encode_end(&encoder);
    return snapshot_ok(run, err) && buf_ok(out, err);
}

/* The three blocks of blackbox_exporter's debug output. */
static bool append_debug(struct buf *out, const struct demand_request *request,
                         const struct run_record *record, struct error *err)
{
    buf_append_str(out, "Logs for the probe:\n");
    if (record)
        buf_printf(out, "run %s of %s: %s%s%s, %.3f s\n%s", record->id, record->probe,
                   record->reason == ERROR_NONE ? "success" : error_code_name(record->reason),
                   *record->message ? ": " : "", record->message, record->seconds, record->log);
    else
        buf_printf(out, "no run: %s\n", error_code_name(ERROR_TIMEOUT));
    buf_append_str(out, "\n\n\nMetrics that would have been returned:\n");
    if (!append_metrics(out, request, ENCODE_TEXT, record, err))
        return false;
    buf_append_str(out, "\n\n\nModule configuration:\n");
    (void)scheduler_settings(request->context->scheduler, request->target,
                             out); /* a reload may have removed it */
    return buf_ok(out, err);
}

static void reply_metrics(const struct demand_request *request, const struct run_record *record,
                          bool cached)
{
    char age[32] = "";
    struct reply reply = {.status = 200,
                          .content_type = request->debug ? "text/plain; charset=utf-8"
                                                         : request->negotiated.content_type,
                          .headers = {{"Vary", "Accept"}, {cached ? "Age" : NULL, age}},
                          .body = BUF_INIT(REPLY_LIMIT_BYTES)};
    struct error err;
    double ago;

    if (cached) {
        ago = clock_unix_seconds() - record->start - record->seconds;
        snprintf(age, sizeof(age), "%.0f", ago > 0 ? ago : 0);
    }
    if (request->debug
            ? append_debug(&reply.body, request, record, &err)
            : append_metrics(&reply.body, request, request->negotiated.format, record, &err)) {
        exchange_reply(request->exchange, &reply);
        return;
    }
    buf_deinit(&reply.body);
    exchange_reply_text(request->exchange, 500, err.message);
}

static void reply_error(struct demand_request *request, const struct error *err)
{
    struct reply reply = {
        .status = err->code == ERROR_NOT_FOUND ? 400 : 503,
        .content_type = "text/plain; charset=utf-8",
        .headers = {{err->code == ERROR_NOT_FOUND ? NULL : "Retry-After", RETRY_AFTER}},
        .body = BUF_INIT(REPLY_LIMIT_BYTES)};

    buf_printf(&reply.body, "%s\n", err->message);
    exchange_reply(request->exchange, &reply);
    free(request);
}

/* No run, and before the deadline: that is no result of the registry. */
static bool is_aborted(const struct demand_request *request, const struct run_record *record)
{
    return !record && clock_now_ns() < request->start_ns + request->given_ns;
}

static void done(void *arg, const struct run_record *record, bool cached)
{
    struct demand_request *request = arg;
    struct error err;

    if (is_aborted(request, record)) {
        error_set(&err, ERROR_CANCELED, "a reload removed the probe, or the exporter is stopping");
        reply_error(request, &err);
        return;
    }
    reply_metrics(request, record, cached);
    free(request);
}

/* The server never calls it after the reply, so `request` is valid. */
static void gone(void *arg)
{
    const struct demand_request *request = arg;

    scheduler_demand_cancel(request->context->scheduler, request);
}

/* ---- The request ---------------------------------------------------------------------------- */

static void note_probe(void *arg, const struct probe_status *probe)
{
    struct demand_request *request = arg;

    if (strcmp(probe->name, request->target) != 0)
        return;
    request->found = true;
    request->timeout_ns = probe->timeout_ns;
    snprintf(request->operation, sizeof(request->operation), "%s", probe->operation);
}

/* Accepts "10" and "9.5"; rejects signs and exponents. */
static bool read_seconds(const char *text, double *seconds)
{
    static const char digits[] = "0123456789";
    size_t whole = strspn(text, digits), rest = 0;

    if (whole == 0)
        return false;
    if (text[whole] == '.')
        rest = 1 + strspn(text + whole + 1, digits);
    if (text[whole + rest] || whole > 9 || rest > 12)
        return false;
    *seconds = strtod(text, NULL);
    return *seconds <= TIMEOUT_MAX_SECONDS;
}

/* The timeout is the smaller of the probe's and the scraper's minus the offset. A client that names
 * no timeout waits until the run has ended, or leaves. */
static bool choose_timeout(struct demand_request *request)
{
    const char *text = exchange_header(request->exchange, TIMEOUT_HEADER);
    double seconds;
    int64_t left_ns = 0;

    if (text && !read_seconds(text, &seconds))
        return false;
    if (text)
        left_ns = (int64_t)(seconds * (double)NS_PER_SECOND) - request->context->timeout_offset_ns;
    request->given_ns = left_ns > 0 ? left_ns : TIMEOUT_MAX_SECONDS * NS_PER_SECOND;
    request->shortened = request->given_ns < request->timeout_ns;
    if (request->shortened)
        request->timeout_ns = request->given_ns;
    return true;
}

static bool is_true(const struct exchange *exchange, const char *name)
{
    const char *value;

    return exchange_query(exchange, name, &value, 1) > 0 && strcmp(value, "true") == 0;
}

/* Returns NULL, or the message that rejects the request. */
static const char *read_request(struct demand_request *request)
{
    const char *target, *module;

    if (exchange_query(request->exchange, "target", &target, 1) == 0 || !*target)
        return "missing parameter target: expected the name of a configured probe\n";
    if (strlen(target) < sizeof(request->target)) {
        strcpy(request->target, target);
        scheduler_probes(request->context->scheduler, note_probe, request);
    }
    if (!request->found) {
        scheduler_note_unknown(request->context->scheduler);
        return "unknown target: expected the name of a configured probe\n";
    }
    if (exchange_query(request->exchange, "module", &module, 1) > 0 && *module &&
        strcmp(module, request->operation) != 0)
        return "invalid module: expected the operation of this probe\n";
    if (!choose_timeout(request))
        return "invalid " TIMEOUT_HEADER ": expected a number of seconds\n";
    request->debug = is_true(request->exchange, "debug");
    negotiate_format(exchange_header(request->exchange, "Accept"), request->context->openmetrics_2,
                     &request->negotiated);
    return NULL;
}

static void start_run(struct demand_request *request)
{
    const struct demand_options options = {
        .probe = request->target,
        .deadline_ns = request->start_ns + request->given_ns,
        .shortened = request->shortened,
        .done = done,
        .arg = request,
        .forget = true,
    };
    struct error err;

    exchange_defer(request->exchange, gone, request);
    if (!scheduler_demand(request->context->scheduler, &options, &err))
        reply_error(request, &err);
}

void page_probe(const struct page_context *context, struct exchange *exchange)
{
    struct demand_request *request = calloc(1, sizeof(*request));
    const char *mistake;

    if (!request) {
        exchange_reply_text(exchange, 500, "out of memory\n");
        return;
    }
    *request = (struct demand_request){
        .context = context, .exchange = exchange, .start_ns = clock_now_ns()};
    mistake = read_request(request);
    if (!mistake && strcmp(exchange_method(exchange), "HEAD") != 0) {
        start_run(request);
        return;
    }
    exchange_reply_text(exchange, mistake ? 400 : 200, mistake ? mistake : "");
    free(request);
}
