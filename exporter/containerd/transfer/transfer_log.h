/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who answered a daemon that asked for a manifest, from its log of HTTP requests and responses.
 *
 * The log has basic_auth and tokens in it: nothing of it is kept but the name of a host.
 */
#ifndef CONTAINERD_TRANSFER_TRANSFER_LOG_H
#define CONTAINERD_TRANSFER_TRANSFER_LOG_H

#include <stdbool.h>

struct transfer_log {
    char served_by[256]; /* "" until a host had the manifest */
    bool fetches;        /* more than the manifest is asked for */
    char asked_[256]; /* private: the host of the last request; "" where it was for no manifest */
};

/* One piece, as transfer_log_visit gets it. */
void transfer_log_add(struct transfer_log *log, const char *text);

#endif
