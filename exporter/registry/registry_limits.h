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

struct ledger;

struct ledger *ledger_new(struct error *err);
void ledger_free(struct ledger *ledger);
DEFINE_CLEANUP(struct ledger *, ledger_free)

/* The account of a registry ("docker.io", "registry.example:5000"), made when first asked for;
 * lives as long as the ledger. NULL: a name that is too long, or more registries in use than there
 * may be. */
struct ledger_account *ledger_account(struct ledger *ledger, const char *registry);

/* One for each of the above: who asked does not use it any more. An account that nobody uses keeps
 * its numbers, is not listed, and gives way to another registry when the ledger is full. */
void ledger_account_unref(struct ledger_account *account);

struct ledger_budget {
    uint64_t pulls_per_hour, bytes_per_hour; /* 0: no limit */
};
void ledger_set_budget(struct ledger_account *account, const struct ledger_budget *budget);

/* Before a run that is expected to move `bytes`: takes one pull from the budget, and keeps room for
 * the bytes. False with ERROR_LIMIT where that is more than what is left; the message says when
 * there will be room. */
bool ledger_take(struct ledger_account *account, int64_t now_ns, uint64_t bytes,
                 struct error *err) MUST_CHECK;

/* After it, once for each that was taken: what was expected, and what it really moved. */
void ledger_charge(struct ledger_account *account, int64_t now_ns, uint64_t expected_bytes,
                   uint64_t bytes);

/* Until when (monotonic) the registry asked not to be asked; 0: it did not. Six hours at most. */
void ledger_hold(struct ledger_account *account, int64_t until_ns);
int64_t ledger_held_until(struct ledger_account *account);

/* What the registry said of its own limits; negative: it did not say. */
void ledger_note_rate_limit(struct ledger_account *account, double limit, double remaining);

/* When the earliest certificate of its chain ends, in seconds since 1970. */
void ledger_note_certificate(struct ledger_account *account, int64_t expiry);

/* One registry as it is now; numbers are negative where nothing is known or there is no limit. */
struct ledger_entry {
    const char *registry;
    double rate_limit, rate_limit_remaining;
    double certificate_expiry;
    double pulls_per_hour, pulls_left, bytes_per_hour, bytes_left;
    double held_seconds; /* that the registry still wants to be left alone; 0: none */
};

/* Every account in use, by name. `visit` is called without a lock; entry->registry stays good until
 * it returns. */
void ledger_list(struct ledger *ledger, int64_t now_ns,
                 void (*visit)(void *arg, const struct ledger_entry *entry), void *arg);

#endif
