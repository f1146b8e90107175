/* SPDX-License-Identifier: Apache-2.0 */
/* Explains why a path cannot be used: which folder denies access and to whom it is open, which
 * symbolic link leads nowhere. Paths as in os/rootfs.h. */
#pragma once

#include "base/error.h"

/* Call it after a function failed on `path` with `errnum`. Sets *err and returns false.
 * ERROR_NOT_FOUND: nothing is there. ERROR_MEMORY. Else ERROR_INVALID, also for a link that leads
 * nowhere. */
bool path_failure(const char *path, int errnum, struct error *err);
