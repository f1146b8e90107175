/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/proxy.h"

#include "base/text.h"
#include "net/http/http_message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Of a URL, or of an entry of NO_PROXY. */
struct target {
    char host[HTTP_ORIGIN_BYTES]; /* without brackets */
    char port[HTTP_ORIGIN_BYTES]; /* "": any; also a text that is no number */
    unsigned char address[16];    /* IPv4 as ::ffff:a.b.c.d */
    bool is_address;
};

static const unsigned char v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool copy(char *out, size_t out_size, const char *text, size_t size)
{
    if (size >= out_size)
        return false;
    memcpy(out, text, size);
    out[size] = '\0';
    return true;
}

static bool has_any(const char *text, size_t size, const char *set)
{
    for (; *set; set++)
        if (memchr(text, *set, size))
            return true;
    return false;
}

/* Splits "host:port" and "[host]:port". Any other text is a host as it is, with its brackets. */
static bool split(const char *text, size_t size, struct target *target)
{
    const char *colon = memrchr(text, ':', size), *host = text, *port = colon ? colon + 1 : "";
    size_t host_size = colon ? (size_t)(colon - text) : size;
    size_t port_size = colon ? size - host_size - 1 : 0;
    bool bracketed = colon && host_size > 1 && text[0] == '[' && colon[-1] == ']';

    if (bracketed) {
        host++;
        host_size -= 2;
    }
    if (has_any(host, host_size, bracketed ? "[]" : "[]:") || has_any(port, port_size, "[]")) {
        host = text;
        host_size = size;
        port_size = 0;
    }
    if (!copy(target->host, sizeof(target->host), host, host_size) ||
        !copy(target->port, sizeof(target->port), port, port_size))
        return false;
    target->is_address = http_address(target->host, target->address);
    return true;
}

static void parse_url(const char *url, struct target *target)
{
    http_host(url, target->host, target->port);
    target->is_address = http_address(target->host, target->address);
    if (!target->port[0])
        strcpy(target->port, strncasecmp(url, "https:", 6) == 0 ? "443" : "80");
}

static bool is_v4(const unsigned char address[16])
{
    return memcmp(address, v4_prefix, sizeof(v4_prefix)) == 0;
}

static bool is_loopback(const struct target *target)
{
    static const unsigned char loopback[16] = {[15] = 1};

    if (!target->is_address)
        return strcmp(target->host, "localhost") == 0;
    return is_v4(target->address) ? target->address[12] == 127
                                  : memcmp(target->address, loopback, sizeof(loopback)) == 0;
}

/* Parses "10.0.0.0/8" to the masked address. */
static bool parse_block(const char *text, unsigned char block[16], size_t *bits)
{
    char address[HTTP_ORIGIN_BYTES];
    const char *slash = strchr(text, '/');
    size_t before;
    uint64_t number;

    if (!slash || !copy(address, sizeof(address), text, (size_t)(slash - text)) ||
        !http_address(address, block) || !text_uint(slash + 1, &number, &(struct error){0}))
        return false;
    before = strchr(address, ':') ? 0 : 96;
    if (number > 128 - before)
        return false;
    *bits = (size_t)number + before;
    for (size_t bit = *bits; bit < 128; bit++)
        block[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
    return true;
}

/* A block of one family has no addresses of the other one. */
static bool in_block(const struct target *target, const unsigned char block[16], size_t bits)
{
    if (!target->is_address || is_v4(target->address) != is_v4(block))
        return false;
    for (size_t bit = 0; bit < bits; bit++)
        if ((target->address[bit / 8] ^ block[bit / 8]) & (0x80 >> bit % 8))
            return false;
    return true;
}

/* "y.com" matches itself and its subdomains; ".y.com" and "*.y.com" only subdomains. The text
 * decides, also for addresses: ".2.3" matches 10.1.2.3. */
static bool in_domain(const char *host, const char *domain)
{
    size_t host_size = strlen(host), size;
    bool below_only;

    if (domain[0] == '*' && domain[1] == '.')
        domain++;
    below_only = domain[0] == '.';
    domain += below_only;
    size = strlen(domain);
    if (size > host_size || strcasecmp(host + host_size - size, domain) != 0)
        return false;
    return size == host_size ? !below_only : host[host_size - size - 1] == '.';
}

static bool is_excepted(const struct target *target, const char *entry, size_t size)
{
    struct target except = {0};
    char text[HTTP_ORIGIN_BYTES];
    unsigned char block[16];
    size_t bits;

    if (!copy(text, sizeof(text), entry, size))
        return false;
    if (strcmp(text, "*") == 0)
        return true;
    if (parse_block(text, block, &bits))
        return in_block(target, block, bits);
    if (!split(text, size, &except) || !except.host[0] ||
        (except.port[0] && strcmp(except.port, target->port) != 0))
        return false;
    if (except.is_address)
        return target->is_address && memcmp(except.address, target->address, 16) == 0;
    return in_domain(target->host, except.host);
}

/* Only commas end an entry. */
static bool is_listed(const struct target *target, const char *list)
{
    static const char blanks[] = " \t\r\n\v\f";

    while (list && *list) {
        const char *entry = list + strspn(list, blanks), *end = list + strcspn(list, ",");

        list = *end ? end + 1 : end;
        while (end > entry && strchr(blanks, end[-1]))
            end--;
        if (end > entry && is_excepted(target, entry, (size_t)(end - entry)))
            return true;
    }
    return false;
}

/* Returns the first of the two variables that is set; NULL: none. */
static const char *either(proxy_variable *variable, const char *upper, const char *lower,
                          const char **name)
{
    const char *value = variable(upper);

    *name = upper;
    if (value && *value)
        return value;
    *name = lower;
    value = variable(lower);
    return value && *value ? value : NULL;
}

const char *proxy_environment(const char *name)
{
    return getenv(name);
}

bool proxy_check(proxy_variable *variable, struct error *err)
{
    static const char *const names[][2] = {{"HTTP_PROXY", "http_proxy"},
                                           {"HTTPS_PROXY", "https_proxy"}};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *name, *text = either(variable, names[i][0], names[i][1], &name);
        struct proxy proxy = {.scheme = PROXY_NONE};
        bool valid = !text || (proxy_url_parse(text, &proxy, err) && !proxy.is_misread &&
                               proxy.scheme != PROXY_NONE && proxy.port != 0);

        proxy_deinit(&proxy);
        if (!valid)
            return error_set(err, ERROR_INVALID, PROXY_MISREAD, name);
    }
    return true;
}

bool proxy_of(const char *url, proxy_variable *variable, struct proxy *proxy, struct error *err)
{
    bool tls = strncasecmp(url, "https:", 6) == 0;
    const char *name, *unused;
    const char *text = tls ? either(variable, "HTTPS_PROXY", "https_proxy", &name)
                           : either(variable, "HTTP_PROXY", "http_proxy", &name);
    struct target target = {0};

    *proxy = (struct proxy){.scheme = PROXY_NONE};
    parse_url(url, &target);
    if (!text || (!tls && strncasecmp(url, "http:", 5) != 0) || is_loopback(&target) ||
        is_listed(&target, either(variable, "NO_PROXY", "no_proxy", &unused)))
        return true;
    if (!proxy_url_parse(text, proxy, err))
        return error_wrap(err, "%s", name);
    proxy->variable = name;
    return true;
}
