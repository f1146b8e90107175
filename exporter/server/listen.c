/* SPDX-License-Identifier: Apache-2.0 */
#include "server/listen.h"

#include "base/text.h"
#include "os/systemd.h"
#include "server/connections.h"

#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG           512
#define PORT_MAX          65535
#define PORT_ATTEMPTS     16
#define UNIX_PREFIX       "unix:"
#define SOCKET_MODE       0660
#define SEND_BUFFER_BYTES (256 << 10) /* most pages fit, so that one send suffices */

/* Splits "host:port" or "[host]:port". */
static bool parse_network(const char *address, struct listen_address *parts, struct error *err)
{
    const char *colon = strrchr(address, ':');
    const char *start = address;
    uint64_t number;
    size_t length = colon ? (size_t)(colon - address) : 0;

    /* The resolver would truncate a larger number to 16 bits. */
    if (!colon || !text_uint(colon + 1, &number, err) || number > PORT_MAX)
        return error_set(err, ERROR_INVALID,
                         "invalid listen address \"%s\": expected host:port with a port up to %d",
                         address, PORT_MAX);
    if (length >= 2 && start[0] == '[' && start[length - 1] == ']') {
        start++;
        length -= 2;
    } else if (memchr(start, ':', length)) {
        return error_set(err, ERROR_INVALID,
                         "invalid listen address \"%s\": expected brackets: [%.*s]:%s", address,
                         (int)length, start, colon + 1);
    }
    if (length >= sizeof(parts->host))
        return error_set(err, ERROR_INVALID,
                         "listen address \"%s\" is too long: the limit is %zu bytes", address,
                         sizeof(parts->host) - 1);
    memcpy(parts->host, start, length);
    parts->host[length] = '\0';
    parts->port = colon + 1;
    return true;
}

bool listen_parse(const char *address, struct listen_address *parts, struct error *err)
{
    const size_t size_max = sizeof(((struct sockaddr_un *)NULL)->sun_path);
    const char *path;

    *parts = (struct listen_address){.path = NULL};
    if (!text_starts_with(address, UNIX_PREFIX))
        return parse_network(address, parts, err);
    path = address + strlen(UNIX_PREFIX);
    parts->path = text_starts_with(path, "//") ? path + 2 : path;
    if (parts->path[0] != '/')
        return error_set(err, ERROR_INVALID,
                         "invalid listen address \"%s\": expected an absolute path", address);
    if (strlen(parts->path) >= size_max)
        return error_set(err, ERROR_INVALID,
                         "listen address \"%s\" is too long: the limit is %zu bytes", address,
                         size_max - 1);
    return true;
}

/* Returns a socket for one result of the resolver; -1 with errno on failure. */
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
    const struct sockaddr_un *local = (struct sockaddr_un *)&storage;
    socklen_t size = sizeof(storage);
    char host[INET6_ADDRSTRLEN + IF_NAMESIZE] = "?", port[8] = "?"; /* "fe80::1%eth0" */

    if (getsockname(fd, (struct sockaddr *)&storage, &size) == 0)
        (void)getnameinfo((struct sockaddr *)&storage, size, host, sizeof(host), port, sizeof(port),
                          NI_NUMERICHOST | NI_NUMERICSERV); /* for the log only */
    if (storage.ss_family == AF_UNIX)
        snprintf(name, LISTEN_NAME_BYTES, "unix:%.*s", (int)sizeof(local->sun_path),
                 local->sun_path);
    else
        snprintf(name, LISTEN_NAME_BYTES, storage.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
                 port);
}

/* Whether a process listens there. */
static bool is_alive(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool alive = fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
                             errno != ECONNREFUSED);

    if (fd >= 0)
        close(fd);
    return alive;
}

static bool is_socket(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

/* Binds; replaces a socket file without a listener. */
static bool bind_path(int fd, const struct sockaddr_un *address)
{
    const struct sockaddr *any = (const struct sockaddr *)address;

    if (bind(fd, any, sizeof(*address)) == 0)
        return true;
    if (errno != EADDRINUSE)
        return false;
    if (!is_socket(address->sun_path) || is_alive(address)) {
        errno = EADDRINUSE;
        return false;
    }
    return unlink(address->sun_path) == 0 && bind(fd, any, sizeof(*address)) == 0;
}

static int open_path(const char *address, const char *path, struct error *err)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    int fd, saved;

    memcpy(local.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* Clients cannot connect before listen(), so the mode is set in time. */
    if (fd >= 0 && bind_path(fd, &local) && chmod(path, SOCKET_MODE) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    saved = errno;
    if (fd >= 0)
        close(fd);
    error_errno(err, saved, "cannot listen on %s", address);
    return -1;
}

void listen_remove(const char *name)
{
    if (text_starts_with(name, UNIX_PREFIX))
        unlink(name + strlen(UNIX_PREFIX));
}

static bool is_same_host(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET6)
        return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
                      &((const struct sockaddr_in6 *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
    return a->sa_family == AF_INET && ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
                                          ((const struct sockaddr_in *)b)->sin_addr.s_addr;
}

bool listen_is_local(int fd)
{
    struct sockaddr_storage peer = {0}, own = {0};
    socklen_t peer_size = sizeof(peer), own_size = sizeof(own);

    if (getpeername(fd, (struct sockaddr *)&peer, &peer_size) != 0)
        return false;
    return client_is_loopback((struct sockaddr *)&peer) ||
           (getsockname(fd, (struct sockaddr *)&own, &own_size) == 0 &&
            is_same_host((struct sockaddr *)&own, (struct sockaddr *)&peer));
}

static void close_from(struct listeners *listeners, size_t first)
{
    while (listeners->n > first)
        close(listeners->fds[--listeners->n]);
}

/* All addresses of this machine: an IPv6 socket accepts IPv4, too. Returns 0 or an errno. */
static int open_any(struct listeners *listeners, const struct addrinfo *infos)
{
    int fd = -1;

    for (int pass = 0; pass < 2 && fd < 0; pass++)
        for (const struct addrinfo *info = infos; info && fd < 0; info = info->ai_next)
            if ((info->ai_family == AF_INET6) == (pass == 0))
                fd = open_one(info);
    if (fd < 0)
        return errno;
    listeners->fds[listeners->n++] = fd;
    return 0;
}

/* The resolver may return 127.0.0.1 twice. */
static bool is_repeated(const struct addrinfo *infos, const struct addrinfo *info)
{
    while (infos != info && !is_same_host(infos->ai_addr, info->ai_addr))
        infos = infos->ai_next;
    return infos != info;
}

/* With port 0 all addresses of a host get the port that the first one got. */
static void set_port_of(int fd, struct addrinfo *info)
{
    struct sockaddr_storage storage = {0};
    socklen_t size = sizeof(storage);
    in_port_t *port = info->ai_family == AF_INET6
                          ? &((struct sockaddr_in6 *)info->ai_addr)->sin6_port
                          : &((struct sockaddr_in *)info->ai_addr)->sin_port;

    if (getsockname(fd, (struct sockaddr *)&storage, &size) == 0)
        *port = storage.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&storage)->sin6_port
                                              : ((struct sockaddr_in *)&storage)->sin_port;
}

/* A machine without IPv6 still has names with IPv6 addresses. */
static bool is_absent(int error)
{
    return error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == EPROTONOSUPPORT;
}

/* All addresses of a host that this machine has, IPv4 first. Returns 0 or an errno. */
static int open_host(struct listeners *listeners, struct addrinfo *infos)
{
    size_t first = listeners->n;
    int absent = EADDRNOTAVAIL;

    for (int pass = 0; pass < 2; pass++)
        for (struct addrinfo *info = infos; info; info = info->ai_next) {
            int fd;

            if ((info->ai_family == AF_INET) != (pass == 0) || is_repeated(infos, info))
                continue;
            if (listeners->n == LISTENERS_MAX)
                return EMFILE;
            if (listeners->n > first)
                set_port_of(listeners->fds[first], info);
            fd = open_one(info);
            if (fd >= 0)
                listeners->fds[listeners->n++] = fd;
            else if (is_absent(errno))
                absent = errno;
            else
                return errno;
        }
    return listeners->n > first ? 0 : absent;
}

static int open_network_once(struct listeners *listeners, const char *address,
                             const struct listen_address *parts, struct error *err)
{
    const char *host = *parts->host ? parts->host : NULL;
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *infos;
    size_t first = listeners->n;
    int r = getaddrinfo(host, parts->port, &hints, &infos);

    if (r != 0) {
        error_set(err, ERROR_DNS, "listen address \"%s\": %s", address, gai_strerror(r));
        return -1;
    }
    r = host ? open_host(listeners, infos) : open_any(listeners, infos);
    freeaddrinfo(infos);
    if (r == 0)
        return 0;
    close_from(listeners, first);
    error_errno(err, r, "cannot listen on %s", address);
    return r;
}

static bool is_any_port(const char *port)
{
    return port[strspn(port, "0")] == '\0';
}

/* Another address of the host may not have the free port that the kernel chose for the first. */
static bool open_network(struct listeners *listeners, const char *address,
                         const struct listen_address *parts, struct error *err)
{
    struct error failure = {0};
    int attempts = is_any_port(parts->port) ? PORT_ATTEMPTS : 1, r = EADDRINUSE;

    while (attempts-- > 0 && r == EADDRINUSE)
        r = open_network_once(listeners, address, parts, &failure);
    if (r != 0)
        *err = failure;
    return r == 0;
}

static bool open_address(struct listeners *listeners, const char *address, struct error *err)
{
    struct listen_address parts;
    int fd;

    if (!listen_parse(address, &parts, err))
        return false;
    if (listeners->n == LISTENERS_MAX)
        return error_set(err, ERROR_LIMIT, "too many listen addresses: the limit is %d",
                         LISTENERS_MAX);
    if (!parts.path)
        return open_network(listeners, address, &parts, err);
    fd = open_path(address, parts.path, err);
    if (fd < 0)
        return false;
    describe(fd, listeners->names[listeners->n]); /* listeners_close() removes the file */
    listeners->fds[listeners->n++] = fd;
    return true;
}

static bool is_same_address(const struct listen_address *a, const struct listen_address *b)
{
    if (a->path || b->path)
        return a->path && b->path && strcmp(a->path, b->path) == 0;
    return strcmp(a->host, b->host) == 0 && strcmp(a->port, b->port) == 0 &&
           !is_any_port(a->port); /* port 0 is another one each time */
}

bool listeners_check(const char *const *addresses, size_t n, struct error *err)
{
    struct listen_address parts, other;

    if (n > LISTENERS_MAX)
        return error_set(err, ERROR_LIMIT, "%zu listen addresses: the limit is %d", n,
                         LISTENERS_MAX);
    for (size_t i = 0; i < n; i++) {
        if (!listen_parse(addresses[i], &parts, err))
            return false;
        for (size_t j = 0; j < i; j++)
            if (listen_parse(addresses[j], &other, err) && is_same_address(&parts, &other))
                return error_set(err, ERROR_INVALID, "listen address \"%s\" is given twice",
                                 addresses[i]);
    }
    return true;
}

static bool open_addresses(struct listeners *listeners, const char *const *addresses, size_t n,
                           struct error *err)
{
    if (!listeners_check(addresses, n, err))
        return false;
    listeners->own_files = true;
    for (size_t i = 0; i < n; i++)
        if (!open_address(listeners, addresses[i], err))
            return false;
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
        /* Accepted connections inherit it. */
        setsockopt(listeners->fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        describe(listeners->fds[i], listeners->names[i]);
    }
    return true;
}

/* Removes the files first: another server may create its own as soon as this one stops listening.
 */
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
