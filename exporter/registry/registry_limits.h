/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of each registry, shared by all probes: usage of the hourly budget, the registry's own
 * rate limit, its back-off (Retry-After), and the expiry of its certificate. In memory; survives
 * reloads.
 *
 * Any thread may use it; no function blocks. A budget counts the last hour in whole minutes: usage
 * counts for an hour, and up to a minute longer.
 */
#pragma once

#include "base/error.h"

#include <stdint.h>

struct registry_limits;

struct registry_limits *registry_limits_new(struct error *err);
void registry_limits_free(struct registry_limits *limits);
DEFINE_CLEANUP(struct registry_limits *, registry_limits_free)

/* Returns the account of a registry ("docker.io", "registry.example:5000") with a new reference. It
 * lives as long as `limits`. NULL: the name is too long, or too many registries are in use. */
struct registry_account *registry_account(struct registry_limits *limits, const char *registry);

/* Drops a reference. An account without references keeps its numbers, is not listed, and is evicted
 * if another registry needs the space. */
void registry_account_unref(struct registry_account *account);

struct registry_budget {
    uint64_t pulls_per_hour, bytes_per_hour; /* 0: no limit */
};
void registry_account_set_budget(struct registry_account *account,
                                 const struct registry_budget *budget);

/* Takes one pull from the budget and reserves `bytes` for a run. ERROR_LIMIT if the budget is
 * exceeded; the message says when it will suffice. */
bool registry_account_take(struct registry_account *account, int64_t now_ns, uint64_t bytes,
                           struct error *err) MUST_CHECK;

/* Must follow every successful take: replaces the reservation by the bytes that were transferred.
 */
void registry_account_charge(struct registry_account *account, int64_t now_ns,
                             uint64_t expected_bytes, uint64_t bytes);

/* End of the back-off that the registry requested (monotonic), at most six hours ahead; 0: none. */
void registry_account_back_off(struct registry_account *account, int64_t until_ns);
int64_t registry_account_back_off_until(struct registry_account *account);

/* The registry's own rate limit; negative: unknown. */
void registry_account_record_rate_limit(struct registry_account *account, double limit,
                                        double remaining);

/* Expiry of the first certificate of its chain to expire, in unix time. */
void registry_account_record_certificate(struct registry_account *account, int64_t expiry);

/* The current state of a registry; numbers are negative if unknown or unlimited. */
struct registry_usage {
    const char *registry;
    double rate_limit, rate_limit_remaining;
    double certificate_expiry;
    double pulls_per_hour, pulls_left, bytes_per_hour, bytes_left;
    double back_off_seconds; /* remaining back-off; 0: none */
};

/* Visits every account in use in the order of names, without holding a lock. entry->registry is
 * valid until `visit` returns. */
void registry_limits_list(struct registry_limits *limits, int64_t now_ns,
                          void (*visit)(void *arg, const struct registry_usage *entry), void *arg);
