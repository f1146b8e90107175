/* SPDX-License-Identifier: Apache-2.0 */
#include "support/raw_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Reads until the client waits or has closed, so that the end of the connection is no reset unless
 * that is wanted. */
static void raw_read(struct raw_server *server, int fd)
{
    for (;;) {
        size_t room = sizeof(server->request) - 1 - server->request_size;
        char rest[4096];
        ssize_t n = room > 0 ? recv(fd, server->request + server->request_size, room, 0)
                             : recv(fd, rest, sizeof(rest), 0);

        if (n <= 0)
            return;
        server->request_size += room > 0 ? (size_t)n : 0;
    }
}

static void raw_serve(struct raw_server *server, int fd)
{
    const struct linger reset = {.l_onoff = 1};
    ssize_t n = recv(fd, server->request, sizeof(server->request) - 1, 0);

    server->request_size = n > 0 ? (size_t)n : 0;
    (void)!send(fd, server->bytes, server->size, MSG_NOSIGNAL);
    if (server->end == RAW_RESET) {
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        return;
    }
    shutdown(fd, SHUT_WR);
    raw_read(server, fd);
}

static void *raw_run(void *arg)
{
    struct raw_server *server = arg;
    int fd;

    while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
        raw_serve(server, fd);
        close(fd);
    }
    return NULL;
}

void raw_start(struct raw_server *server, const char *bytes, size_t size, enum raw_end end)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_size = sizeof(address);
    int result;

    *server = (struct raw_server){.bytes = bytes, .size = size, .end = end};
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    result = bind(server->listener, (struct sockaddr *)&address, address_size);
    assert(result == 0);
    result = listen(server->listener, 8);
    assert(result == 0);
    getsockname(server->listener, (struct sockaddr *)&address, &address_size);
    snprintf(server->authority, sizeof(server->authority), "127.0.0.1:%u", ntohs(address.sin_port));
    snprintf(server->url, sizeof(server->url), "http://%s/", server->authority);
    result = pthread_create(&server->thread, NULL, raw_run, server);
    assert(result == 0);
}

void raw_stop(struct raw_server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
}

int raw_next_fd(void)
{
    int fd = dup(0);

    close(fd);
    return fd;
}
