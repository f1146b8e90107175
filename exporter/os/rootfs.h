/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the node. In a pod they stand below a mounted directory: --path.rootfs=/host.
 *
 * A node's path gets the name that it has here by rootfs_join(): "/etc/x" becomes "/host/etc/x".
 * What this module opens below that directory stays below it, as after chroot(): symbolic links,
 * also absolute ones, and ".." are resolved inside. So os/file.h reads every path where it says,
 * and only callers that hold a path of the node have to join it. Without a directory all functions
 * behave like their counterparts in libc.
 *
 * Sockets are not files of the node: they are where they are mounted. Thread-safe after
 * rootfs_use().
 */
#pragma once

#include "base/arena.h"

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

/* Sets the directory; "/", "" and NULL set none. Must be called before threads start. Keeps the
 * directory open until the process ends. ERROR_INVALID if `path` is no absolute path of a
 * directory. ERROR_UNSUPPORTED if openat2() is missing (Linux before 5.6) or forbidden (seccomp):
 * without it the files of the node cannot be read safely. */
bool rootfs_use(const char *path, struct error *err) MUST_CHECK;

/* Returns the directory without "/" at its end; "": none was set. */
const char *rootfs_path(void);

/* Returns the name under which the node's file can be opened. A relative path and a path that is
 * below the directory already are returned unchanged. NULL if the arena has failed. */
const char *rootfs_join(const char *path, struct arena *arena);

/* The same for a path that may also be mounted into the pod, such as a Secret: the path itself if
 * the exporter finds no such file on the node, but in the pod. */
const char *rootfs_join_or_own(const char *path, struct arena *arena);

/* Like open(); sets O_CLOEXEC. */
int rootfs_open(const char *path, int flags);

/* Like stat(). */
int rootfs_stat(const char *path, struct stat *status);

/* Like scandir(), sorted by strcmp(). The caller frees the entries by rootfs_scan_free(). */
int rootfs_scan(const char *path, struct dirent ***entries,
                int (*filter)(const struct dirent *entry));
void rootfs_scan_free(struct dirent **entries, int count);

/* Finds the file to execute for argv[0], without symbolic links. A name without "/" is searched for
 * in the directories of $PATH on the node; if the node has none, the result is the name. Returns 0
 * or an errno. */
int rootfs_program(const char *name, char program[PATH_MAX]);
