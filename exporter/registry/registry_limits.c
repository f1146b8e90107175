/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_limits.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ACCOUNTS_MAX    ((size_t)256)
#define REGISTRY_BYTES  ((size_t)272) /* a host name of 255, a colon, a port */
#define MINUTES         61            /* an hour, and the current minute */
#define MINUTE_NS       (60 * NS_PER_SECOND)
#define BACK_OFF_MAX_NS (6 * 60 * MINUTE_NS) /* the longest window of a known registry */

struct minute {
    uint64_t pulls, bytes;
};

struct registry_account {
    struct registry_limits *limits;
    char registry[REGISTRY_BYTES];
    size_t n_users;
    struct registry_budget budget;
    struct minute minutes[MINUTES]; /* by minute modulo MINUTES */
    int64_t minute;                 /* the latest one in use; never decreases */
    uint64_t expected_bytes;        /* reserved by running runs */
    int64_t back_off_until_ns;
    double rate_limit, rate_limit_remaining, certificate_expiry; /* negative: unknown */
};

struct registry_limits {
    pthread_mutex_t lock; /* of everything below */
    size_t n_accounts;
    struct registry_account accounts[ACCOUNTS_MAX];
};

struct registry_limits *registry_limits_new(struct error *err)
{
    struct registry_limits *limits = calloc(1, sizeof(*limits));

    if (!limits) {
        error_memory(err);
        return NULL;
    }
    pthread_mutex_init(&limits->lock, NULL);
    return limits;
}

void registry_limits_free(struct registry_limits *limits)
{
    pthread_mutex_destroy(&limits->lock);
    free(limits);
}

/* ---- accounts ---- */

/* Returns the account of `registry`, a new one, or one without references. */
static struct registry_account *find_slot(struct registry_limits *limits, const char *registry)
{
    struct registry_account *unused = NULL;

    for (size_t i = 0; i < limits->n_accounts; i++) {
        struct registry_account *account = &limits->accounts[i];

        if (strcmp(account->registry, registry) == 0)
            return account;
        if (account->n_users == 0)
            unused = account;
    }
    return limits->n_accounts < ACCOUNTS_MAX ? &limits->accounts[limits->n_accounts++] : unused;
}

struct registry_account *registry_account(struct registry_limits *limits, const char *registry)
{
    struct registry_account *account;
    LOCK_SCOPE(&limits->lock);

    if (strlen(registry) >= REGISTRY_BYTES)
        return NULL;
    account = find_slot(limits, registry);
    if (!account)
        return NULL;
    if (!account->limits || strcmp(account->registry, registry) != 0) {
        *account = (struct registry_account){.limits = limits,
                                             .rate_limit = -1,
                                             .rate_limit_remaining = -1,
                                             .certificate_expiry = -1};
        memcpy(account->registry, registry, strlen(registry) + 1);
    }
    account->n_users++;
    return account;
}

void registry_account_unref(struct registry_account *account)
{
    LOCK_SCOPE(&account->limits->lock);

    account->n_users--;
}

void registry_account_set_budget(struct registry_account *account,
                                 const struct registry_budget *budget)
{
    LOCK_SCOPE(&account->limits->lock);

    account->budget = *budget;
}

/* ---- the last hour ---- */

static uint64_t add(uint64_t a, uint64_t b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

/* Returns the current minute and clears the expired ones. A `now_ns` before the latest minute
 * counts as the latest minute. */
static struct minute *advance(struct registry_account *account, int64_t now_ns)
{
    int64_t minute = now_ns / MINUTE_NS;

    if (minute - account->minute >= MINUTES) {
        memset(account->minutes, 0, sizeof(account->minutes));
        account->minute = minute;
    }
    while (account->minute < minute)
        account->minutes[++account->minute % MINUTES] = (struct minute){0};
    return &account->minutes[account->minute % MINUTES];
}

/* Sums up all minutes but the `n_expired` oldest ones. */
static struct minute used(const struct registry_account *account, int n_expired)
{
    struct minute sum = {.bytes = account->expected_bytes};

    for (int i = n_expired; i < MINUTES; i++) {
        const struct minute *minute = &account->minutes[(account->minute + 1 + i) % MINUTES];

        sum.pulls = add(sum.pulls, minute->pulls);
        sum.bytes = add(sum.bytes, minute->bytes);
    }
    return sum;
}

static bool fits(uint64_t limit, uint64_t used_up, uint64_t more)
{
    return limit == 0 || add(used_up, more) <= limit;
}

static bool has_room(const struct registry_account *account, int n_expired, uint64_t bytes)
{
    struct minute sum = used(account, n_expired);

    return fits(account->budget.pulls_per_hour, sum.pulls, 1) &&
           fits(account->budget.bytes_per_hour, sum.bytes, bytes);
}

static bool refuse(const struct registry_account *account, uint64_t bytes, const char *budget,
                   struct error *err)
{
    int minutes = 1;

    while (minutes <= MINUTES && !has_room(account, minutes, bytes))
        minutes++;
    if (minutes > MINUTES)
        return error_set(err, ERROR_LIMIT,
                         "budget of %s exceeded: %s; available when running probes end",
                         account->registry, budget);
    if (minutes == MINUTES) /* the current minute expires when the hour after it is over */
        minutes = MINUTES - 1;
    return error_set(err, ERROR_LIMIT, "budget of %s exceeded: %s; available in %d minute%s",
                     account->registry, budget, minutes, minutes == 1 ? "" : "s");
}

static bool check_pulls(const struct registry_account *account, uint64_t pulls, uint64_t bytes,
                        struct error *err)
{
    uint64_t limit = account->budget.pulls_per_hour;
    char text[64];

    if (fits(limit, pulls, 1))
        return true;
    snprintf(text, sizeof(text), "%" PRIu64 " of %" PRIu64 " per hour", pulls, limit);
    return refuse(account, bytes, text, err);
}

static bool check_bytes(const struct registry_account *account, uint64_t used_bytes, uint64_t bytes,
                        struct error *err)
{
    uint64_t limit = account->budget.bytes_per_hour;
    char used_text[32], limit_text[32], bytes_text[32], text[128];

    if (fits(limit, used_bytes, bytes))
        return true;
    text_format_bytes(used_bytes, used_text, sizeof(used_text));
    text_format_bytes(limit, limit_text, sizeof(limit_text));
    text_format_bytes(bytes, bytes_text, sizeof(bytes_text));
    if (bytes > limit)
        return error_set(err, ERROR_LIMIT,
                         "image too large: it has %s, the budget of %s is %s per hour", bytes_text,
                         account->registry, limit_text);
    snprintf(text, sizeof(text), "%s of %s per hour, and the image has %s", used_text, limit_text,
             bytes_text);
    return refuse(account, bytes, text, err);
}

bool registry_account_take(struct registry_account *account, int64_t now_ns, uint64_t bytes,
                           struct error *err)
{
    struct minute *minute, sum;
    LOCK_SCOPE(&account->limits->lock);

    minute = advance(account, now_ns);
    sum = used(account, 0);
    if (!check_pulls(account, sum.pulls, bytes, err) ||
        !check_bytes(account, sum.bytes, bytes, err))
        return false;
    minute->pulls = add(minute->pulls, 1);
    account->expected_bytes = add(account->expected_bytes, bytes);
    return true;
}

void registry_account_charge(struct registry_account *account, int64_t now_ns,
                             uint64_t expected_bytes, uint64_t bytes)
{
    struct minute *minute;
    LOCK_SCOPE(&account->limits->lock);

    minute = advance(account, now_ns);
    minute->bytes = add(minute->bytes, bytes);
    account->expected_bytes -=
        expected_bytes < account->expected_bytes ? expected_bytes : account->expected_bytes;
}

/* ---- state of the registry ---- */

void registry_account_back_off(struct registry_account *account, int64_t until_ns)
{
    int64_t most_ns = clock_now_ns() + BACK_OFF_MAX_NS;
    LOCK_SCOPE(&account->limits->lock);

    if (until_ns > most_ns)
        until_ns = most_ns;
    if (until_ns > account->back_off_until_ns)
        account->back_off_until_ns = until_ns;
}

int64_t registry_account_back_off_until(struct registry_account *account)
{
    LOCK_SCOPE(&account->limits->lock);

    return account->back_off_until_ns;
}

void registry_account_record_rate_limit(struct registry_account *account, double limit,
                                        double remaining)
{
    LOCK_SCOPE(&account->limits->lock);

    account->rate_limit = limit;
    account->rate_limit_remaining = remaining;
}

void registry_account_record_certificate(struct registry_account *account, int64_t expiry)
{
    LOCK_SCOPE(&account->limits->lock);

    account->certificate_expiry = (double)expiry;
}

/* ---- the list ---- */

static double left_of(uint64_t limit, uint64_t used_up)
{
    if (limit == 0)
        return -1;
    return limit > used_up ? (double)(limit - used_up) : 0;
}

static void fill_entry(struct registry_usage *entry, struct registry_account *account,
                       int64_t now_ns)
{
    const struct registry_budget *budget = &account->budget;
    struct minute sum;

    advance(account, now_ns);
    sum = used(account, 0);
    *entry = (struct registry_usage){
        .registry = account->registry,
        .rate_limit = account->rate_limit,
        .rate_limit_remaining = account->rate_limit_remaining,
        .certificate_expiry = account->certificate_expiry,
        .pulls_per_hour = budget->pulls_per_hour > 0 ? (double)budget->pulls_per_hour : -1,
        .pulls_left = left_of(budget->pulls_per_hour, sum.pulls),
        .bytes_per_hour = budget->bytes_per_hour > 0 ? (double)budget->bytes_per_hour : -1,
        .bytes_left = left_of(budget->bytes_per_hour, sum.bytes),
    };
    if (account->back_off_until_ns > now_ns)
        entry->back_off_seconds = ns_to_seconds(account->back_off_until_ns - now_ns);
}

/* Finds the entry after `name` and replaces `name` by its name. */
static bool next_entry(struct registry_limits *limits, int64_t now_ns, char name[REGISTRY_BYTES],
                       struct registry_usage *entry)
{
    struct registry_account *next = NULL;
    LOCK_SCOPE(&limits->lock);

    for (size_t i = 0; i < limits->n_accounts; i++) {
        struct registry_account *account = &limits->accounts[i];

        if (account->n_users > 0 && strcmp(account->registry, name) > 0 &&
            (!next || strcmp(account->registry, next->registry) < 0))
            next = account;
    }
    if (!next)
        return false;
    fill_entry(entry, next, now_ns);
    memcpy(name, next->registry, REGISTRY_BYTES);
    entry->registry = name;
    return true;
}

void registry_limits_list(struct registry_limits *limits, int64_t now_ns,
                          void (*visit)(void *arg, const struct registry_usage *entry), void *arg)
{
    char name[REGISTRY_BYTES] = "";
    struct registry_usage entry;

    while (next_entry(limits, now_ns, name, &entry))
        visit(arg, &entry);
}
