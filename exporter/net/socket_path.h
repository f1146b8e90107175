/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the socket of a daemon, and why connecting to it fails. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Returns the path of a socket configured as a path or unix:///path. For "": $CONTAINERD_ADDRESS,
 * else the first of the usual sockets that exists, else /run/containerd/containerd.sock. */
const char *socket_path_find(const char *configured);

/* Connects to a daemon's socket, because the messages of libraries are vague. `cause` is "" if the
 * connection succeeds. Returns false if the exporter cannot try. */
bool socket_path_try(const char *path, const char *daemon, char *cause, size_t cause_size);
