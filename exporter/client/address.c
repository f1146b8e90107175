/* SPDX-License-Identifier: Apache-2.0 */
#include "client/address.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
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

const char *address_of_socket(const char *configured)
{
    const char *address = configured[0] != '\0' ? configured : default_socket();

    return text_starts_with(address, "unix://") ? address + strlen("unix://") : address;
}
