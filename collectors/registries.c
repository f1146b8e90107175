/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registries that probes use: rate limits, budgets, back-off, certificates. Sends no request:
 * it reads every few seconds what the probes recorded (registry/registry_limits.h).
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
    BACK_OFF,
};

static const struct metric_family families[] = {
    [RATE_LIMIT] =
        {METRIC_GAUGE,
         "image_registry_rate_limit",
         "Pulls that the registry allows, from the RateLimit headers that a probe received last.",
         {"registry"}},
    [RATE_LIMIT_REMAINING] =
        {METRIC_GAUGE,
         "image_registry_rate_limit_remaining",
         "Pulls that the registry still allows, from the RateLimit headers that a probe received "
         "last.",
         {"registry"},
         .query = "image_registry_rate_limit_remaining / image_registry_rate_limit < 0.1"},
    [CERTIFICATE_EXPIRY] = {METRIC_GAUGE,
                            "image_registry_certificate_expiry_timestamp_seconds",
                            "Earliest expiry in the registry's certificate chain, as a probe "
                            "received it last.",
                            {"registry"}},
    [BUDGET] = {METRIC_GAUGE,
                "image_registry_budget",
                "Hourly budget of all probes of the registry: pulls, bytes (max_pulls_per_hour, "
                "max_bytes_per_hour).",
                {"registry", "kind"}},
    [BUDGET_REMAINING] = {METRIC_GAUGE,
                          "image_registry_budget_remaining",
                          "Rest of the registry's hourly budget. Read on a schedule.",
                          {"registry", "kind"},
                          .query = "image_registry_budget_remaining / image_registry_budget < 0.1"},
    [BACK_OFF] =
        {METRIC_GAUGE,
         "image_registry_held_seconds",
         "Rest of the back-off that the registry asked for with Retry-After; no probe runs "
         "against it until then. 0: no back-off. Read on a schedule.",
         {"registry"},
         .query = "image_registry_held_seconds > 0"},
    {0},
};

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
    snapshot_add(out, BACK_OFF, entry->back_off_seconds, registry);
}

static bool run(void *state, struct run *run, struct error *err)
{
    (void)state;
    (void)err;
    registry_limits_list(run->node->registry_limits, clock_now_ns(), add_registry, run->out);
    return true;
}

const struct collector registries_collector = {
    .name = "registries",
    .help = "Rate limits, budgets, back-off and certificates of the registries that probes use.",
    .families = families,
    .lane = LANE_INVENTORY,
    .interval = "5s",
    .timeout = "5s",
    .run = run,
};
