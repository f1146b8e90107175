/* SPDX-License-Identifier: Apache-2.0 */
#include "config/files/config_files.h"

#include "base/text.h"
#include "config/config.h"
#include "os/file.h"
#include "os/path_failure.h"
#include "os/rootfs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool config_files_is_directory(const char *path)
{
    struct stat status;

    return rootfs_stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int is_wanted(const struct dirent *entry)
{
    const char *name = entry->d_name;

    return name[0] != '.' && (text_ends_with(name, ".yml") || text_ends_with(name, ".yaml"));
}

void config_files_deinit(struct config_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->paths[i]);
    free(files->paths);
    *files = (struct config_files){0};
}

static bool add_paths(struct config_files *files, const char *directory,
                      struct dirent *const *entries, size_t count, struct error *err)
{
    const char *slash = text_ends_with(directory, "/") ? "" : "/";

    files->paths = calloc(count, sizeof(*files->paths));
    if (!files->paths)
        return error_memory(err);
    for (; files->count < count; files->count++)
        if (asprintf(&files->paths[files->count], "%s%s%s", directory, slash,
                     entries[files->count]->d_name) < 0)
            return error_memory(err);
    return true;
}

bool config_files_list(struct config_files *files, const char *directory, struct error *err)
{
    struct dirent **entries = NULL;
    int count = rootfs_scan(directory, &entries, is_wanted);
    bool ok;

    *files = (struct config_files){0};
    if (count < 0) {
        path_failure(directory, errno, err);
        err->code = ERROR_INVALID;
        return false;
    }
    if (count == 0)
        ok = error_set(err, ERROR_INVALID,
                       "%s: no configuration file in this directory: expected a name that ends "
                       "with .yml or .yaml",
                       directory);
    else if (count > CONFIG_FILES_MAX)
        ok = error_set(err, ERROR_INVALID, "%s: more than %d configuration files", directory,
                       CONFIG_FILES_MAX);
    else
        ok = add_paths(files, directory, entries, (size_t)count, err);
    rootfs_scan_free(entries, count);
    if (!ok)
        config_files_deinit(files);
    return ok;
}

uint64_t config_stamp(const char *path)
{
    struct config_files files;
    uint64_t stamp = TEXT_HASH_INIT;
    struct error ignored;

    if (!config_files_is_directory(path))
        return file_stamp(path);
    if (!config_files_list(&files, path, &ignored))
        return 0;
    for (size_t i = 0; i < files.count; i++) {
        char text[24];

        snprintf(text, sizeof(text), "%016jx", (uintmax_t)file_stamp(files.paths[i]));
        stamp = text_hash(text_hash(stamp, files.paths[i]), text);
    }
    config_files_deinit(&files);
    return stamp;
}
