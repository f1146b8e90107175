/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translates the TOML of containerd's parsers to TOML 1.0.
 *
 * Each version of containerd accepts another dialect. toml++ knows only TOML 1.0. So this file
 * rejects what the daemon rejects and toml++ does not, and rewrites what the daemon accepts and
 * toml++ does not. It leaves everything else, valid or not, to toml++.
 */
#pragma once

#include "base/buf.h"

enum hosts_dialect {
    HOSTS_DIALECT_UNKNOWN, /* go-toml 2 of any version */
    HOSTS_DIALECT_GO_1,    /* go-toml 1: containerd 1.6 and 1.7 */
    HOSTS_DIALECT_1_0,     /* go-toml 2 before 2.4: containerd 2.0 to 2.3 */
    HOSTS_DIALECT_1_1,     /* go-toml 2.4: containerd 2.4 */
};

#define HOSTS_DIALECT_DEPTH_MAX ((size_t)8) /* of values in values */

/* Appends the translation to `out`; keys and headers keep their lines. *newest_line is the first
 * line with syntax of TOML 1.1, 0 without such a line; HOSTS_DIALECT_1_0 rejects such a line. What
 * the daemon cannot parse: ERROR_INVALID with the line, but without the text. Values too deep:
 * ERROR_LIMIT. */
bool hosts_dialect_translate(const char *text, size_t size, enum hosts_dialect dialect,
                             struct buf *out, unsigned *newest_line, struct error *err) MUST_CHECK;
