/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about this binary, for --version, the log and containerd_exporter_build_info. */
#pragma once

#include <stdbool.h>

extern const char build_version[];  /* "0.1.0" */
extern const char build_revision[]; /* git commit */
extern const char build_branch[];
extern const char build_user[];
extern const char build_date[];     /* "20261121-17:00:00", of the commit, or $SOURCE_DATE_EPOCH */
extern const char build_tags[];     /* how it was built: sanitizers */
extern const char build_compiler[]; /* "gcc 12.2.0" */
extern const char build_libc[];     /* ", glibc 2.36" or "" */
extern const char build_arch[];     /* "amd64", as Go and image platforms name it */

/* False for "unknown": the build was outside a checkout, or a variable was not set. Only the metric
 * shows such a fact. */
bool build_knows(const char *fact);
