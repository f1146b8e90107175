/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets from addresses as users write them: ":10048", "127.0.0.1:0", "[::1]:10048",
 * "unix:///run/exporter.sock".
 */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include "base/error.h"

#include <stddef.h>

#define LISTEN_NAME_BYTES 128

/* A bound, listening, non-blocking socket; -1 and *err on failure. `name` gets the address it
 * really has, e.g. "[::]:10048". An address without a host takes IPv6 and IPv4. The file of a unix
 * socket gets mode 0660; one that nobody listens on any more is replaced. */
int listen_open(const char *address, char name[LISTEN_NAME_BYTES], struct error *err);

/* Removes what listen_open() made besides the socket, which is still open. */
void listen_remove(const char *name);

/* Of a listening socket that somebody else made. */
void listen_describe(int fd, char name[LISTEN_NAME_BYTES]);

/* Whether both ends of a connection are on this machine. */
bool listen_is_local(int fd);

#endif
