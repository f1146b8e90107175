/* SPDX-License-Identifier: Apache-2.0 */
/* The address of a daemon's unix socket, and why connecting to it fails. */
#pragma once

#include "base/error.h"

#define SOCKET_PATH_BYTES 108 /* of a path with its NUL: the kernel's limit */

/* Copies the path of "/path", "unix:///path" or "unix:/path", which must be absolute. The first two
 * are the spellings of ctr, crictl and docker. No I/O. */
bool socket_path_parse(const char *address, char path[SOCKET_PATH_BYTES],
                       struct error *err) MUST_CHECK;

/* In the order in which a search prefers the socket. */
enum socket_state {
    SOCKET_MISSING, /* there is no such file */
    SOCKET_REFUSES, /* no process listens, or the file is not a socket */
    SOCKET_DENIED,  /* the exporter may not connect */
    SOCKET_LISTENS,
};

/* Connects to the socket of `daemon` ("Docker"), because the messages of libraries are vague. Does
 * not block. `cause` says why the connection fails; it is "" for SOCKET_LISTENS. */
enum socket_state socket_path_try(const char *path, const char *daemon, char *cause,
                                  size_t cause_size);
