/* SPDX-License-Identifier: Apache-2.0 */
/* A temporary directory with files and programs, and credentials_find() for one image. */
#ifndef TESTS_CREDENTIALS_FIXTURE_H
#define TESTS_CREDENTIALS_FIXTURE_H

#include "credentials/credential_sources.h"

#include <sys/types.h>

#define LONG_NS (60 * NS_PER_SECOND) /* longer than anything here takes on a slow machine */

/* The temporary directory of the running test; "" before directory_make(). */
extern char directory[64];

/* Set-up and teardown functions for cmocka. directory_remove() also removes the files in it. */
int directory_make(void **state);
int directory_remove(void **state);

/* Writes a file with this mode into the directory. */
void directory_put(const char *name, const char *data, mode_t mode);

struct found {
    struct credentials credentials;
    struct error err;
    bool ok;
};
void found_deinit(struct found *found);

/* credentials_find() for "image"; the deadline is LONG_NS from now, or `deadline_ns`. */
struct found find(const struct credentials_settings *settings, const char *image,
                  struct credential_cache *cache);
struct found find_before(const struct credentials_settings *settings, const char *image,
                         struct credential_cache *cache, int64_t deadline_ns);

#endif
