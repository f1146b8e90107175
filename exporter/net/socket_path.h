/* SPDX-License-Identifier: Apache-2.0 */
/* Where the daemon's socket is. */
#ifndef NET_SOCKET_PATH_H
#define NET_SOCKET_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* The path of a socket that may be written as unix:///path. For "": $CONTAINERD_ADDRESS, else the
 * first that exists of the usual ones, else the most usual one. */
const char *socket_path_find(const char *configured);

/* What the system says of connecting to a daemon's socket, by hand: libraries are vague about it.
 * `words` is "" where somebody listens. False where it cannot be tried. */
bool socket_path_try(const char *path, const char *daemon, char *words, size_t words_size);

#endif
