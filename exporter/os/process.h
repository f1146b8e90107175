/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another program, run to its end: no shell, a deadline, bounded output.
 *
 * The child gets only stdin, stdout and stderr, the default signals, and a process group of its
 * own that is killed when the time is over, so that its children do not stay either.
 */
#ifndef OS_PROCESS_H
#define OS_PROCESS_H

#include "base/buf.h"
#include "base/cancel.h"

#define PROCESS_INPUT_MAX ((size_t)4096) /* what every pipe takes at once */

struct process_call {
    const char *const *argv; /* argv[0]: looked up in $PATH if it has no "/"; ends with NULL */
    const char *const
        *env;           /* "NAME=value", instead of or beside ours; ends with NULL; may be NULL */
    const void *input;  /* for its stdin */
    size_t input_bytes; /* at most PROCESS_INPUT_MAX */
    int64_t timeout_ns; /* at most so long; 0: only `cancel` ends it */
};

/* True if it ended with exit status 0; its stdout is appended to `out` (more than that takes:
 * ERROR_LIMIT). No such program: ERROR_INVALID. A failure: ERROR_INTERNAL with the exit status as
 * err->status. Either way `out` holds what it wrote to stdout, and `failure` (may be NULL) the
 * beginning of what it wrote to stderr: both may hold secrets. */
bool process_run(const struct process_call *call, struct buf *out, struct buf *failure,
                 struct cancel *cancel, struct error *err) MUST_CHECK;

#endif
