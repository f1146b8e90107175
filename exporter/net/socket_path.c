/* SPDX-License-Identifier: Apache-2.0 */
#include "net/socket_path.h"

#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SCHEME "unix:"

static_assert(SOCKET_PATH_BYTES == sizeof(((struct sockaddr_un *)NULL)->sun_path),
              "the limit of a path is the kernel's");

bool socket_path_parse(const char *address, char path[SOCKET_PATH_BYTES], struct error *err)
{
    const char *at = address;

    if (strncasecmp(at, SCHEME, strlen(SCHEME)) == 0) {
        at += strlen(SCHEME);
        at += text_starts_with(at, "//") ? 2 : 0;
    }
    if (at[0] != '/')
        return error_set(err, ERROR_INVALID,
                         "invalid socket address \"%s\": expected the absolute path of a unix "
                         "socket, such as /run/x.sock or unix:///run/x.sock",
                         address);
    if (strlen(at) >= SOCKET_PATH_BYTES)
        return error_set(err, ERROR_INVALID,
                         "the path of the socket has %zu bytes: at most %d are possible",
                         strlen(at), SOCKET_PATH_BYTES - 1);
    strcpy(path, at);
    return true;
}

static enum socket_state explain(int errnum, const char *daemon, char *cause, size_t cause_size)
{
    if (errnum == ENOENT || errnum == ENOTDIR) {
        snprintf(cause, cause_size, "%s",
                 errnum == ENOENT ? "no such socket" : strerrordesc_np(errnum));
        return SOCKET_MISSING;
    }
    if (errnum == EACCES || errnum == EPERM) {
        snprintf(cause, cause_size,
                 "permission denied (the socket requires user root or its group)");
        return SOCKET_DENIED;
    }
    if (errnum == ECONNREFUSED)
        snprintf(cause, cause_size,
                 "no process listens (%s is not running, or this is not a socket)", daemon);
    else
        snprintf(cause, cause_size, "%s", strerrordesc_np(errnum));
    return SOCKET_REFUSES;
}

enum socket_state socket_path_try(const char *path, const char *daemon, char *cause,
                                  size_t cause_size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    enum socket_state state = SOCKET_LISTENS;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    cause[0] = '\0';
    strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    /* EAGAIN: the queue of the listener is full. */
    if (fd < 0 ||
        (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 && errno != EAGAIN))
        state = explain(errno, daemon, cause, cause_size);
    if (fd >= 0)
        close(fd);
    return state;
}
