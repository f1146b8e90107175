/* SPDX-License-Identifier: Apache-2.0 */
/* What this binary is: told by --version, the log and containerd_exporter_build_info. */
#ifndef BASE_BUILD_H
#define BASE_BUILD_H

extern const char build_version[];  /* "0.1.0" */
extern const char build_revision[]; /* of git, "unknown" outside a checkout */
extern const char build_branch[];
extern const char build_compiler[]; /* "gcc 12.2.0" */
extern const char build_arch[];     /* "amd64", as Go and image platforms name it */

#endif
