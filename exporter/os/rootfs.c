/* SPDX-License-Identifier: Apache-2.0 */
#include "os/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TRIES        100
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static struct {
    char path[PATH_MAX];
    size_t size; /* of path; 0: there is no directory */
    int directory;
} root = {.directory = -1};

static int open_inside(const char *path, int flags)
{
    const struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
                                 .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    int fd = -1;

    /* EAGAIN: ".." in the path, and anything was mounted or renamed meanwhile on the machine. */
    for (int i = 0; i == 0 || (i < TRIES && fd < 0 && errno == EAGAIN); i++)
        fd = (int)syscall(SYS_openat2, root.directory, path, &how, sizeof(how));
    return fd;
}

static void close_keeping_errno(int fd)
{
    int errnum = errno;

    close(fd);
    errno = errnum;
}

/* Returns the path as the node spells it; NULL if it is not below the directory. */
static const char *below(const char *path)
{
    if (root.size == 0 || strncmp(path, root.path, root.size) != 0)
        return NULL;
    path += root.size;
    return *path == '/' ? path : *path ? NULL : "/";
}

static bool reject(const char *path, struct error *err)
{
    int errnum = errno;

    root.size = 0;
    if (errnum == ENOSYS || errnum == EPERM)
        return error_set(err, ERROR_UNSUPPORTED, "%s: openat2() is %s", path,
                         errnum == ENOSYS ? "missing: expected Linux 5.6 or newer, and a seccomp "
                                            "profile that allows it"
                                          : "forbidden: expected a seccomp profile that allows it");
    error_errno(err, errnum, "%s", path);
    err->code = ERROR_INVALID;
    return false;
}

bool rootfs_use(const char *path, struct error *err)
{
    size_t size = path ? strlen(path) : 0;
    int fd;

    while (size > 0 && path[size - 1] == '/')
        size--;
    root.size = 0;
    if (size == 0)
        return true;
    if (*path != '/' || size >= sizeof(root.path))
        return error_set(err, ERROR_INVALID, "invalid directory \"%s\": expected an absolute path",
                         path);
    if (root.directory >= 0)
        close(root.directory);
    root.directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root.directory < 0)
        return reject(path, err);
    fd = open_inside(".", O_PATH);
    if (fd < 0)
        return reject(path, err);
    close(fd);
    memcpy(root.path, path, size);
    root.path[size] = '\0';
    root.size = size;
    return true;
}

const char *rootfs_path(void)
{
    return root.size > 0 ? root.path : "";
}

const char *rootfs_join(const char *path, struct arena *arena)
{
    size_t size = root.size + strlen(path) + 1;
    char *name;

    if (root.size == 0 || *path != '/' || below(path))
        return path;
    name = arena_alloc(arena, size);
    if (name)
        snprintf(name, size, "%s%s", root.path, path);
    return name;
}

const char *rootfs_join_or_own(const char *path, struct arena *arena)
{
    const char *name = rootfs_join(path, arena);
    struct stat status;

    return !name || rootfs_stat(name, &status) == 0 || stat(path, &status) != 0 ? name : path;
}

int rootfs_open(const char *path, int flags)
{
    const char *inside = below(path);

    return inside ? open_inside(inside, flags) : open(path, flags | O_CLOEXEC);
}

int rootfs_stat(const char *path, struct stat *status)
{
    int fd, result;

    if (!below(path))
        return stat(path, status);
    fd = rootfs_open(path, O_PATH);
    if (fd < 0)
        return -1;
    result = fstat(fd, status);
    close_keeping_errno(fd);
    return result;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int rootfs_scan(const char *path, struct dirent ***entries,
                int (*filter)(const struct dirent *entry))
{
    int fd = rootfs_open(path, O_RDONLY | O_DIRECTORY), count;

    if (fd < 0)
        return -1;
    count = scandirat(fd, ".", entries, filter, by_name);
    close_keeping_errno(fd);
    return count;
}

void rootfs_scan_free(struct dirent **entries, int count)
{
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
}

/* The name of an open file. It leads to the file unless the node replaces it at this moment. */
static int name_of(int fd, char name[PATH_MAX])
{
    char link[64];
    ssize_t size;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    size = readlink(link, name, PATH_MAX - 1);
    if (size < 0)
        return errno;
    name[size] = '\0';
    return 0;
}

static int resolve(const char *path, char program[PATH_MAX])
{
    struct stat status;
    int fd = rootfs_open(path, O_PATH), failed;

    if (fd < 0)
        return errno;
    failed = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 0111)
                 ? name_of(fd, program)
                 : EACCES;
    close(fd);
    return failed;
}

/* Returns whether one of the node's directories of programs has it. */
static bool search(const char *name, char program[PATH_MAX])
{
    const char *at = getenv("PATH");
    char path[PATH_MAX];

    for (at = at ? at : DEFAULT_PATH; *at; at += *at == ':') {
        size_t size = strcspn(at, ":");
        int n = snprintf(path, sizeof(path), "%s%.*s/%s", root.path, (int)size, at, name);

        if (*at == '/' && n > 0 && (size_t)n < sizeof(path) && resolve(path, program) == 0)
            return true;
        at += size;
    }
    return false;
}

int rootfs_program(const char *name, char program[PATH_MAX])
{
    if (below(name))
        return resolve(name, program);
    if (root.size > 0 && !strchr(name, '/') && search(name, program))
        return 0;
    return snprintf(program, PATH_MAX, "%s", name) < PATH_MAX ? 0 : ENAMETOOLONG;
}
