/* SPDX-License-Identifier: Apache-2.0 */
/* A whole small file, and whether it is still the same. */
#ifndef OS_FILE_H
#define OS_FILE_H

#include "base/buf.h"

#include <stdint.h>

/* Appends what the file holds; nothing of it stays elsewhere in memory, so a secret may be read
 * (into a SECRET_BUF_INIT). Cannot be opened or read: ERROR_INVALID, naming the file and why; more
 * than `out` takes: ERROR_LIMIT. A directory or a pipe is ERROR_INVALID, and never waited for. */
bool file_read(const char *path, struct buf *out, struct error *err) MUST_CHECK;

/* Changes when the file is written, replaced (a symbolic link on the way to it, too) or removed: a
 * digest of its times, size and inode. 0: it is not there. */
uint64_t file_stamp(const char *path);

#endif
