/* SPDX-License-Identifier: Apache-2.0 */
/* Finds certificates next to a hosts.toml, with the file names of Docker's certs.d. */
#pragma once

#include "base/arena.h"

struct hosts_certs {
    const char *const *ca;  /* "*.crt"; ends with NULL; NULL if there is none */
    const char *cert, *key; /* the first "*.cert", and the ".key" of the same name; NULL: none */
    size_t n_certs;         /* number of "*.cert" files */
};

/* Lists certificates in the order of their names, in `arena`. A directory that cannot be read:
 * ERROR_INVALID. */
bool hosts_certs_list(const char *dir, struct arena *arena, struct hosts_certs *out,
                      struct error *err) MUST_CHECK;

/* Checks that containerd can load the files: it fails the pull otherwise. ERROR_INVALID names the
 * file. */
bool hosts_certs_check_ca(const char *path, struct error *err) MUST_CHECK;
bool hosts_certs_check_pair(const char *cert, const char *key, struct error *err) MUST_CHECK;
