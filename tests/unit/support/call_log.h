/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of all calls that fake servers have got, and the plan which call fails.
 *
 * Several fakes may share one log: their calls then have one order. Thread-safe.
 */
#ifndef TESTS_CALL_LOG_H
#define TESTS_CALL_LOG_H

#include "base/buf.h"

#include <pthread.h>

enum call_verdict {
    CALL_SERVE,
    CALL_FAIL,      /* the server does nothing and returns an error */
    CALL_FAIL_LATE, /* the server does what was asked, and returns an error */
};

struct call_log {
    pthread_mutex_t lock;
    struct buf text; /* one line for each call: "Images/Create docker.io/library/a:1" */
    unsigned count;  /* of calls since call_log_clear() */

    /* The plan. call_log_clear() forgets it. */
    unsigned fail_at;        /* the number of the call that fails, from 1; 0: no call fails */
    const char *fail_method; /* counts only lines that begin like this; NULL: all */
    int fail_status;         /* gRPC or HTTP status; 0: INTERNAL or 500 */
    const char *fail_words;  /* NULL: "planned failure" */
    bool fail_late;
    bool fail_on; /* later calls of the method fail, too */

    void (*on_call)(void *arg, const char *line); /* called without the lock; may be NULL */
    void *arg;

    unsigned matches_; /* private */
};

void call_log_init(struct call_log *log);
void call_log_deinit(struct call_log *log);
void call_log_clear(struct call_log *log);

/* For fakes: records "METHOD KEY". */
enum call_verdict call_log_add(struct call_log *log, const char *method, const char *key);

/* Whether a line begins with `line`. */
bool call_log_has(struct call_log *log, const char *line);

/* How many lines begin with `line`. */
unsigned call_log_count(struct call_log *log, const char *line);

/* Whether lines that begin with each of `lines` (NULL ends them) came in this order, perhaps with
 * others between them. */
bool call_log_in_order(struct call_log *log, const char *const *lines);

#endif
