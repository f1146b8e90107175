/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/content_files.h"

#include "oci/digest.h"
#include "os/rootfs.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_AT_ONCE ((size_t)64 << 10)

void content_files_open(struct content_files *files, const char *root)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)2 * PATH_MAX);
    char path[PATH_MAX];
    const char *here;

    content_files_close(files);
    if (root[0] != '/' || strlen(root) > sizeof(path) - sizeof("/blobs"))
        return;
    snprintf(path, sizeof(path), "%s/blobs", root);
    here = rootfs_join(path, &arena);
    files->directory = here ? rootfs_open(here, O_PATH | O_DIRECTORY) : -1;
}

void content_files_close(struct content_files *files)
{
    if (files->directory >= 0)
        close(files->directory);
    files->directory = -1;
}

static void closep(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static bool is_blob(int fd, uint64_t size)
{
    struct stat info;

    return fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size >= 0 &&
           (uint64_t)info.st_size == size;
}

static bool read_all(int fd, uint64_t size, struct buf *out)
{
    char piece[READ_AT_ONCE];
    struct error err;

    while (size > 0) {
        ssize_t n = read(fd, piece, size < sizeof(piece) ? (size_t)size : sizeof(piece));
        if (n <= 0)
            return false;
        buf_append(out, piece, (size_t)n);
        size -= (uint64_t)n;
    }
    return buf_ok(out, &err);
}

int content_files_blob(const struct content_files *files, const char *digest, uint64_t size)
{
    char path[DIGEST_TEXT_BYTES]; /* "sha256/<hex>" */
    int fd;

    if (files->directory < 0 || !digest_valid(digest))
        return -1;
    snprintf(path, sizeof(path), "%s", digest);
    *strchr(path, ':') = '/';
    fd = openat(files->directory, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || is_blob(fd, size))
        return fd;
    close(fd);
    return -1;
}

bool content_files_read(const struct content_files *files, const char *digest, uint64_t size,
                        struct buf *out)
{
    CLEANUP(closep) int fd = content_files_blob(files, digest, size);

    return fd >= 0 && read_all(fd, size, out) && digest_matches(digest, out->data, out->size);
}
