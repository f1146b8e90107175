/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files a configuration has: the file itself, or those of a directory.
 *
 * Of a directory these are the names that end with .yml or .yaml, sorted by their bytes. Names that
 * start with a dot are left out: a mounted ConfigMap has its files a second time below `..data`.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_FILES_MAX 1000

struct config_files {
    char **paths;
    size_t count;
};

bool config_files_is_directory(const char *path);

/* Lists the files of a directory; without any it fails. On failure *files needs no deinit. */
bool config_files_list(struct config_files *files, const char *directory,
                       struct error *err) MUST_CHECK;
void config_files_deinit(struct config_files *files);
