/* SPDX-License-Identifier: Apache-2.0 */
/* `check --scrub`: reads and hashes every blob, shows the progress, and lists the damaged blobs. */
#pragma once

#include "containerd/containerd.h"

/* Prints to stdout; `json`: an object per damaged blob and per image that needs it. The progress
 * bar goes to stderr if that is a terminal. `namespaces` ends with NULL; NULL means all. Sets
 * *intact to whether no blob is damaged or unverified. */
bool check_scrub(struct containerd *daemon, const char *const *namespaces, bool json, bool *intact,
                 struct error *err) MUST_CHECK;
