/* SPDX-License-Identifier: Apache-2.0 */
/* Valid and invalid listen addresses. */
#include "server/listen.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static bool has_ipv6(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

    if (fd >= 0)
        close(fd);
    return ok;
}

/* One address that has one socket. Returns -1 on failure. */
static int listen_open(const char *address, char name[LISTEN_NAME_BYTES], struct error *err)
{
    struct listeners listeners;

    if (!listeners_open(&listeners, &address, 1, false, err))
        return -1;
    assert_int_equal(listeners.n, 1);
    strcpy(name, listeners.names[0]);
    return listeners.fds[0];
}

static unsigned port_of(const char *name)
{
    const char *colon = strrchr(name, ':');

    assert_non_null(colon);
    return (unsigned)strtoul(colon + 1, NULL, 10);
}

/* Connects to the IPv4 loopback and accepts the connection. */
static void reach(int fd, unsigned port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;

    assert_int_equal(connect(client, (const struct sockaddr *)&address, sizeof(address)), 0);
    peer = accept(fd, NULL, NULL);
    assert_true(peer >= 0);
    close(peer);
    close(client);
}

static void rejects_invalid_addresses(void **state)
{
    static char long_host[400];
    static const struct {
        const char *address, *message;
    } rows[] = {
        {"", "expected host:port"},
        {"localhost", "expected host:port"},
        {"localhost:", "expected host:port"},
        {"127.0.0.1:http", "expected host:port"},
        {":-1", "expected host:port"},
        {": 80", "expected host:port"},
        {":80x", "expected host:port"},
        {":65536", "expected host:port"},
        {"127.0.0.1:99999", "expected host:port"},
        {":18446744073709551617", "expected host:port"},
        {"[::1]", "expected host:port"},
        {"::1:80", "expected brackets: [::1]:80"},
        {"[::1:80", "expected brackets"},
        {"::1]:80", "expected brackets"},
        {long_host, "too long"},
        {"unix:", "expected an absolute path"},
        {"unix:relative", "expected an absolute path"},
        {"unix:///none/of/these/x.sock", "No such file"},
        {"unix:/etc/passwd", "in use"},
        {"256.256.256.256:0", "256.256.256.256"},
        {"192.0.2.1:0",
         "cannot listen on 192.0.2.1:0"}, /* an address of RFC 5737, which no machine has */
    };

    (void)state;
    memset(long_host, 'a', sizeof(long_host) - 1);
    memcpy(long_host + sizeof(long_host) - 4, ":80", 4);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char name[LISTEN_NAME_BYTES] = "untouched";
        struct error err = {0};

        assert_int_equal(listen_open(rows[i].address, name, &err), -1);
        assert_int_not_equal(err.code, ERROR_NONE);
        if (!strstr(err.message, rows[i].message))
            fail_msg("%s: %s", rows[i].address, err.message);
        assert_string_equal(name, "untouched");
    }
}

static void reports_the_port_that_the_kernel_chose(void **state)
{
    char name[LISTEN_NAME_BYTES];
    struct error err;
    int fd = listen_open("127.0.0.1:0", name, &err);

    (void)state;
    assert_true(fd >= 0);
    assert_memory_equal(name, "127.0.0.1:", strlen("127.0.0.1:"));
    assert_in_range(port_of(name), 1, 65535);
    reach(fd, port_of(name));
    assert_int_equal(accept(fd, NULL, NULL), -1); /* does not block */
    close(fd);
}

static void listens_on_ipv6(void **state)
{
    char name[LISTEN_NAME_BYTES];
    struct error err;
    int fd;

    (void)state;
    if (!has_ipv6())
        skip();
    fd = listen_open("[::1]:0", name, &err);
    assert_true(fd >= 0);
    assert_memory_equal(name, "[::1]:", strlen("[::1]:"));
    assert_in_range(port_of(name), 1, 65535);
    close(fd);
}

static void accepts_ipv4_without_a_host(void **state)
{
    char name[LISTEN_NAME_BYTES];
    struct error err;
    int fd = listen_open(":0", name, &err);

    (void)state;
    assert_true(fd >= 0);
    reach(fd, port_of(name));
    close(fd);
}

static void reports_an_address_in_use(void **state)
{
    char name[LISTEN_NAME_BYTES], other[LISTEN_NAME_BYTES];
    struct error err = {0};
    int fd = listen_open("127.0.0.1:0", name, &err);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(listen_open(name, other, &err), -1);
    assert_non_null(strstr(err.message, name));
    assert_non_null(strstr(err.message, "in use"));
    close(fd);
    fd = listen_open(name, other, &err);
    assert_true(fd >= 0);
    assert_string_equal(other, name);
    close(fd);
}

static void checks_addresses_without_opening_them(void **state)
{
    static const struct {
        const char *addresses[3];
        const char *message; /* NULL: valid */
    } rows[] = {
        {{":10048", "127.0.0.1:10048", "unix:///nowhere/a.sock"}, NULL},
        {{"127.0.0.1:0", "127.0.0.1:0"}, NULL},
        {{":1", ":2"}, NULL},
        {{"localhost:1", "example.invalid:1"}, NULL},
        {{":1", "localhost"}, "expected host:port"},
        {{":1", "unix:a.sock"}, "expected an absolute path"},
        {{":1", ":2", ":1"}, "\":1\" is given twice"},
        {{"[::1]:1", "[::1]:1"}, "is given twice"},
        {{"unix:/a.sock", "unix:///a.sock"}, "\"unix:///a.sock\" is given twice"},
    };
    const char *many[LISTENERS_MAX + 1];
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t n = 0;

        while (n < 3 && rows[i].addresses[n])
            n++;
        assert_int_equal(listeners_check(rows[i].addresses, n, &err), !rows[i].message);
        if (rows[i].message)
            assert_non_null(strstr(err.message, rows[i].message));
    }
    for (size_t i = 0; i <= LISTENERS_MAX; i++)
        many[i] = "127.0.0.1:0";
    assert_true(listeners_check(many, LISTENERS_MAX, &err));
    assert_false(listeners_check(many, LISTENERS_MAX + 1, &err));
}

static void listens_on_a_path(void **state)
{
    char path[80], addresses[2][100], name[LISTEN_NAME_BYTES], other[LISTEN_NAME_BYTES];
    struct sockaddr_un peer = {.sun_family = AF_UNIX};
    struct error err = {0};
    struct stat status;
    int fd, client;

    (void)state;
    snprintf(path, sizeof(path), "/tmp/test_listen.%d.sock", (int)getpid());
    snprintf(addresses[0], sizeof(addresses[0]), "unix:%s", path);
    snprintf(addresses[1], sizeof(addresses[1]), "unix://%s", path);
    strcpy(peer.sun_path, path);
    for (size_t i = 0; i < 2; i++) {
        fd = listen_open(addresses[i], name, &err);
        assert_true(fd >= 0); /* the second time it replaces the file */
        assert_string_equal(name, addresses[0]);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0660);
        client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(client, (struct sockaddr *)&peer, sizeof(peer)), 0);
        assert_true(listen_is_local(client));
        assert_int_equal(listen_open(addresses[i], other, &err), -1);
        assert_non_null(strstr(err.message, "in use"));
        close(client);
        close(fd);
    }
    listen_remove(name);
    assert_int_equal(stat(path, &status), -1);
    listen_remove("127.0.0.1:1");
}

static void recognises_local_clients(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char name[LISTEN_NAME_BYTES];
    struct error err;
    int fd = listen_open("127.0.0.1:0", name, &err), client;

    (void)state;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)port_of(name));
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_false(listen_is_local(client)); /* not connected */
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_true(listen_is_local(client));
    close(client);
    close(fd);
}

/* /etc/hosts decides which ones; the resolver knows. */
static size_t addresses_of_localhost(void)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *infos;
    bool ipv4 = false, ipv6 = false;

    assert_int_equal(getaddrinfo("localhost", "0", &hints, &infos), 0);
    for (const struct addrinfo *info = infos; info; info = info->ai_next) {
        ipv4 |= info->ai_family == AF_INET;
        ipv6 |= info->ai_family == AF_INET6;
    }
    freeaddrinfo(infos);
    return (size_t)ipv4 + (ipv6 && has_ipv6());
}

static void listens_on_every_address_of_a_name(void **state)
{
    const char *const address = "localhost:0";
    struct listeners listeners;
    struct error err;

    (void)state;
    assert_true(listeners_open(&listeners, &address, 1, false, &err));
    assert_int_equal(listeners.n, addresses_of_localhost());
    assert_memory_equal(listeners.names[0], "127.0.0.1:", strlen("127.0.0.1:"));
    for (size_t i = 0; i < listeners.n; i++)
        assert_int_equal(port_of(listeners.names[i]), port_of(listeners.names[0]));
    reach(listeners.fds[0], port_of(listeners.names[0]));
    listeners_close(&listeners);
}

/* A client would reach another process, depending on the address that it takes first. */
static void refuses_a_name_with_an_address_in_use(void **state)
{
    static const char *const held[] = {"127.0.0.1:0", "[::1]:0"};
    char name[LISTEN_NAME_BYTES], address[40];
    const char *const addresses[] = {address};
    struct listeners listeners;

    (void)state;
    if (addresses_of_localhost() < 2)
        skip();
    for (size_t i = 0; i < 2; i++) {
        struct error err = {0};
        int fd = listen_open(held[i], name, &err);

        assert_true(fd >= 0);
        snprintf(address, sizeof(address), "localhost:%u", port_of(name));
        assert_false(listeners_open(&listeners, addresses, 1, false, &err));
        assert_non_null(strstr(err.message, "in use"));
        assert_int_equal(listeners.n, 0);
        close(fd);
        assert_true(listeners_open(&listeners, addresses, 1, false, &err));
        assert_int_equal(listeners.n, 2);
        listeners_close(&listeners);
    }
}

static void limits_the_number_of_sockets(void **state)
{
    const char *addresses[LISTENERS_MAX + 1];
    struct listeners listeners;
    struct error err;

    (void)state;
    for (size_t i = 0; i < LISTENERS_MAX + 1; i++)
        addresses[i] = "127.0.0.1:0";
    assert_true(listeners_open(&listeners, addresses, LISTENERS_MAX, false, &err));
    listeners_close(&listeners);
    assert_false(listeners_open(&listeners, addresses, LISTENERS_MAX + 1, false, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_int_equal(listeners.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rejects_invalid_addresses),
        cmocka_unit_test(reports_the_port_that_the_kernel_chose),
        cmocka_unit_test(listens_on_ipv6),
        cmocka_unit_test(accepts_ipv4_without_a_host),
        cmocka_unit_test(reports_an_address_in_use),
        cmocka_unit_test(checks_addresses_without_opening_them),
        cmocka_unit_test(listens_on_a_path),
        cmocka_unit_test(recognises_local_clients),
        cmocka_unit_test(listens_on_every_address_of_a_name),
        cmocka_unit_test(refuses_a_name_with_an_address_in_use),
        cmocka_unit_test(limits_the_number_of_sockets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
