/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /probe?target=NAME: a run on demand, and the metrics of that run alone, with the names that
 * blackbox_exporter has given them where they fit. A target is looked up among the probes that are
 * configured; nothing of the URL ever becomes a reference.
 */
#include "web/pages/pages.h"

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
#define TIMEOUT_MAX_SECONDS  86400.0
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

/* By name, as pages are. */
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
    [TIMEOUT] = {METRIC_GAUGE, "probe_timeout_seconds", "How long the run might have taken."},
    {0},
};

/* Somebody who waits. */
struct asked {
    const struct web_options *options;
    struct exchange *exchange;
    char target[TARGET_BYTES], operation[32];
    int64_t timeout_ns, start_ns;
    bool found, debug;
    struct negotiated negotiated;
};

/* ---- what is answered ---- */

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

/* Nobody ran it in time. */
static void add_nothing(struct snapshot *out, const struct asked *asked)
{
    snapshot_add(out, SUCCESS, 0);
    snapshot_add(out, DURATION, seconds_between(asked->start_ns, clock_now_ns()));
    snapshot_add(out, FAILURE, 1, error_code_name(ERROR_TIMEOUT));
}

static bool append_metrics(struct buf *out, const struct asked *asked, enum encode_format format,
                           const struct run_record *record, struct error *err)
{
    CLEANUP(snapshot_unrefp)
    struct snapshot *run = snapshot_new(page_probe_families, SNAPSHOT_LIMIT_BYTES);
    struct encoder encoder = {.out = out, .format = format};

    if (!run)
        return error_memory(err);
    if (record)
        add_record(run, record);
    else
        add_nothing(run, asked);
    snapshot_add(run, TIMEOUT, ns_to_seconds(asked->timeout_ns));
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

/* For people, in the three blocks of blackbox_exporter. */
static bool append_debug(struct buf *out, const struct asked *asked,
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
    if (!append_metrics(out, asked, ENCODE_TEXT, record, err))
        return false;
    buf_append_str(out, "\n\n\nModule configuration:\n");
    (void)scheduler_settings(asked->options->scheduler, asked->target, out); /* it may be gone */
    return buf_ok(out, err);
}

static void answer(const struct asked *asked, const struct run_record *record, bool cached)
{
    char age[32] = "";
    struct reply reply = {.status = 200,
                          .content_type = asked->debug ? "text/plain; charset=utf-8"
                                                       : asked->negotiated.content_type,
                          .headers = {{"Vary", "Accept"}, {cached ? "Age" : NULL, age}},
                          .body = BUF_INIT(REPLY_LIMIT_BYTES)};
    struct error err;
    double ago;

    if (cached) {
        ago = clock_unix_seconds() - record->start - record->seconds;
        snprintf(age, sizeof(age), "%.0f", ago > 0 ? ago : 0);
    }
    if (asked->debug ? append_debug(&reply.body, asked, record, &err)
                     : append_metrics(&reply.body, asked, asked->negotiated.format, record, &err)) {
        exchange_reply(asked->exchange, &reply);
        return;
    }
    buf_deinit(&reply.body);
    exchange_reply_text(asked->exchange, 500, err.message);
}

static void refuse(struct asked *asked, const struct error *err)
{
    struct reply reply = {
        .status = err->code == ERROR_NOT_FOUND ? 400 : 503,
        .content_type = "text/plain; charset=utf-8",
        .headers = {{err->code == ERROR_NOT_FOUND ? NULL : "Retry-After", RETRY_AFTER}},
        .body = BUF_INIT(REPLY_LIMIT_BYTES)};

    buf_printf(&reply.body, "%s\n", err->message);
    exchange_reply(asked->exchange, &reply);
    free(asked);
}

/* Without a run and before its time: that says nothing of the registry. */
static bool is_moot(const struct asked *asked, const struct run_record *record)
{
    return !record && clock_now_ns() < asked->start_ns + asked->timeout_ns;
}

static void done(void *arg, const struct run_record *record, bool cached)
{
    struct asked *asked = arg;
    struct error err;

    if (is_moot(asked, record)) {
        error_set(&err, ERROR_CANCELED, "the probe is gone, or the exporter stops");
        refuse(asked, &err);
        return;
    }
    answer(asked, record, cached);
    free(asked);
}

/* The server does not call it after the reply, so `asked` is there. */
static void gone(void *arg)
{
    const struct asked *asked = arg;

    scheduler_demand_cancel(asked->options->scheduler, asked);
}

/* ---- what is asked ---- */

static void note_probe(void *arg, const struct probe_status *probe)
{
    struct asked *asked = arg;

    if (strcmp(probe->name, asked->target) != 0)
        return;
    asked->found = true;
    asked->timeout_ns = probe->timeout_ns;
    snprintf(asked->operation, sizeof(asked->operation), "%s", probe->operation);
}

/* "10", "9.5": no sign, no exponent. */
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

/* The scraper's, less what the answer needs on its way, or the probe's own: the smaller one. */
static bool choose_timeout(struct asked *asked)
{
    const char *text = exchange_header(asked->exchange, TIMEOUT_HEADER);
    double seconds;
    int64_t left_ns;

    if (!text)
        return true;
    if (!read_seconds(text, &seconds))
        return false;
    left_ns = (int64_t)(seconds * (double)NS_PER_SECOND) - asked->options->timeout_offset_ns;
    if (left_ns > 0 && left_ns < asked->timeout_ns)
        asked->timeout_ns = left_ns;
    return true;
}

static bool is_true(const struct exchange *exchange, const char *name)
{
    const char *value;

    return exchange_query(exchange, name, &value, 1) > 0 && strcmp(value, "true") == 0;
}

/* NULL, or why not. */
static const char *read_question(struct asked *asked)
{
    const char *target, *module;

    if (exchange_query(asked->exchange, "target", &target, 1) == 0 || !*target)
        return "target is missing: the name of a probe of the configuration\n";
    if (strlen(target) < sizeof(asked->target)) {
        strcpy(asked->target, target);
        scheduler_probes(asked->options->scheduler, note_probe, asked);
    }
    if (!asked->found) {
        scheduler_note_unknown(asked->options->scheduler);
        return "target is not the name of a probe of the configuration\n";
    }
    if (exchange_query(asked->exchange, "module", &module, 1) > 0 && *module &&
        strcmp(module, asked->operation) != 0)
        return "module is not the operation of this probe\n";
    if (!choose_timeout(asked))
        return TIMEOUT_HEADER " is no number of seconds\n";
    asked->debug = is_true(asked->exchange, "debug");
    negotiate_format(exchange_header(asked->exchange, "Accept"), asked->options->openmetrics_2,
                     &asked->negotiated);
    return NULL;
}

static void ask(struct asked *asked)
{
    const struct demand_options options = {
        .probe = asked->target,
        .deadline_ns = asked->start_ns + asked->timeout_ns,
        .done = done,
        .arg = asked,
        .forget = true,
    };
    struct error err;

    exchange_defer(asked->exchange, gone, asked);
    if (!scheduler_demand(asked->options->scheduler, &options, &err))
        refuse(asked, &err);
}

void page_probe(const struct web_options *options, struct exchange *exchange)
{
    struct asked *asked = calloc(1, sizeof(*asked));
    const char *wrong;

    if (!asked) {
        exchange_reply_text(exchange, 500, "out of memory\n");
        return;
    }
    *asked = (struct asked){.options = options, .exchange = exchange, .start_ns = clock_now_ns()};
    wrong = read_question(asked);
    if (!wrong && strcmp(exchange_method(exchange), "HEAD") != 0) {
        ask(asked);
        return;
    }
    exchange_reply_text(exchange, wrong ? 400 : 200, wrong ? wrong : "");
    free(asked);
}
