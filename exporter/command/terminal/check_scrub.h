/* SPDX-License-Identifier: Apache-2.0 */
/* `check --scrub`: reads and hashes every blob, shows how far it is, and lists what is damaged. */
#ifndef COMMAND_TERMINAL_CHECK_SCRUB_H
#define COMMAND_TERMINAL_CHECK_SCRUB_H

#include "containerd/containerd.h"

struct check_scrub_options {
    const char *const *namespaces; /* ends with NULL; NULL: all */
    bool json;                     /* one object per damaged blob, and per image that needs one */
};

/* Prints to stdout; the progress bar goes to stderr, if that is a terminal. *well tells whether
 * every blob is whole. */
bool check_scrub(struct containerd *daemon, const struct check_scrub_options *options, bool *well,
                 struct error *err) MUST_CHECK;

#endif
