/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon that hangs: its socket accepts connections, and nobody reads from them. */
#ifndef TESTS_SILENT_SOCKET_H
#define TESTS_SILENT_SOCKET_H

#include "base/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct silent_socket {
    char directory[32], path[64];
    int listener;
};

static inline void silent_socket_open(struct silent_socket *silent)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    strcpy(silent->directory, "/tmp/silent-XXXXXX");
    if (!mkdtemp(silent->directory))
        abort();
    snprintf(silent->path, sizeof(silent->path), "%s/s", silent->directory);
    strcpy(address.sun_path, silent->path);
    silent->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(silent->listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(silent->listener, 10) != 0)
        abort();
}

static inline void silent_socket_close(struct silent_socket *silent)
{
    close(silent->listener);
    unlink(silent->path);
    rmdir(silent->directory);
}

#endif
