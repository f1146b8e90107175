/* SPDX-License-Identifier: Apache-2.0 */
/* Listen addresses from any bytes: the parts of an accepted address put together are the address.
 */
#include "server/listen.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        __builtin_trap();
}

static bool ends_with(const char *text, const char *end)
{
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

static void check_path(const char *address, const struct listen_address *parts)
{
    require(parts->path[0] == '/');
    require(strlen(parts->path) < sizeof(((struct sockaddr_un *)NULL)->sun_path));
    require(strncmp(address, "unix:", 5) == 0 && ends_with(address, parts->path));
    require(strlen(address) - strlen(parts->path) <= strlen("unix://"));
}

static void check_network(const char *address, const struct listen_address *parts)
{
    size_t host = strlen(parts->host), port = strlen(parts->port);
    bool brackets = strlen(address) == host + port + 3;

    require(strspn(parts->port, "0123456789") == port && port > 0);
    require(strtoull(parts->port, NULL, 10) <= 65535);
    require(ends_with(address, parts->port) && address[strlen(address) - port - 1] == ':');
    require(brackets || strlen(address) == host + port + 1);
    require(memcmp(address + brackets, parts->host, host) == 0);
    require(!brackets || (address[0] == '[' && address[1 + host] == ']'));
    require(brackets || !strchr(parts->host, ':'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(freep) char *address = strndup((const char *)data, size);
    struct listen_address parts;
    struct error err = {0};

    if (!address)
        return 0;
    if (!listen_parse(address, &parts, &err))
        require(err.code == ERROR_INVALID && *err.message);
    else if (parts.path)
        check_path(address, &parts);
    else
        check_network(address, &parts);
    return 0;
}
