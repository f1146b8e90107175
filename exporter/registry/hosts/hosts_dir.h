/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the directory of a registry below roots such as /etc/containerd/certs.d. Roots are paths of
 * the node (os/rootfs.h), directories have the names under which the exporter opens them. */
#pragma once

#include "base/arena.h"

/* *dir: the directory below the first of `roots` ("a:b", may be NULL) that has one; "" if there is
 * none. *root (may be NULL): that root, else the first, else "". A directory that cannot be
 * accessed: ERROR_INVALID, and *root is its root. In `arena`. */
bool hosts_dir_find(const char *roots, const char *host, struct arena *arena, const char **dir,
                    const char **root, struct error *err) MUST_CHECK;

/* Returns "dir/name"; NULL if the arena has failed. */
char *hosts_dir_join(const char *dir, const char *name, struct arena *arena);

/* Whether the path exists; ERROR_INVALID if that cannot be determined. */
bool hosts_dir_has(const char *path, bool *found, struct error *err) MUST_CHECK;
