/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run tells while it goes on: its id, how far it is, and a log of its own.
 *
 * Whoever starts the run owns it and may read it from any thread; those who do the work write. The
 * log has an end (PROGRESS_LOG_BYTES): lines after it are counted. No secret and no raw bytes go
 * in: a line is cleaned like a label value.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include "base/buf.h"

#include <stdatomic.h>
#include <stdint.h>

#define RUN_ID_BYTES       17 /* 16 hex digits and NUL */
#define PROGRESS_LOG_BYTES ((size_t)4 << 10)

struct progress {
    char id[RUN_ID_BYTES];
    _Atomic(const char *) phase;           /* a constant; NULL: none yet */
    atomic_ullong done_bytes, total_bytes; /* of blobs; 0: not known */
    int64_t start_ns;
    pthread_mutex_t lock_;
    struct buf log_;
    unsigned lost_;
};

/* A new random id; the clock starts. */
void progress_init(struct progress *progress);
void progress_deinit(struct progress *progress);

/* All of these take NULL for "nobody wants to know". */
void progress_phase(struct progress *progress, const char *phase);
void progress_expect(struct progress *progress, uint64_t bytes); /* that many more are to come */
void progress_moved(struct progress *progress, uint64_t bytes);
void progress_note(struct progress *progress, const char *fmt, ...) PRINTF(2, 3);

/* Lines that the log had no room for. */
unsigned progress_lost(struct progress *progress);

/* Appends the lines from byte *offset on and moves it: each "+0.123s text\n". */
void progress_read(struct progress *progress, size_t *offset, struct buf *out);

#endif
