/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates beside, or instead of, a hosts.toml: files named as Docker's certs.d has them. */
#ifndef REGISTRY_HOSTS_HOSTS_CERTS_H
#define REGISTRY_HOSTS_HOSTS_CERTS_H

#include "base/arena.h"

struct hosts_certs {
    const char *const *ca;  /* "*.crt"; ends with NULL; NULL if there is none */
    const char *cert, *key; /* the first "*.cert", and the ".key" of the same name; NULL: none */
    size_t n_certs;         /* of how many that was the first */
};

/* In the order of their names. A folder that cannot be read is ERROR_INVALID. In `arena`. */
bool hosts_certs_list(const char *dir, struct arena *arena, struct hosts_certs *out,
                      struct error *err) MUST_CHECK;

/* Whether containerd could load these: it stops at one that it cannot, whatever other hosts there
 * are. ERROR_INVALID names the file. */
bool hosts_certs_check_ca(const char *path, struct error *err) MUST_CHECK;
bool hosts_certs_check_pair(const char *cert, const char *key, struct error *err) MUST_CHECK;

#endif
