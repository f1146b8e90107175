/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The progress of a run: its id, its phase, its bytes and a log. Thread-safe.
 *
 * The caller that starts the run owns it. Any thread may read and write it. The log holds
 * PROGRESS_LOG_BYTES; lines beyond are only counted. Lines are cleaned like label values. Callers
 * must not log secrets.
 */
#pragma once

#include "base/buf.h"

#include <stdatomic.h>
#include <stdint.h>

#define RUN_ID_BYTES       17 /* 16 hex digits and NUL */
#define PROGRESS_LOG_BYTES ((size_t)4 << 10)

struct progress {
    char id[RUN_ID_BYTES];
    _Atomic(const char *) phase;           /* a constant; NULL before the first */
    atomic_ullong done_bytes, total_bytes; /* of blobs; 0: unknown */
    int64_t start_ns;
    pthread_mutex_t lock_;
    struct buf log_;
    unsigned lost_;
};

/* Sets a random id and the start time. */
void progress_init(struct progress *progress);
void progress_deinit(struct progress *progress);

/* These accept NULL and then do nothing. */
void progress_phase(struct progress *progress, const char *phase);
void progress_expect(struct progress *progress, uint64_t bytes); /* adds to total_bytes */
void progress_moved(struct progress *progress, uint64_t bytes);  /* adds to done_bytes */
void progress_note(struct progress *progress, const char *fmt, ...) PRINTF(2, 3);

/* The number of lines for which the log had no room. */
unsigned progress_lost(struct progress *progress);

/* Appends the lines after byte *offset and advances it. A line is "+0.123s text\n". */
void progress_read(struct progress *progress, size_t *offset, struct buf *out);
