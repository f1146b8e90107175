/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last runs of every probe, in a limited amount of memory.
 *
 * A record is immutable. If a probe has more than `limit` records, one of them is evicted; if all
 * records exceed `limit_bytes`, one of the probe with the most records is evicted. The victim is
 * the oldest success in the older half of the probe's records, or else the oldest record. So
 * failures are kept longer, and the newer half is complete. While more than half of the memory is
 * used, successful runs are stored without their log. The ids also appear in exemplars and in the
 * log.
 *
 * All functions are thread-safe, except history_free().
 */
#pragma once

#include "base/error.h"
#include "base/progress.h"

#include <stddef.h>
#include <stdint.h>

#define RUN_PHASES_MAX 8

enum run_trigger {
    RUN_SCHEDULED,
    RUN_RETRY,  /* early, after a failure */
    RUN_DEMAND, /* requested: /probe, the command line */
};

/* Returns "scheduled", "retry" or "demand". */
const char *run_trigger_name(enum run_trigger trigger);

struct run_record {
    char id[RUN_ID_BYTES];
    const char *probe, *operation, *engine, *registry, *image;
    const char *host;   /* the host that served or received the content; "": unknown */
    const char *digest; /* the digest of the reference; "": unknown */
    enum run_trigger trigger;
    double start, seconds; /* unix time; duration of the operation */
    double timeout_seconds;
    enum error_code reason; /* ERROR_NONE: success */
    const char *message;    /* of a failure; else "" */
    const char *warning;    /* "": none */
    struct {
        const char *name; /* a constant */
        double seconds;   /* negative: did not happen, or cannot be measured */
    } phases[RUN_PHASES_MAX];
    size_t n_phases;
    uint64_t fetched_bytes, uploaded_bytes, cached_bytes, declared_bytes;
    bool slow;
    const char *log; /* lines "+0.123s text\n"; may be "" */
};

struct history;

/* `limit`: records per probe, at least 1. */
struct history *history_new(size_t limit, size_t limit_bytes, struct error *err);
void history_free(struct history *history);
DEFINE_CLEANUP(struct history *, history_free)

/* Copies the record with its texts; a NULL text becomes "". Without memory the record is counted as
 * dropped. */
void history_add(struct history *history, const struct run_record *record);
/* Drops the records of a probe. */
void history_forget(struct history *history, const char *probe);

struct history_stats {
    size_t records, bytes; /* stored now */
    uint64_t dropped;      /* without memory, since the start */
};
struct history_stats history_stats(struct history *history);

/* Matching records, newest first. The list holds a reference to each until it is freed. */
struct history_list {
    const struct run_record *const *records;
    size_t count;
};
/* `probe` NULL: all probes; `id` NULL: all runs; `max` 0: no limit. Returns NULL without memory. */
struct history_list *history_find(struct history *history, const char *probe, const char *id,
                                  size_t max);
void history_list_free(struct history_list *list);
DEFINE_CLEANUP(struct history_list *, history_list_free)
