/* SPDX-License-Identifier: Apache-2.0 */
/* Where the folder for a registry is, below "/etc/containerd/certs.d" and the like. */
#ifndef REGISTRY_HOSTS_HOSTS_DIR_H
#define REGISTRY_HOSTS_HOSTS_DIR_H

#include "base/arena.h"

/* *dir: of the first of `roots` ("a:b", may be NULL) that has one; "" if none has. *root (may be
 * NULL): the one that has it, or else the first; "" if there are none. A folder that cannot be
 * looked into is ERROR_INVALID. In `arena`. */
bool hosts_dir_find(const char *roots, const char *host, struct arena *arena, const char **dir,
                    const char **root, struct error *err) MUST_CHECK;

/* "dir/name"; NULL once the arena has failed. */
const char *hosts_dir_join(const char *dir, const char *name, struct arena *arena);

/* Whether it is there at all; ERROR_INVALID where that cannot be known. */
bool hosts_dir_has(const char *path, bool *found, struct error *err) MUST_CHECK;

#endif
