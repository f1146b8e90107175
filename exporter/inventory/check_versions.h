/* SPDX-License-Identifier: Apache-2.0 */
/* In which ways versions of containerd judge an image differently. A new difference is a column,
 * a version that changed its mind is a row. */
#ifndef INVENTORY_CHECK_VERSIONS_H
#define INVENTORY_CHECK_VERSIONS_H

#include <stdbool.h>

struct check_rules {
    unsigned since;       /* DAEMON_VERSION() from which on it is so */
    bool inline_data;     /* a document that its descriptor carries along needs no blob */
    bool config_variant;  /* an entry without platform: the variant in its configuration counts */
    bool dotted_variants; /* "v8.0" is "v8" */
    bool os_features;     /* an entry that wants features of the system is not for this one */
};

/* What is no version gets the newest. */
const struct check_rules *check_rules_of(const char *version);

#endif
