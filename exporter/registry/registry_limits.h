/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known and allowed of each registry, whichever probes ask it: how much of the hourly
 * budget is used, what the registry said of its own limits, when it wants to be left alone, when
 * its certificate ends. In memory, and of this process; outlives every reload.
 *
 * Any thread may use it; nothing here blocks. The window of a budget is the last hour, in minutes:
 * what was used counts for an hour, and up to a minute longer.
 */
#ifndef REGISTRY_REGISTRY_LIMITS_H
#define REGISTRY_REGISTRY_LIMITS_H

#include "base/error.h"

#include <stdint.h>

struct registry_limits;

struct registry_limits *registry_limits_new(struct error *err);
void registry_limits_free(struct registry_limits *registry_limits);
DEFINE_CLEANUP(struct registry_limits *, registry_limits_free)

/* The account of a registry ("docker.io", "registry.example:5000"), made when first asked for;
 * lives as long as the registry_limits. NULL: a name that is too long, or more registries in use
 * than there may be. */
struct registry_account *registry_account(struct registry_limits *registry_limits,
                                          const char *registry);

/* One for each of the above: who asked does not use it any more. An account that nobody uses keeps
 * its numbers, is not listed, and gives way to another registry when the registry_limits is full.
 */
void registry_account_unref(struct registry_account *account);

struct registry_budget {
    uint64_t pulls_per_hour, bytes_per_hour; /* 0: no limit */
};
void registry_account_set_budget(struct registry_account *account,
                                 const struct registry_budget *budget);

/* Before a run that is expected to move `bytes`: takes one pull from the budget, and keeps room for
 * the bytes. False with ERROR_LIMIT where that is more than what is left; the message says when
 * there will be room. */
bool registry_account_take(struct registry_account *account, int64_t now_ns, uint64_t bytes,
                           struct error *err) MUST_CHECK;

/* After it, once for each that was taken: what was expected, and what it really moved. */
void registry_account_charge(struct registry_account *account, int64_t now_ns,
                             uint64_t expected_bytes, uint64_t bytes);

/* Until when (monotonic) the registry asked not to be asked; 0: it did not. Six hours at most. */
void registry_account_back_off(struct registry_account *account, int64_t until_ns);
int64_t registry_account_back_off_until(struct registry_account *account);

/* What the registry said of its own limits; negative: it did not say. */
void registry_account_record_rate_limit(struct registry_account *account, double limit,
                                        double remaining);

/* When the earliest certificate of its chain ends, in seconds since 1970. */
void registry_account_record_certificate(struct registry_account *account, int64_t expiry);

/* One registry as it is now; numbers are negative where nothing is known or there is no limit. */
struct registry_usage {
    const char *registry;
    double rate_limit, rate_limit_remaining;
    double certificate_expiry;
    double pulls_per_hour, pulls_left, bytes_per_hour, bytes_left;
    double back_off_seconds; /* that the registry still wants to be left alone; 0: none */
};

/* Every account in use, by name. `visit` is called without a lock; entry->registry stays good until
 * it returns. */
void registry_limits_list(struct registry_limits *registry_limits, int64_t now_ns,
                          void (*visit)(void *arg, const struct registry_usage *entry), void *arg);

#endif
