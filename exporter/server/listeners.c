/* SPDX-License-Identifier: Apache-2.0 */
#include "server/listeners.h"

#include "os/systemd.h"

#include <sys/socket.h>
#include <unistd.h>

#define SEND_BUFFER_BYTES (256 << 10) /* of a socket: most pages fit in at once */

static bool open_addresses(struct listeners *listeners, const char *const *addresses, size_t n,
                           struct error *err)
{
    listeners->own_files = true;
    if (n > LISTENERS_MAX)
        return error_set(err, ERROR_LIMIT, "more than %d listen addresses", LISTENERS_MAX);
    for (size_t i = 0; i < n; i++) {
        int fd = listen_open(addresses[i], listeners->names[i], err);

        if (fd < 0)
            return false;
        listeners->fds[listeners->n++] = fd;
    }
    return true;
}

bool listeners_open(struct listeners *listeners, const char *const *addresses, size_t n,
                    bool systemd, struct error *err)
{
    const int size = SEND_BUFFER_BYTES;
    bool ok;

    *listeners = (struct listeners){.n = 0};
    ok = systemd ? systemd_sockets(listeners->fds, LISTENERS_MAX, &listeners->n, err)
                 : open_addresses(listeners, addresses, n, err);
    if (!ok) {
        listeners_close(listeners);
        return false;
    }
    for (size_t i = 0; i < listeners->n; i++) {
        /* It goes over to those that are accepted. */
        setsockopt(listeners->fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        listen_describe(listeners->fds[i], listeners->names[i]);
    }
    return true;
}

/* The files go first: another server may make its own as soon as we do not listen. */
void listeners_close(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->n; i++) {
        if (listeners->own_files)
            listen_remove(listeners->names[i]);
        if (listeners->fds[i] >= 0)
            close(listeners->fds[i]);
    }
    listeners->n = 0;
}
