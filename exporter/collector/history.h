/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last runs of every probe, in a fixed amount of memory.
 *
 * A record is one allocation of its own size and never changes. When a probe has more than `limit`
 * of them, or all together are too large, one of the probe that has the most goes: of its older
 * half the oldest success, or where they all failed the oldest of them. So failures stay longer,
 * and the newest half is what really came last. When more than half of the memory is used, what
 * succeeded is kept without its log. Ids are those of the exemplars and the log.
 */
#ifndef COLLECTOR_HISTORY_H
#define COLLECTOR_HISTORY_H

#include "base/error.h"
#include "base/progress.h"

#include <stddef.h>
#include <stdint.h>

#define RUN_PHASES_MAX 8

enum run_trigger {
    RUN_SCHEDULED,
    RUN_RETRY,  /* early, because the one before failed */
    RUN_DEMAND, /* somebody asked: /probe, the command */
};

/* "scheduled", "retry", "demand". */
const char *run_trigger_name(enum run_trigger trigger);

struct run_record {
    char id[RUN_ID_BYTES];
    const char *probe, *operation, *engine, *registry, *image;
    const char *host;   /* who served or took it; "": not seen */
    const char *digest; /* what the reference stood for; "": not known */
    enum run_trigger trigger;
    double start, seconds; /* unix time; how long the operation took */
    double timeout_seconds;
    enum error_code reason; /* ERROR_NONE: it succeeded */
    const char *message;    /* of a failure; "" */
    const char *warning;    /* "" */
    struct {
        const char *name; /* a constant */
        double seconds;   /* negative: did not happen, or cannot be seen */
    } phases[RUN_PHASES_MAX];
    size_t n_phases;
    uint64_t fetched_bytes, uploaded_bytes, cached_bytes, declared_bytes;
    bool slow;
    const char *log; /* lines, each "+0.123s text\n"; "" */
};

struct history;

/* `limit` of each probe, at least 1. */
struct history *history_new(size_t limit, size_t limit_bytes, struct error *err);
void history_free(struct history *history);
DEFINE_CLEANUP(struct history *, history_free)

/* Copies the record with all of its texts (NULL is ""). Without memory it is lost, and counted as
 * dropped. */
void history_add(struct history *history, const struct run_record *record);
/* Of a probe that is not configured any more. */
void history_forget(struct history *history, const char *probe);

struct history_stats {
    size_t records, bytes; /* what is kept */
    uint64_t dropped;      /* for want of memory, since the start */
};
struct history_stats history_stats(struct history *history);

/* The records that match, newest first; each holds a reference until the list is freed. */
struct history_list {
    const struct run_record *const *records;
    size_t count;
};
/* `probe` NULL: of all; `id` NULL: any; `max` 0: all. NULL without memory. */
struct history_list *history_find(struct history *history, const char *probe, const char *id,
                                  size_t max);
void history_list_free(struct history_list *list);
DEFINE_CLEANUP(struct history_list *, history_list_free)

#endif
