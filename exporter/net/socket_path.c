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

static void explain(int errnum, const char *daemon, char *words, size_t words_size)
{
    switch (errnum) {
    case ENOENT:
        snprintf(words, words_size, "no such socket");
        return;
    case ECONNREFUSED:
        snprintf(words, words_size, "nobody listens (%s is not running, or this is no socket)",
                 daemon);
        return;
    case EACCES:
    case EPERM:
        snprintf(words, words_size, "permission denied (the socket wants user root or its group)");
        return;
    default:
        snprintf(words, words_size, "%s", strerrordesc_np(errnum));
    }
}

bool socket_path_try(const char *path, const char *daemon, char *words, size_t words_size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return false;
    words[0] = '\0';
    strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        explain(errno, daemon, words, words_size);
    close(fd);
    return true;
}
