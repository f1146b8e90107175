/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collectors that a test controls and observes, and configurations built by hand.
 *
 * Nothing depends on the machine's speed: a test waits for an event, and aborts after a minute.
 */
#ifndef TESTS_SCHEDULER_FIXTURE_H
#define TESTS_SCHEDULER_FIXTURE_H

#include "base/clock.h"
#include "collector/collector.h"
#include "config/config.h"

#include "support/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define FAKE_JOBS_MAX  8
#define FAKE_OFTEN_NS  (1 * NS_PER_MS)
#define FAKE_SELDOM_NS (3600 * NS_PER_SECOND)

/* One job. Protected by fake_lock; fake_changed is signalled on every change. */
struct fake {
    unsigned opened, closed, runs, ended, running, most_at_once;
    unsigned hanging, canceled; /* runs that hang notice a cancellation */
    const void *seen_node;
    bool refuses_to_open, too_many_samples;
    bool hangs; /* until the run is canceled */
    bool deaf;  /* until reset: hangs and ignores cancellation */
    enum error_code outcome;
    const char *words;                          /* of the failure; must be set before the run */
    unsigned retries;                           /* runs that were retries */
    bool skips;                                 /* its runs */
    unsigned watches, watching, watch_canceled; /* calls of watch(): all, in progress, canceled */
    unsigned changes;                           /* that watch() has yet to report */
    bool watch_fails;
    bool warns;          /* its runs */
    double seconds;      /* that its runs record; 0: none */
    int64_t deadline_ns; /* of the last run */
    bool shortened;      /* the deadline of the last run */
    int64_t slow_ns;     /* must be set before the job is created */
};

struct fake_state {
    struct fake *fake;
    double count; /* of runs; shows whether a job was kept or replaced */
    char label[16];
};

enum {
    FAKE_RUNS,
};

extern pthread_mutex_t fake_lock;
extern pthread_cond_t fake_changed;
extern const struct metric_family fake_families[];
extern const struct collector fake_inventory, fake_probe, fake_watched, fake_scrape;

/* Waits until *counter is at least `least`. */
void fake_await(const unsigned *counter, unsigned least);
unsigned fake_get(const unsigned *counter);
void fake_set(bool *flag, bool value);
/* Lets watch() report `times` changes. */
void fake_change(struct fake *fake, unsigned times);

void fake_config_init(struct config *config);

/* Adds a job like config_parse(), with `settings` as its fingerprint. */
struct config_job *fake_job(struct config *config, const struct collector *collector,
                            const char *name, const char *settings, struct fake *fake);

#endif
