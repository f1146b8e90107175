/* SPDX-License-Identifier: Apache-2.0 */
#include "os/file.h"

#include "base/text.h"
#include "os/path_failure.h"
#include "os/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES 4096

/* A missing file is an invalid setting. */
static bool fail(const char *path, int errnum, struct error *err)
{
    path_failure(path, errnum, err);
    if (err->code != ERROR_MEMORY)
        err->code = ERROR_INVALID;
    return false;
}

static bool check_kind(int fd, const char *path, struct error *err)
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        return fail(path, errno, err);
    if (S_ISDIR(status.st_mode))
        return fail(path, EISDIR, err);
    if (!S_ISREG(status.st_mode))
        return error_set(err, ERROR_INVALID, "%s: not a regular file", path);
    return true;
}

/* Files of /proc report no size, so this reads until the end. */
static bool read_all(int fd, const char *path, struct buf *out, struct error *err)
{
    char piece[PIECE_BYTES];
    ssize_t n;

    while ((n = read(fd, piece, sizeof(piece))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            fail(path, errno, err);
            break;
        }
        buf_append(out, piece, (size_t)n);
        if (!buf_ok(out, err)) {
            error_wrap(err, "%s", path);
            break;
        }
    }
    explicit_bzero(piece, sizeof(piece));
    return n == 0;
}

static bool read_file(const char *path, bool only_regular, struct buf *out, struct error *err)
{
    int fd = rootfs_open(path, O_RDONLY | O_NOCTTY | (only_regular ? O_NONBLOCK : 0));
    bool ok;

    if (fd < 0)
        return fail(path, errno, err);
    ok = (!only_regular || check_kind(fd, path, err)) && read_all(fd, path, out, err);
    close(fd);
    return ok;
}

bool file_read(const char *path, struct buf *out, struct error *err)
{
    return read_file(path, true, out, err);
}

bool file_read_stream(const char *path, struct buf *out, struct error *err)
{
    return read_file(path, false, out, err);
}

uint64_t file_stamp(const char *path)
{
    struct stat status;
    char text[160];
    uint64_t stamp;

    if (rootfs_stat(path, &status) != 0)
        return 0;
    snprintf(text, sizeof(text), "%ju %ju %jd %jd.%09ld %jd.%09ld", (uintmax_t)status.st_dev,
             (uintmax_t)status.st_ino, (intmax_t)status.st_size, (intmax_t)status.st_mtim.tv_sec,
             status.st_mtim.tv_nsec, (intmax_t)status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
    stamp = text_hash(TEXT_HASH_INIT, text);
    return stamp ? stamp : 1;
}
