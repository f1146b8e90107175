/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detects whether containerd has written to its database: one stat() instead of lists of
 * everything, if the exporter can see the daemon's files.
 *
 * The path goes through the process behind the socket (/proc/PID/root), so that the file is never
 * that of another daemon. If this is impossible (another PID namespace, no permission), the state
 * of the file is unknown, and the caller must list.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct metadata_file {
    char path[PATH_MAX]; /* "": not visible */
};

struct metadata_mark { /* a state of the file; unknown unless `known` */
    bool known;
    uint64_t device, inode;
    int64_t size, modified_ns, changed_ns;
};

/* `path` is the daemon's own path of the file, or "" if the daemon does not report it. */
void metadata_file_find(struct metadata_file *file, const char *socket_path, const char *path);

/* Whether the file was visible once, but is no more: the daemon has been restarted. */
bool metadata_file_is_lost(const struct metadata_file *file);

/* Returns the current state. It is known only if the last write is more than a second ago: file
 * times are inexact, so only then does every later write change them. */
struct metadata_mark metadata_file_mark(const struct metadata_file *file);

/* Whether both states are known and nothing was written in between. */
bool metadata_mark_is_same(const struct metadata_mark *a, const struct metadata_mark *b);
