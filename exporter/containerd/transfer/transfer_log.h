/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out from the daemon's HTTP log which host served the manifest.
 *
 * The log contains passwords and tokens, so only the name of a host is kept.
 */
#pragma once

#include <stdbool.h>

struct transfer_log {
    char served_by[256]; /* "" until a host has served the manifest */
    bool fetches;        /* the daemon has requested a blob */
    char asked_[256];    /* private: host of the last request; "" if it was for no manifest */
};

/* Adds one piece, as transfer_log_visit gets it. */
void transfer_log_add(struct transfer_log *log, const char *text);
