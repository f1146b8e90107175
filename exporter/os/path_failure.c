/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel does not name the part of a path that it rejects, so each part is tried again. */
#include "os/path_failure.h"

#include "os/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SEARCH    0111 /* permissions of a folder on the way */
#define READ      0444 /* permissions of what the path names */
#define OF_GROUP  0070
#define OF_OTHERS 0007
#define WHO_BYTES 64

/* The first part of a path that is not found: "/a/b" of "/a/b/c". */
struct obstacle {
    char path[PATH_MAX];   /* "": each part is found */
    char folder[PATH_MAX]; /* where it was searched for */
    char target[PATH_MAX]; /* of the symbolic link; "": `path` is no link */
};

static void read_target(struct obstacle *obstacle)
{
    int fd = rootfs_open(obstacle->path, O_PATH | O_NOFOLLOW);
    ssize_t size;

    if (fd < 0)
        return;
    size = readlinkat(fd, "", obstacle->target, sizeof(obstacle->target) - 1);
    obstacle->target[size > 0 ? size : 0] = '\0';
    close(fd);
}

static void find(const char *path, struct obstacle *obstacle)
{
    struct stat status;
    char part[PATH_MAX];

    *obstacle = (struct obstacle){.path = ""};
    strcpy(obstacle->folder, *path == '/' ? "/" : ".");
    for (size_t size = 0; path[size];) {
        size += strspn(path + size, "/");
        size += strcspn(path + size, "/");
        snprintf(part, sizeof(part), "%.*s", (int)size, path);
        if (rootfs_stat(part, &status) != 0) {
            strcpy(obstacle->path, part);
            read_target(obstacle);
            return;
        }
        strcpy(obstacle->folder, part);
    }
}

/* Writes ": expected user root or group 7"; "" if the permissions do not tell who has access. */
static void describe_access(const char *path, mode_t kind, char out[WHO_BYTES])
{
    struct stat status;
    int n;

    out[0] = '\0';
    if (rootfs_stat(path, &status) != 0 || (status.st_mode & kind & OF_OTHERS) != 0 ||
        status.st_uid == geteuid())
        return;
    n = status.st_uid == 0 ? snprintf(out, WHO_BYTES, ": expected user root")
                           : snprintf(out, WHO_BYTES, ": expected user %u", status.st_uid);
    if ((status.st_mode & kind & OF_GROUP) != 0)
        snprintf(out + n, WHO_BYTES - (size_t)n, " or group %u", status.st_gid);
}

static bool fail_at(const struct obstacle *obstacle, const char *path, int errnum,
                    struct error *err)
{
    char who[WHO_BYTES] = "";

    if (*obstacle->target && errnum == ENOENT)
        return error_set(err, ERROR_INVALID, "%s: a link that leads nowhere%s%s: %s",
                         obstacle->path, *rootfs_path() ? " below " : "", rootfs_path(),
                         obstacle->target);
    if (errnum != EACCES)
        return error_errno(err, errnum, "%s", path);
    if (*obstacle->target)
        return error_errno(err, errnum, "%s, a link to %s", obstacle->path, obstacle->target);
    if (*obstacle->path)
        path = obstacle->folder;
    describe_access(path, *obstacle->path ? SEARCH : READ, who);
    error_errno(err, errnum, "%s", path);
    snprintf(err->message + strlen(err->message), sizeof(err->message) - strlen(err->message), "%s",
             who);
    return false;
}

bool path_failure(const char *path, int errnum, struct error *err)
{
    struct obstacle obstacle;

    if (strlen(path) < PATH_MAX && (errnum == ENOENT || errnum == EACCES)) {
        find(path, &obstacle);
        fail_at(&obstacle, path, errnum, err);
    } else {
        error_errno(err, errnum, "%s", path);
    }
    if (err->code != ERROR_MEMORY && err->code != ERROR_NOT_FOUND)
        err->code = ERROR_INVALID;
    return false;
}
