/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/listen.h"

#include "base/text.h"

#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG         512
#define HOST_SIZE_LIMIT 256
#define PORT_MAX        65535

/* Cuts "host:port" or "[host]:port" in two. */
static bool split(const char *address, char host[HOST_SIZE_LIMIT], const char **port,
                  struct error *err)
{
    const char *colon = strrchr(address, ':');
    const char *start = address;
    uint64_t number;
    size_t length = colon ? (size_t)(colon - address) : 0;

    /* Of a larger number the resolver would take what is left of it in 16 bits. */
    if (!colon || !text_uint(colon + 1, &number, err) || number > PORT_MAX)
        return error_set(err, ERROR_INVALID,
                         "listen address \"%s\" has no port up to %d (host:port)", address,
                         PORT_MAX);
    if (length >= 2 && start[0] == '[' && start[length - 1] == ']') {
        start++;
        length -= 2;
    } else if (memchr(start, ':', length)) {
        return error_set(err, ERROR_INVALID, "listen address \"%s\": write [%.*s]:%s", address,
                         (int)length, start, colon + 1);
    }
    if (length >= HOST_SIZE_LIMIT)
        return error_set(err, ERROR_INVALID, "listen address \"%s\" is too long", address);
    memcpy(host, start, length);
    host[length] = '\0';
    *port = colon + 1;
    return true;
}

/* A socket for one result of the resolver; -1 with errno. */
static int open_one(const struct addrinfo *info)
{
    const int on = 1, off = 0;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int saved;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (info->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static void describe(int fd, char name[LISTEN_NAME_BYTES])
{
    struct sockaddr_storage storage = {0};
    socklen_t size = sizeof(storage);
    char host[INET6_ADDRSTRLEN + IF_NAMESIZE] = "?", port[8] = "?"; /* "fe80::1%eth0" */

    if (getsockname(fd, (struct sockaddr *)&storage, &size) == 0)
        (void)getnameinfo((struct sockaddr *)&storage, size, host, sizeof(host), port, sizeof(port),
                          NI_NUMERICHOST | NI_NUMERICSERV); /* only for the eyes */
    snprintf(name, LISTEN_NAME_BYTES, storage.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
             port);
}

int listen_open(const char *address, char name[LISTEN_NAME_BYTES], struct error *err)
{
    char host[HOST_SIZE_LIMIT];
    const char *port = NULL;
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *infos;
    int fd = -1, saved = 0, r;

    if (!split(address, host, &port, err))
        return -1;
    r = getaddrinfo(*host ? host : NULL, port, &hints, &infos);
    if (r != 0) {
        error_set(err, ERROR_DNS, "listen address \"%s\": %s", address, gai_strerror(r));
        return -1;
    }
    /* Without a host IPv6 comes first: such a socket takes IPv4, too. */
    for (int pass = 0; pass < 2 && fd < 0; pass++)
        for (struct addrinfo *info = infos; info && fd < 0; info = info->ai_next)
            if ((info->ai_family == AF_INET6) == (pass == 0)) {
                fd = open_one(info);
                saved = fd < 0 ? errno : 0;
            }
    freeaddrinfo(infos);
    if (fd < 0)
        error_errno(err, saved, "cannot listen on %s", address);
    else
        describe(fd, name);
    return fd;
}
