/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether containerd has written to its database since somebody looked: one stat()
 * instead of lists of everything, where the exporter may see the daemon's files.
 *
 * The file is found by way of the process behind the socket (/proc/PID/root), so that
 * it is never that of another daemon. Where that cannot be (another PID namespace, no
 * permission), the answer is always that it may have.
 */
#ifndef INVENTORY_METADATA_FILE_H
#define INVENTORY_METADATA_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct metadata_file {
    char path[PATH_MAX]; /* "": not to be seen */
};

struct metadata_mark { /* a state of the file */
    bool known;
    uint64_t device, inode;
    int64_t size, modified_ns, changed_ns;
};

/* `path` is what the daemon calls it, "" where it does not. */
void metadata_file_find(struct metadata_file *file, const char *socket_path, const char *path);

/* Whether it was found once, but not any more: the daemon has been started again. */
bool metadata_file_is_lost(const struct metadata_file *file);

/* The state of now; known only if nothing was written in the last second, because times of files
 * are not exact: whatever is written later gets another time. */
struct metadata_mark metadata_file_mark(const struct metadata_file *file);

/* Whether nothing was written in between. */
bool metadata_mark_is_same(const struct metadata_mark *a, const struct metadata_mark *b);

#endif
