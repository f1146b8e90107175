/* SPDX-License-Identifier: Apache-2.0 */
/* What this binary is: told by --version, the log and containerd_exporter_build_info. */
#ifndef OS_BUILD_H
#define OS_BUILD_H

#include <stdbool.h>

extern const char build_version[];  /* "0.1.0" */
extern const char build_revision[]; /* of git */
extern const char build_branch[];
extern const char build_user[];
extern const char build_date[];     /* "20261121-17:00:00", of the commit, or $SOURCE_DATE_EPOCH */
extern const char build_tags[];     /* how it was built: sanitizers */
extern const char build_compiler[]; /* "gcc 12.2.0" */
extern const char build_libc[];     /* ", glibc 2.36" or "" */
extern const char build_arch[];     /* "amd64", as Go and image platforms name it */

/* What nobody told the build, or outside a checkout, is "unknown": a metric has that, too, people
 * are not told. */
bool build_knows(const char *fact);

#endif
