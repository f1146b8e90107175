/* SPDX-License-Identifier: Apache-2.0 */
/* Reads small files, and detects changes of files. */
#pragma once

#include "base/buf.h"

#include <stdint.h>

/* Appends the contents of a regular file. Leaves no copy elsewhere in memory, so the caller may
 * read a secret into a SECRET_BUF_INIT. ERROR_INVALID, with path and reason, if the file cannot be
 * read or is not regular; never waits for a pipe. ERROR_LIMIT if `out` is too small. */
bool file_read(const char *path, struct buf *out, struct error *err) MUST_CHECK;

/* The same for any file that can be read to its end, such as /dev/stdin or a pipe: may block. */
bool file_read_stream(const char *path, struct buf *out, struct error *err) MUST_CHECK;

/* A hash of times, size and inode: it changes when the file is written, replaced (also through a
 * symbolic link) or removed. 0 if there is no file. */
uint64_t file_stamp(const char *path);
