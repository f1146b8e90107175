/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/metadata_file.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define QUIET_NS NS_PER_SECOND

/* Returns the process that listens on the socket, or 0 if it is unknown. */
static pid_t listener_of(const char *socket_path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ucred peer = {0};
    socklen_t size = sizeof(peer);
    int fd;

    if (strlen(socket_path) >= sizeof(address.sun_path))
        return 0;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return 0;
    strcpy(address.sun_path, socket_path);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        peer.pid = 0;
    close(fd);
    return peer.pid;
}

void metadata_file_find(struct metadata_file *file, const char *socket_path, const char *path)
{
    pid_t pid = path[0] == '/' ? listener_of(socket_path) : 0;
    int size = 0;

    /* Process 1 may listen for a daemon that it will start in another mount namespace. */
    if (pid > 1)
        size = snprintf(file->path, sizeof(file->path), "/proc/%d/root%s", (int)pid, path);
    if (size <= 0 || (size_t)size >= sizeof(file->path))
        file->path[0] = '\0';
}

bool metadata_file_is_lost(const struct metadata_file *file)
{
    return file->path[0] != '\0' && access(file->path, F_OK) != 0;
}

static int64_t to_ns(const struct timespec *time)
{
    return (int64_t)time->tv_sec * NS_PER_SECOND + time->tv_nsec;
}

struct metadata_mark metadata_file_mark(const struct metadata_file *file)
{
    struct timespec now;
    struct stat info;

    clock_gettime(CLOCK_REALTIME, &now);
    if (file->path[0] == '\0' || stat(file->path, &info) < 0 || !S_ISREG(info.st_mode))
        return (struct metadata_mark){0};
    return (struct metadata_mark){
        .known = to_ns(&now) - to_ns(&info.st_mtim) > QUIET_NS,
        .device = info.st_dev,
        .inode = info.st_ino,
        .size = info.st_size,
        .modified_ns = to_ns(&info.st_mtim),
        .changed_ns = to_ns(&info.st_ctim),
    };
}

bool metadata_mark_is_same(const struct metadata_mark *a, const struct metadata_mark *b)
{
    return a->known && b->known && a->device == b->device && a->inode == b->inode &&
           a->size == b->size && a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}
