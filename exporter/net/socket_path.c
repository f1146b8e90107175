/* SPDX-License-Identifier: Apache-2.0 */
#include "net/socket_path.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *default_socket(void)
{
    static const char *const usual[] = {
        "/run/containerd/containerd.sock",
        "/run/k3s/containerd/containerd.sock",
        "/var/snap/microk8s/common/run/containerd.sock",
        "/run/docker/containerd/containerd.sock",
    };
    const char *named = getenv("CONTAINERD_ADDRESS");

    if (named && *named)
        return named;
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
        if (access(usual[i], F_OK) == 0)
            return usual[i];
    return usual[0];
}

const char *socket_path_find(const char *configured)
{
    const char *address = configured[0] != '\0' ? configured : default_socket();

    return text_starts_with(address, "unix://") ? address + strlen("unix://") : address;
}

static void explain(int errnum, const char *daemon, char *cause, size_t cause_size)
{
    if (errnum == ENOENT)
        snprintf(cause, cause_size, "no such socket");
    else if (errnum == ECONNREFUSED)
        snprintf(cause, cause_size,
                 "no process listens (%s is not running, or this is not a socket)", daemon);
    else if (errnum == EACCES || errnum == EPERM)
        snprintf(cause, cause_size,
                 "permission denied (the socket requires user root or its group)");
    else
        snprintf(cause, cause_size, "%s", strerrordesc_np(errnum));
}

bool socket_path_try(const char *path, const char *daemon, char *cause, size_t cause_size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return false;
    cause[0] = '\0';
    strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        explain(errno, daemon, cause, cause_size);
    close(fd);
    return true;
}
