/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets from addresses as users write them: ":10048", "127.0.0.1:0", "[::1]:10048". */
#ifndef ENGINE_LISTEN_H
#define ENGINE_LISTEN_H

#include "base/error.h"

#include <stddef.h>

#define LISTEN_NAME_BYTES 64

/* A bound, listening, non-blocking socket; -1 and *err on failure. `name` gets the address it
 * really has, e.g. "[::]:10048". An address without a host takes IPv6 and IPv4. */
int listen_open(const char *address, char name[LISTEN_NAME_BYTES], struct error *err);

#endif
