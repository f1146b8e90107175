/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All listening sockets of a server. They are opened before anything else is started: who finds its
 * port taken has not disturbed anybody yet. Until the server serves, clients wait in their queues.
 */
#ifndef SERVER_LISTENERS_H
#define SERVER_LISTENERS_H

#include "server/listen.h"

#define LISTENERS_MAX 16

struct listeners {
    int fds[LISTENERS_MAX]; /* -1: somebody else closes it */
    char names[LISTENERS_MAX][LISTEN_NAME_BYTES];
    size_t n;
    bool own_files; /* of unix sockets */
};

/* `addresses` as listen_open() takes them; with `systemd` what that handed over instead. On failure
 * nothing is open. */
bool listeners_open(struct listeners *listeners, const char *const *addresses, size_t n,
                    bool systemd, struct error *err) MUST_CHECK;

/* Removes the files of unix sockets, too. */
void listeners_close(struct listeners *listeners);

#endif
