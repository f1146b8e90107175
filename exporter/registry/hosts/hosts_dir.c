/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/hosts/hosts_dir.h"

#include "os/path_failure.h"
#include "os/rootfs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

char *hosts_dir_join(const char *dir, const char *name, struct arena *arena)
{
    size_t size = strlen(dir) + 1 + strlen(name) + 1;
    char *path = arena_alloc(arena, size);

    if (path)
        snprintf(path, size, "%s/%s", dir, name);
    return path;
}

bool hosts_dir_has(const char *path, bool *found, struct error *warning, struct error *err)
{
    struct stat status;
    struct error lost;

    *found = rootfs_stat(path, &status) == 0;
    if (*found)
        return true;
    if (errno != ENOENT)
        return path_failure(path, errno, err);
    path_failure(path, ENOENT, &lost);
    if (lost.code == ERROR_INVALID && warning->code == ERROR_NONE) {
        *warning = lost;
        error_wrap(warning, "taken as absent");
    }
    return true;
}

/* "registry.example:5000" -> "registry.example_5000_", for file systems without colons. */
static const char *spell_port(const char *host, struct arena *arena)
{
    const char *colon = strrchr(host, ':');
    char *name;

    if (!colon || colon == host)
        return NULL;
    name = arena_strndup(arena, host, strlen(host) + 1);
    if (!name)
        return NULL;
    name[colon - host] = '_';
    name[strlen(host)] = '_';
    return name;
}

static bool find_below(const char *root, const char *host, struct arena *arena, const char **dir,
                       struct error *warning, struct error *err)
{
    const char *const names[] = {spell_port(host, arena), host, "_default"};
    bool found = false;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !found; i++) {
        const char *path = names[i] ? hosts_dir_join(root, names[i], arena) : NULL;

        if (path && !hosts_dir_has(path, &found, warning, err))
            return false;
        if (found)
            *dir = path;
    }
    return arena_ok(arena, err);
}

/* Returns the next of "a:b:c", skipping empty ones; NULL after the last. */
static const char *next_root(const char **roots, struct arena *arena)
{
    const char *at = *roots + strspn(*roots, ":");
    size_t size = strcspn(at, ":");

    *roots = at + size;
    while (size > 1 && at[size - 1] == '/')
        size--;
    return size > 0 ? arena_strndup(arena, at, size) : NULL;
}

bool hosts_dir_find(const char *roots, const char *host, struct arena *arena, struct hosts_dir *dir,
                    struct error *warning, struct error *err)
{
    const char *left = roots ? roots : "", *at;
    bool ok = true;

    *dir = (struct hosts_dir){"", ""};
    while (ok && !dir->path[0] && (at = next_root(&left, arena))) {
        const char *here = rootfs_join(at, arena);

        ok = here ? find_below(here, host, arena, &dir->path, warning, err) : arena_ok(arena, err);
        if (!ok || dir->path[0] || !dir->root[0])
            dir->root = at;
    }
    return ok && arena_ok(arena, err);
}

bool hosts_roots_check(const char *roots, struct error *err)
{
    for (const char *at = roots; *at; at += strcspn(at, ":")) {
        at += strspn(at, ":");
        if (*at && *at != '/')
            return error_set(err, ERROR_INVALID,
                             "invalid directory \"%.*s\": expected an absolute path",
                             (int)strcspn(at, ":"), at);
    }
    return true;
}

bool hosts_roots_exist(const char *roots, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)64 << 10);
    const char *left = roots, *at;
    struct error first = {.code = ERROR_NONE};
    struct stat status;

    while ((at = next_root(&left, &arena))) {
        const char *here = rootfs_join(at, &arena);

        if (!here || rootfs_stat(here, &status) == 0 || errno != ENOENT)
            return arena_ok(&arena, err);
        if (first.code == ERROR_NONE)
            path_failure(here, ENOENT, &first);
    }
    if (first.code == ERROR_NONE)
        return arena_ok(&arena, err);
    *err = first;
    return error_wrap(err, "the exporter finds no hosts.toml");
}
