/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocols between systemd and a service, without libsystemd: socket activation, sd_notify()
 * and the watchdog.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Returns the listening sockets that systemd has passed, non-blocking and close-on-exec, and unsets
 * their environment variables. Fails if there is none or if one does not listen. */
bool systemd_sockets(int *fds, size_t max, size_t *count, struct error *err) MUST_CHECK;

/* Sends "READY=1", "STOPPING=1", "WATCHDOG=1" or "STATUS=text"; several are separated by newlines.
 * Does nothing if the service manager does not listen. */
void systemd_notify(const char *state);
void systemd_notify_reloading(void); /* must be followed by READY=1 */

/* The watchdog timeout; 0: none. Callers should send "WATCHDOG=1" after half of it. */
int64_t systemd_watchdog_ns(void);
