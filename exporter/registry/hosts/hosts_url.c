/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses only URLs that can be a registry. A URL that Go cannot parse voids the whole file; a URL
 * that Go parses but cannot send a request to voids only its host.
 */
#include "registry/hosts/hosts_url.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#define URL_BYTES_MAX ((size_t)2048)
#define HOST_CHARS                                                   \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" \
    "-._:[]"

void hosts_url_clean(char *path)
{
    char *out = path;

    for (const char *at = path; *at;) {
        size_t size;

        at += strspn(at, "/");
        size = strcspn(at, "/");
        if (size == 2 && strncmp(at, "..", 2) == 0) {
            while (out > path && *--out != '/')
                ;
        } else if (size > 0 && !(size == 1 && *at == '.')) {
            *out++ = '/';
            memmove(out, at, size);
            out += size;
        }
        at += size;
    }
    *out = '\0';
}

static bool has_bad_escape(const char *path)
{
    for (const char *at = path; (at = strchr(at, '%')); at++)
        if (!isxdigit((unsigned char)at[1]) || !isxdigit((unsigned char)at[2]))
            return true;
    return false;
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return true;
    return false;
}

static bool is_visible(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

const char *hosts_url_port(const char *authority)
{
    const char *bracket = strrchr(authority, ']');
    const char *colon = strrchr(bracket ? bracket : authority, ':');

    return colon ? colon + 1 : "";
}

bool hosts_url_is_loopback(const char *authority)
{
    const char *port = hosts_url_port(authority);
    size_t size = strlen(authority) - (port[0] ? strlen(port) + 1 : 0);
    char name[INET6_ADDRSTRLEN];
    struct in6_addr six;
    struct in_addr four;

    if (size > 2 && authority[0] == '[' && authority[size - 1] == ']') {
        authority++;
        size -= 2;
    }
    if (size >= sizeof(name))
        return false;
    memcpy(name, authority, size);
    name[size] = '\0';
    if (inet_pton(AF_INET, name, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, name, &six) == 1)
        return IN6_IS_ADDR_LOOPBACK(&six);
    return strcmp(name, "localhost") == 0;
}

/* Like in Go, a port is digits or empty. */
static bool is_authority(const char *text)
{
    const char *port = hosts_url_port(text);

    return text[strspn(text, HOST_CHARS)] == '\0' && port[strspn(port, "0123456789")] == '\0';
}

static bool set_path(struct hosts_url *url, const char *path, bool override_path,
                     struct arena *arena)
{
    size_t size = strlen(path);
    char *copy = arena_alloc(arena, size + sizeof("/v2"));

    if (!copy)
        return false;
    memcpy(copy, path, size + 1);
    hosts_url_clean(copy);
    if (!override_path && !text_ends_with(copy, "/v2"))
        memcpy(copy + strlen(copy), "/v2", sizeof("/v2"));
    url->path = copy;
    return true;
}

/* Splits "scheme://[user@]host[:port][/path]"; ignores query and fragment. Modifies `text`. */
static bool split(char *text, bool override_path, struct arena *arena, struct hosts_url *url,
                  struct error *err)
{
    char *colon = strstr(text, "://"), *authority, *user;
    const char *path = "";

    text[strcspn(text, "?#")] = '\0';
    if (!colon || colon >= text + strlen(text)) {
        *url = (struct hosts_url){"", "", "", false};
        return true;
    }
    authority = colon + 3;
    *colon = '\0';
    path = arena_strdup(arena, authority + strcspn(authority, "/"));
    authority[strcspn(authority, "/")] = '\0';
    user = strrchr(authority, '@');
    url->scheme = text;
    url->authority = user ? user + 1 : authority;
    if (!path)
        return arena_ok(arena, err);
    if (!is_authority(url->authority) || has_bad_escape(path))
        return error_set(err, ERROR_INVALID, "invalid URL");
    url->usable = url->authority[0] && is_visible(path) &&
                  (strcmp(text, "https") == 0 || strcmp(text, "http") == 0);
    return set_path(url, path, override_path, arena) || arena_ok(arena, err);
}

bool hosts_url_parse(const char *text, bool override_path, struct arena *arena,
                     struct hosts_url *out, struct error *err)
{
    const char *scheme = text_starts_with(text, "http") ? "" : "https://";
    size_t size = strlen(text), scheme_size = strlen(scheme);
    char *copy;

    if (size > URL_BYTES_MAX)
        return error_set(err, ERROR_LIMIT, "URL too long: limit is %zu bytes", URL_BYTES_MAX);
    if (has_control(text))
        return error_set(err, ERROR_INVALID, "invalid URL");
    copy = arena_alloc(arena, scheme_size + size + 1);
    if (!copy)
        return arena_ok(arena, err);
    memcpy(copy, scheme, scheme_size);
    memcpy(copy + scheme_size, text, size + 1);
    *out = (struct hosts_url){0};
    return split(copy, override_path, arena, out, err);
}
