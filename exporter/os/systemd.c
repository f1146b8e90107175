/* SPDX-License-Identifier: Apache-2.0 */
#include "os/systemd.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_FD 3

/* False if the variable is not set or not a number. */
static bool read_variable(const char *name, uint64_t *value)
{
    const char *text = getenv(name);
    struct error err;

    return text && text_uint(text, value, &err);
}

/* Whether the variable contains the id of this process. */
static bool is_for_us(const char *name)
{
    uint64_t pid;

    return read_variable(name, &pid) && pid == (uint64_t)getpid();
}

static bool adopt(int fd, struct error *err)
{
    int type = 0, listens = 0, flags = fcntl(fd, F_GETFL);
    socklen_t size = sizeof(type);

    if (flags < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return error_errno(err, errno, "socket activation: descriptor %d", fd);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || !listens)
        return error_set(err, ERROR_INVALID,
                         "socket activation: descriptor %d is not a listening stream socket", fd);
    if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return error_errno(err, errno, "socket activation: descriptor %d", fd);
    return true;
}

bool systemd_sockets(int *fds, size_t max, size_t *count, struct error *err)
{
    uint64_t n = 0;
    bool ours = is_for_us("LISTEN_PID") && read_variable("LISTEN_FDS", &n) && n > 0;

    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    if (!ours)
        return error_set(err, ERROR_INVALID, "no socket activation file descriptors found");
    if (n > max)
        return error_set(err, ERROR_LIMIT, "socket activation: more than %zu sockets", max);
    for (uint64_t i = 0; i < n; i++) {
        if (!adopt(FIRST_FD + (int)i, err))
            return false;
        fds[i] = FIRST_FD + (int)i;
    }
    *count = n;
    return true;
}

/* "@name" is a socket in the abstract namespace. */
static bool find_address(struct sockaddr_un *address, socklen_t *size)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t length = path ? strlen(path) : 0;

    if (length < 2 || (path[0] != '/' && path[0] != '@') || length >= sizeof(address->sun_path))
        return false;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path, length);
    if (path[0] == '@')
        address->sun_path[0] = '\0';
    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return true;
}

void systemd_notify(const char *state)
{
    const struct timeval timeout = {.tv_sec = 1};
    struct sockaddr_un address;
    socklen_t size;
    int fd;

    if (!find_address(&address, &size))
        return;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    /* Errors are ignored: there is no channel left to report them on. */
    (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address, size);
    close(fd);
}

void systemd_notify_reloading(void)
{
    char state[80];

    snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)(clock_now_ns() / 1000));
    systemd_notify(state);
}

int64_t systemd_watchdog_ns(void)
{
    uint64_t interval_us;

    if (getenv("WATCHDOG_PID") && !is_for_us("WATCHDOG_PID"))
        return 0;
    if (!read_variable("WATCHDOG_USEC", &interval_us) || interval_us > INT64_MAX / 1000)
        return 0;
    return (int64_t)interval_us * 1000;
}
