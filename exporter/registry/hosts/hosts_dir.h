/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the directory of a registry below roots such as /etc/containerd/certs.d. Roots are paths of
 * the node (os/rootfs.h), directories have the names under which the exporter opens them. */
#pragma once

#include "base/arena.h"

struct hosts_dir {
    const char *path; /* below the first of the roots that has one; "": no root has one */
    const char *root; /* that root, else the first, else "" */
};

/* `roots`: "a:b", may be NULL. A directory that cannot be accessed: ERROR_INVALID, and dir->root is
 * its root. A link that leads nowhere counts as absent, like for containerd, and sets *warning
 * unless it is set. In `arena`. */
bool hosts_dir_find(const char *roots, const char *host, struct arena *arena, struct hosts_dir *dir,
                    struct error *warning, struct error *err) MUST_CHECK;

/* Whether each root is an absolute path; no I/O. */
bool hosts_roots_check(const char *roots, struct error *err) MUST_CHECK;

/* Whether any root exists, or `roots` is empty. A root that cannot be searched counts as existing.
 */
bool hosts_roots_exist(const char *roots, struct error *err) MUST_CHECK;

/* Returns "dir/name"; NULL if the arena has failed. */
char *hosts_dir_join(const char *dir, const char *name, struct arena *arena);

/* Whether the path exists; ERROR_INVALID if that cannot be determined. Sets *warning likewise. */
bool hosts_dir_has(const char *path, bool *found, struct error *warning,
                   struct error *err) MUST_CHECK;
