/* SPDX-License-Identifier: Apache-2.0 */
#include "net/proxy.h"

#include "net/http_message.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HOST_BYTES ((size_t)256)

struct target {
    char host[HOST_BYTES]; /* without brackets */
    char port[8];
    unsigned char address[16]; /* IPv4 as ::ffff:a.b.c.d */
    bool is_address;
};

/* Maps IPv4 to ::ffff:a.b.c.d, so both families compare alike. */
static bool parse_address(const char *text, unsigned char address[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (inet_pton(AF_INET6, text, address) == 1)
        return true;
    memcpy(address, mapped, sizeof(mapped));
    return inet_pton(AF_INET, text, address + sizeof(mapped)) == 1;
}

static bool copy(char *out, size_t out_size, const char *text, size_t size)
{
    if (size >= out_size)
        return false;
    memcpy(out, text, size);
    out[size] = '\0';
    return true;
}

/* Splits "host:port" or "[v6]:port", both with an optional port. */
static bool split(const char *text, size_t size, struct target *target)
{
    const char *end = text + size, *close = memchr(text, ']', size), *colon;

    if (size > 0 && text[0] == '[' && close) {
        if (!copy(target->host, sizeof(target->host), text + 1, (size_t)(close - text) - 1))
            return false;
        colon = close + 1 < end && close[1] == ':' ? close + 1 : NULL;
    } else {
        colon = memchr(text, ':', size);
        if (colon && memchr(colon + 1, ':', (size_t)(end - colon) - 1))
            colon = NULL; /* an IPv6 address without brackets */
        if (!copy(target->host, sizeof(target->host), text, colon ? (size_t)(colon - text) : size))
            return false;
    }
    target->is_address = parse_address(target->host, target->address);
    return copy(target->port, sizeof(target->port), colon ? colon + 1 : "",
                colon ? (size_t)(end - colon) - 1 : 0);
}

static bool parse_url(const char *url, struct target *target)
{
    char origin[HTTP_ORIGIN_BYTES];
    const char *host;

    http_origin(url, origin, sizeof(origin));
    host = strstr(origin, "://");
    if (!host || !split(host + 3, strlen(host + 3), target))
        return false;
    if (!target->port[0])
        strcpy(target->port, strncasecmp(url, "https:", 6) == 0 ? "443" : "80");
    return true;
}

static bool is_loopback(const struct target *target)
{
    unsigned char v6[16];

    if (!target->is_address)
        return strcasecmp(target->host, "localhost") == 0;
    parse_address("127.0.0.0", v6);
    return memcmp(target->address, v6, 13) == 0 ||
           (parse_address("::1", v6) && memcmp(target->address, v6, 16) == 0);
}

static bool in_block(const struct target *target, const char *entry)
{
    char text[HOST_BYTES];
    const char *slash = strchr(entry, '/');
    unsigned char block[16];
    unsigned long bits;
    char *end;

    if (!slash || !copy(text, sizeof(text), entry, (size_t)(slash - entry)) ||
        !parse_address(text, block))
        return false;
    bits = strtoul(slash + 1, &end, 10) + (strchr(text, ':') ? 0 : 96);
    if (*end || end == slash + 1 || bits > 128)
        return false;
    for (unsigned long bit = 0; bit < bits; bit++)
        if ((target->address[bit / 8] ^ block[bit / 8]) & (0x80 >> bit % 8))
            return false;
    return true;
}

/* "y.com" matches itself and its subdomains; ".y.com" and "*.y.com" only subdomains. */
static bool in_domain(const char *host, const char *domain)
{
    size_t host_size = strlen(host), size;
    bool below_only = domain[0] == '.' || (domain[0] == '*' && domain[1] == '.');

    domain += domain[0] == '*';
    domain += domain[0] == '.';
    size = strlen(domain);
    if (size == 0 || size > host_size || strcasecmp(host + host_size - size, domain) != 0)
        return false;
    return size == host_size ? !below_only : host[host_size - size - 1] == '.';
}

static bool is_excepted(const struct target *target, const char *entry, size_t size)
{
    struct target except = {0};
    char text[HOST_BYTES];

    if (!copy(text, sizeof(text), entry, size))
        return false;
    if (strcmp(text, "*") == 0)
        return true;
    if (target->is_address && strchr(text, '/'))
        return in_block(target, text);
    if (!split(text, size, &except) || (except.port[0] && strcmp(except.port, target->port) != 0))
        return false;
    if (except.is_address || target->is_address)
        return except.is_address && target->is_address &&
               memcmp(except.address, target->address, 16) == 0;
    return in_domain(target->host, except.host);
}

static const char *either(proxy_variable *variable, const char *upper, const char *lower)
{
    const char *value = variable(upper);

    if (!value || !*value)
        value = variable(lower);
    return value && *value ? value : NULL;
}

const char *proxy_of(const char *url, proxy_variable *variable)
{
    const char *proxy = strncasecmp(url, "https:", 6) == 0
                            ? either(variable, "HTTPS_PROXY", "https_proxy")
                            : either(variable, "HTTP_PROXY", "http_proxy");
    const char *list = either(variable, "NO_PROXY", "no_proxy");
    struct target target = {0};

    if (!proxy || !parse_url(url, &target) || is_loopback(&target))
        return NULL;
    while (list && *list) {
        size_t size;

        list += strspn(list, ", \t");
        size = strcspn(list, ", \t");
        if (size > 0 && is_excepted(&target, list, size))
            return NULL;
        list += size;
    }
    return proxy;
}
