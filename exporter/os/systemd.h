/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What systemd and a service tell each other, without its library: sockets that it opened for us
 * (socket activation), how we are (sd_notify), and how often it wants to hear that (watchdog).
 */
#ifndef OS_SYSTEMD_H
#define OS_SYSTEMD_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* The listening sockets that were handed over, made non-blocking and closed in children; the
 * variables that told of them are gone afterwards. None, or one that does not listen: an error. */
bool systemd_sockets(int *fds, size_t max, size_t *count, struct error *err) MUST_CHECK;

/* "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=what a person reads"; lines, if several. Nothing
 * happens where nobody listens. */
void systemd_notify(const char *state);
void systemd_notify_reloading(void); /* then READY=1 when it is done */

/* How often "WATCHDOG=1" is expected at most; 0: never. Half of it is a good interval. */
int64_t systemd_watchdog_ns(void);

#endif
