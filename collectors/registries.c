/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registries that probes ask: their limits, our budgets, their certificates. Asks nobody; what
 * the probes wrote into the registry_limits is read again every few seconds.
 */
#include "base/clock.h"
#include "collector/collector.h"
#include "collector/node.h"
#include "registry/registry_limits.h"

enum {
    RATE_LIMIT,
    RATE_LIMIT_REMAINING,
    CERTIFICATE_EXPIRY,
    BUDGET,
    BUDGET_REMAINING,
    HELD,
};

static const struct metric_family families[] = {
    [RATE_LIMIT] = {METRIC_GAUGE,
                    "image_registry_rate_limit",
                    "Pulls that the registry allows, as its RateLimit headers told a probe last.",
                    {"registry"}},
    [RATE_LIMIT_REMAINING] =
        {METRIC_GAUGE,
         "image_registry_rate_limit_remaining",
         "Pulls that are left of it, as the registry's RateLimit headers told a probe last.",
         {"registry"},
         .query = "image_registry_rate_limit_remaining / image_registry_rate_limit < 0.1"},
    [CERTIFICATE_EXPIRY] = {METRIC_GAUGE,
                            "image_registry_certificate_expiry_timestamp_seconds",
                            "When the first certificate of the registry's chain ends, as a probe "
                            "saw it last.",
                            {"registry"}},
    [BUDGET] = {METRIC_GAUGE,
                "image_registry_budget",
                "What all probes together may ask of the registry in an hour: pulls, bytes "
                "(max_pulls_per_hour, max_bytes_per_hour).",
                {"registry", "kind"}},
    [BUDGET_REMAINING] = {METRIC_GAUGE,
                          "image_registry_budget_remaining",
                          "What is left of the registry's budget. Read on a schedule.",
                          {"registry", "kind"},
                          .query = "image_registry_budget_remaining / image_registry_budget < 0.1"},
    [HELD] = {METRIC_GAUGE,
              "image_registry_held_seconds",
              "For how long no probe asks the registry, because it said Retry-After; 0: it is "
              "asked. Read on a schedule.",
              {"registry"},
              .query = "image_registry_held_seconds > 0"},
    {0},
};

struct registries_state {
    struct registry_limits *registry_limits;
};

static bool open_job(void *state, const struct job_context *context, struct error *err)
{
    (void)err;
    ((struct registries_state *)state)->registry_limits = context->node->registry_limits;
    return true;
}

static void add_known(struct snapshot *out, size_t family, double value, const char *registry)
{
    if (value >= 0)
        snapshot_add(out, family, value, registry);
}

static void add_budget(struct snapshot *out, const char *registry, const char *kind, double budget,
                       double left)
{
    if (budget < 0)
        return;
    snapshot_add(out, BUDGET, budget, registry, kind);
    snapshot_add(out, BUDGET_REMAINING, left, registry, kind);
}

static void add_registry(void *arg, const struct registry_usage *entry)
{
    struct snapshot *out = arg;
    const char *registry = entry->registry;

    add_known(out, RATE_LIMIT, entry->rate_limit, registry);
    add_known(out, RATE_LIMIT_REMAINING, entry->rate_limit_remaining, registry);
    add_known(out, CERTIFICATE_EXPIRY, entry->certificate_expiry, registry);
    add_budget(out, registry, "pulls", entry->pulls_per_hour, entry->pulls_left);
    add_budget(out, registry, "bytes", entry->bytes_per_hour, entry->bytes_left);
    snapshot_add(out, HELD, entry->back_off_seconds, registry);
}

static bool run(void *state, struct run *run, struct error *err)
{
    const struct registries_state *job = state;

    (void)err;
    registry_limits_list(job->registry_limits, clock_now_ns(), add_registry, run->out);
    return true;
}

const struct collector registries_collector = {
    .name = "registries",
    .help = "Limits, budgets and certificates of the registries that probes ask.",
    .families = families,
    .state_size = sizeof(struct registries_state),
    .lane = LANE_INVENTORY,
    .interval = "5s",
    .timeout = "5s",
    .open = open_job,
    .run = run,
};
