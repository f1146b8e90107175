/* SPDX-License-Identifier: Apache-2.0 */
/* The metric families of a probe, and how its counters fill them. */
#include "probe/probe_report.h"

#include "probe/probe_engine_choice.h"
#include "probe/probe_references.h"

#include <string.h>

#define P "probe", "operation", "engine", "registry"

enum {
    INFO,
    SUCCESS,
    ATTEMPTS,
    RETRIES,
    FAILURES,
    REASONS,
    SLOW,
    DURATION,
    PHASE_DURATION,
    LAST_DURATION,
    LAST_ATTEMPT,
    LAST_SUCCESS,
    LAST_NETWORK,
    FETCHED,
    UPLOADED,
    CACHED,
    IMAGE_BYTES,
    IMAGE_INFO,
    EXPECTATION,
    CLEANUP_FAILURES,
    SERVED_BY,
    RESUMES,
};

const struct metric_family probe_families[] = {
    [INFO] = {METRIC_INFO,
              "image_canary_info",
              "A configured probe, with the labels that the configuration gives it; always 1.",
              {P, "image", "platform"},
              .query = "image_canary_success * on (probe, operation, engine, registry) group_left "
                       "(image) image_canary_info"},
    [SUCCESS] = {METRIC_GAUGE,
                 "image_canary_success",
                 "Whether the last run of the probe succeeded; absent before the first run. Probes "
                 "run on a schedule of their own.",
                 {P}},
    [ATTEMPTS] = {METRIC_COUNTER, "image_canary_attempts_total", "Runs of the probe.", {P}},
    [RETRIES] = {METRIC_COUNTER,
                 "image_canary_retries_total",
                 "Runs that started early because the run before failed.",
                 {P}},
    [FAILURES] = {METRIC_COUNTER,
                  "image_canary_failures_total",
                  "Runs that failed.",
                  {P},
                  .query = "increase(image_canary_failures_total[1h]) / "
                           "increase(image_canary_attempts_total[1h])"},
    [REASONS] = {METRIC_COUNTER,
                 "image_canary_failure_reasons_total",
                 "Runs that failed, by reason.",
                 {P, "reason"},
                 .query = "sum by (reason) (increase(image_canary_failure_reasons_total[1h])) > 0"},
    [SLOW] = {METRIC_COUNTER,
              "image_canary_slow_total",
              "Runs that succeeded but took longer than the setting slow.",
              {P}},
    [DURATION] = {METRIC_HISTOGRAM,
                  "image_canary_duration_seconds",
                  "How long runs took, failed ones included, without preparation and clean-up.",
                  {P}},
    [PHASE_DURATION] =
        {METRIC_HISTOGRAM,
         "image_canary_phase_duration_seconds",
         "How long the phases of runs took: resolve, fetch, unpack, upload, "
         "commit, read_back, cleanup.",
         {P, "phase"},
         .query = "sum by (probe, phase) (rate(image_canary_phase_duration_seconds_sum[1h])) / sum "
                  "by (probe, phase) (rate(image_canary_phase_duration_seconds_count[1h]))"},
    [LAST_DURATION] = {METRIC_GAUGE,
                       "image_canary_last_duration_seconds",
                       "How long the last run took, without preparation and clean-up.",
                       {P}},
    [LAST_ATTEMPT] = {METRIC_GAUGE,
                      "image_canary_last_attempt_timestamp_seconds",
                      "When the last run ended.",
                      {P}},
    [LAST_SUCCESS] = {METRIC_GAUGE,
                      "image_canary_last_success_timestamp_seconds",
                      "When a run last succeeded; absent before the first success.",
                      {P},
                      .query = "time() - image_canary_last_success_timestamp_seconds > 3600"},
    [LAST_NETWORK] = {METRIC_GAUGE,
                      "image_canary_last_network_seconds",
                      "Stages of the last run's network: dns, connect, tls, token, first_byte.",
                      {P, "stage"}},
    [FETCHED] = {METRIC_COUNTER,
                 "image_canary_fetched_bytes_total",
                 "Bytes of manifests and blobs received over the network.",
                 {P}},
    [UPLOADED] = {METRIC_COUNTER,
                  "image_canary_uploaded_bytes_total",
                  "Bytes of manifests and blobs sent over the network.",
                  {P}},
    [CACHED] = {METRIC_COUNTER,
                "image_canary_cached_bytes_total",
                "Bytes that did not cross the network, because the receiver had them already.",
                {P}},
    [IMAGE_BYTES] = {METRIC_GAUGE,
                     "image_canary_image_bytes",
                     "Size of the image of the last success: declared by its manifests, fetched "
                     "over the network, unpacked (the tars with client, what the snapshots occupy "
                     "with cri and transfer, what docker images shows with docker).",
                     {P, "kind"}},
    [IMAGE_INFO] = {METRIC_INFO,
                    "image_canary_image_info",
                    "The image that the reference resolved to at the last success; always 1.",
                    {P, "digest", "manifest_digest", "media_type"}},
    [EXPECTATION] = {METRIC_GAUGE,
                     "image_canary_expectation",
                     "Whether the image was what the configuration expects by this check: digest, "
                     "manifest_digest, size, served_by; absent where nothing is expected.",
                     {P, "check"}},
    [CLEANUP_FAILURES] = {METRIC_COUNTER,
                          "image_canary_cleanup_failures_total",
                          "Runs whose clean-up left content on the node or in the registry.",
                          {P}},
    [SERVED_BY] = {METRIC_INFO,
                   "image_canary_served_by_info",
                   "The host that served the manifest at the last success; always 1.",
                   {P, "host"}},
    [RESUMES] = {METRIC_COUNTER,
                 "image_canary_resumed_transfers_total",
                 "Downloads and uploads that were resumed after their connection broke.",
                 {P}},
    {0},
};

#undef P
#define P(probe) \
    (probe)->name, (probe)->operation, probe_engine_name(probe), (probe)->reference.host

static void report_counters(const struct probe *probe, struct snapshot *out)
{
    const struct probe_counters *c = &probe->counters;

    snapshot_add(out, ATTEMPTS, c->attempts, P(probe));
    snapshot_add(out, RETRIES, c->retries, P(probe));
    snapshot_add(out, RESUMES, c->resumed, P(probe));
    snapshot_add(out, FAILURES, c->failures, P(probe));
    for (size_t code = 0; code < ERROR_CODES; code++)
        if (c->reasons[code] > 0)
            snapshot_add(out, REASONS, c->reasons[code], P(probe), error_code_name(code));
    snapshot_add(out, SLOW, c->slow, P(probe));
    snapshot_add(out, FETCHED, c->fetched_bytes, P(probe));
    snapshot_add(out, UPLOADED, c->uploaded_bytes, P(probe));
    snapshot_add(out, CACHED, c->cached_bytes, P(probe));
    snapshot_add(out, CLEANUP_FAILURES, c->cleanup_failures, P(probe));
    snapshot_add_histogram(out, DURATION, &c->duration, P(probe));
    for (size_t phase = 0; phase < PHASES; phase++)
        if (c->phases[phase])
            snapshot_add_histogram(out, PHASE_DURATION, c->phases[phase], P(probe),
                                   engine_phase_name(phase));
}

static void report_network(const struct probe *probe, struct snapshot *out)
{
    const struct registry_traffic *traffic = &probe->counters.last_traffic;
    const struct {
        const char *stage;
        double seconds;
    } stages[] = {
        {"dns", traffic->dns},     {"connect", traffic->connect},       {"tls", traffic->tls},
        {"token", traffic->token}, {"first_byte", traffic->first_byte},
    };

    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
        if (stages[i].seconds >= 0)
            snapshot_add(out, LAST_NETWORK, stages[i].seconds, P(probe), stages[i].stage);
}

static void report_image(const struct probe *probe, struct snapshot *out)
{
    const struct probe_success *good = &probe->counters.last_success_run;

    snapshot_add(out, LAST_SUCCESS, probe->counters.last_success, P(probe));
    if (good->declared_bytes > 0)
        snapshot_add(out, IMAGE_BYTES, (double)good->declared_bytes, P(probe), "declared");
    if (good->fetched_bytes > 0)
        snapshot_add(out, IMAGE_BYTES, (double)good->fetched_bytes, P(probe), "fetched");
    if (good->unpacked_bytes > 0)
        snapshot_add(out, IMAGE_BYTES, (double)good->unpacked_bytes, P(probe), "unpacked");
    snapshot_add(out, IMAGE_INFO, 1, P(probe), good->digest, good->manifest_digest,
                 good->media_type);
    if (*good->host)
        snapshot_add(out, SERVED_BY, 1, P(probe), good->host);
}

static void report_last(const struct probe *probe, struct snapshot *out)
{
    static const char *const checks[CHECKS] = {
        [CHECK_DIGEST] = "digest",
        [CHECK_MANIFEST_DIGEST] = "manifest_digest",
        [CHECK_SIZE] = "size",
        [CHECK_SERVED_BY] = "served_by",
    };
    const struct probe_counters *c = &probe->counters;

    snapshot_add(out, SUCCESS, c->success, P(probe));
    snapshot_add(out, LAST_DURATION, c->last_seconds, P(probe));
    snapshot_add(out, LAST_ATTEMPT, c->last_attempt, P(probe));
    for (size_t check = 0; check < CHECKS; check++)
        if (c->expectations[check] >= 0)
            snapshot_add(out, EXPECTATION, c->expectations[check], P(probe), checks[check]);
    report_network(probe, out);
}

void probe_report(const struct probe *probe, struct snapshot *out)
{
    const struct extra_labels extra = {probe->labels.names, probe->labels.values,
                                       probe->labels.count};

    snapshot_add_info(out, INFO, &extra, P(probe), probe_image_text(probe), probe->platform_text);
    report_counters(probe, out);
    if (probe->counters.last_attempt > 0)
        report_last(probe, out);
    if (probe->counters.last_success > 0)
        report_image(probe, out);
}
