/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program to its end: no shell, a deadline, bounded output.
 *
 * The child has only stdin, stdout and stderr, default signal handlers and its own process group.
 * When the child ends or time is over, the whole group is killed, so no grandchildren remain.
 */
#pragma once

#include "base/buf.h"
#include "base/cancel.h"

#define PROCESS_INPUT_MAX ((size_t)4096) /* every pipe has room for this */

struct process_call {
    const char *const *argv; /* argv[0]: rootfs_program() finds it; ends with NULL */
    const char *const *env;  /* "NAME=value", overrides ours; ends with NULL; may be NULL */
    const void *input;       /* for its stdin */
    size_t input_bytes;      /* at most PROCESS_INPUT_MAX */
    int64_t timeout_ns;      /* 0: only `cancel` limits the time */
};

/* Returns true if the program ends with exit status 0. Appends its stdout to `out` and the
 * beginning of its stderr to `failure` (may be NULL), also on failure; both may contain secrets.
 * ERROR_INVALID if there is no such program, ERROR_LIMIT if `out` is too small, ERROR_INTERNAL with
 * STATUS_EXIT if the program fails. */
bool process_run(const struct process_call *call, struct buf *out, struct buf *failure,
                 struct cancel *cancel, struct error *err) MUST_CHECK;
