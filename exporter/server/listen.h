/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listening sockets of a server, opened from addresses as users write them: ":10048",
 * "127.0.0.1:0", "[::1]:10048", "unix:///run/exporter.sock", or passed by systemd.
 *
 * They are opened before anything else starts, so that a port in use disturbs nothing. Until the
 * server accepts, clients wait in the kernel's queue.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>

#define LISTEN_NAME_BYTES 128
#define LISTENERS_MAX     16
#define LISTEN_HOST_BYTES 256

struct listeners {
    int fds[LISTENERS_MAX]; /* -1: the acceptor owns it */
    char names[LISTENERS_MAX][LISTEN_NAME_BYTES];
    size_t n;
    bool own_files; /* listeners_close() removes the files of unix sockets */
};

/* Opens bound, listening, non-blocking sockets; with `systemd` it takes the sockets that systemd
 * passed instead. On failure nothing is open. A host name listens on all its addresses that this
 * machine has, IPv4 first, on one port; an address without a host on all of the machine. The file
 * of a unix socket gets mode 0660; a file without a listener is replaced. `names` get the bound
 * addresses, e.g. "[::]:10048". */
bool listeners_open(struct listeners *listeners, const char *const *addresses, size_t n,
                    bool systemd, struct error *err) MUST_CHECK;

/* Whether listeners_open() can read `addresses`. No I/O: a port may be in use. */
bool listeners_check(const char *const *addresses, size_t n, struct error *err) MUST_CHECK;

/* Closes the sockets, and removes the files of unix sockets. */
void listeners_close(struct listeners *listeners);

/* An address as users write it, in parts. */
struct listen_address {
    const char *path;             /* of a unix socket; NULL: host and port */
    char host[LISTEN_HOST_BYTES]; /* without brackets; "": all addresses */
    const char *port;             /* a number up to 65535 */
};

/* The parts point into `address`. */
bool listen_parse(const char *address, struct listen_address *parts, struct error *err) MUST_CHECK;

/* Removes the file of a unix socket; the socket stays open. */
void listen_remove(const char *name);

/* Whether both ends of a connection are on this machine. */
bool listen_is_local(int fd);
