/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/proxy_url.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define URL_BYTES ((size_t)64 << 10)

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

#define IN_SCHEME   LETTERS DIGITS "+-."
#define IN_USERINFO LETTERS DIGITS "-._:~!$&'()*+,;=%@"
#define IN_HOST     LETTERS DIGITS "!$&'()*+,;=:[]<>\"-_.~"

struct piece {
    const char *at;
    size_t size;
};

struct parts {
    struct piece scheme, user, host; /* host: with its port */
    bool has_user, at_elsewhere;     /* at_elsewhere: an "@" outside of "user@host" */
};

void proxy_deinit(struct proxy *proxy)
{
    secret_deinit(&proxy->user);
    secret_deinit(&proxy->password);
}

static bool has(const char *set, char c)
{
    return c != '\0' && strchr(set, c);
}

static struct piece from(struct piece piece, size_t start)
{
    return (struct piece){piece.at + start, piece.size - start};
}

/* The length of the piece up to `c`. */
static size_t size_until(struct piece piece, char c)
{
    const char *found = piece.size > 0 ? memchr(piece.at, c, piece.size) : NULL;

    return found ? (size_t)(found - piece.at) : piece.size;
}

/* Shortens `piece` to what precedes `c`. Returns what follows it. */
static struct piece cut(struct piece *piece, char c)
{
    size_t size = size_until(*piece, c);
    struct piece rest = from(*piece, size < piece->size ? size + 1 : size);

    piece->size = size;
    return rest;
}

/* Returns the byte of "%41"; -1: invalid. In a host only "%25" and bytes beyond ASCII may be
 * escaped. */
static int escaped_byte(struct piece piece, bool in_host)
{
    int high = piece.size > 2 ? text_hex_digit(piece.at[1]) : -1;
    int low = piece.size > 2 ? text_hex_digit(piece.at[2]) : -1;
    int byte = high * 16 + low;

    return high < 0 || low < 0 || (in_host && byte < 0x80 && byte != '%') ? -1 : byte;
}

/* Appends the decoded piece to `out`, if that is not NULL. Returns false if Go rejects it. */
static bool decode(struct piece piece, bool in_host, struct buf *out)
{
    while (piece.size > 0) {
        bool escaped = piece.at[0] == '%';
        int byte = escaped ? escaped_byte(piece, in_host) : (unsigned char)piece.at[0];

        if (byte < 0 || (in_host && !escaped && byte < 0x80 && !has(IN_HOST, (char)byte)))
            return false;
        if (out)
            buf_append_char(out, (char)byte);
        piece = from(piece, escaped ? 3 : 1);
    }
    return true;
}

static bool all_in(struct piece piece, const char *set)
{
    for (size_t i = 0; i < piece.size; i++)
        if (!has(set, piece.at[i]))
            return false;
    return true;
}

static const char *find_last(struct piece piece, char c)
{
    for (size_t i = piece.size; i > 0; i--)
        if (piece.at[i - 1] == c)
            return piece.at + i - 1;
    return NULL;
}

/* The start of ":port", whose port is empty or of digits; the size if the text has no port. */
static size_t port_start(struct piece host)
{
    const char *colon = find_last(host, ':');
    size_t start = colon ? (size_t)(colon - host.at) : host.size;

    return colon && all_in(from(host, start + 1), DIGITS) ? start : host.size;
}

static bool is_host(struct piece host)
{
    const char *close = find_last(host, ']');
    struct piece after = host;

    if (host.size > 0 && host.at[0] == '[') {
        if (!close)
            return false;
        after = from(host, (size_t)(close + 1 - host.at));
        if (after.size > 0 && after.at[0] != ':')
            return false;
    }
    return (size_until(after, ':') == after.size || port_start(after) < after.size) &&
           decode(host, true, NULL);
}

static bool split_authority(struct piece authority, struct parts *parts)
{
    const char *at = find_last(authority, '@');

    parts->has_user = at;
    parts->host = authority;
    if (at) {
        parts->user = (struct piece){authority.at, (size_t)(at - authority.at)};
        parts->host = from(authority, parts->user.size + 1);
    }
    return is_host(parts->host) && all_in(parts->user, IN_USERINFO) &&
           decode(parts->user, false, NULL);
}

/* Moves "scheme:" from `rest` to `scheme`. Returns false for ":" without a scheme. */
static bool take_scheme(struct piece *rest, struct piece *scheme)
{
    struct piece before = *rest, after = cut(&before, ':');

    if (before.size == rest->size)
        return true;
    if (before.size == 0)
        return false;
    if (!has(LETTERS, before.at[0]) || !all_in(before, IN_SCHEME))
        return true;
    *scheme = before;
    *rest = after;
    return true;
}

static bool has_control(struct piece text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f)
            return true;
    return false;
}

/* Returns false if Go rejects the URL. A URL without "//" has no host. */
static bool split_url(struct piece rest, struct parts *parts)
{
    struct piece fragment, query, authority = {"", 0};
    bool control = has_control(rest);

    *parts = (struct parts){.scheme = {"", 0}, .user = {"", 0}, .host = {"", 0}};
    fragment = cut(&rest, '#');
    if (control || !decode(fragment, false, NULL) || !take_scheme(&rest, &parts->scheme))
        return false;
    query = cut(&rest, '?');
    if (rest.size == 0 || rest.at[0] != '/') {
        if (parts->scheme.size > 0)
            return true;
        authority = rest;
        cut(&authority, '/');
        return size_until(authority, ':') == authority.size && decode(rest, false, NULL);
    }
    if (rest.size > 1 && rest.at[1] == '/' &&
        (parts->scheme.size > 0 || rest.size == 2 || rest.at[2] != '/')) {
        authority = from(rest, 2);
        authority.size = size_until(authority, '/');
        rest = from(rest, 2 + authority.size);
    }
    parts->at_elsewhere =
        size_until(rest, '@') + size_until(query, '@') + size_until(fragment, '@') <
        rest.size + query.size + fragment.size;
    return split_authority(authority, parts) && decode(rest, false, NULL);
}

static enum proxy_scheme scheme_of(const struct parts *parts)
{
    static const struct {
        const char *name;
        enum proxy_scheme scheme;
    } rows[] = {
        {"http", PROXY_HTTP},
        {"https", PROXY_HTTPS},
        {"socks5", PROXY_SOCKS5},
        {"socks5h", PROXY_SOCKS5}, /* since Go 1.24 */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (text_equal_ignoring_case(parts->scheme.at, parts->scheme.size, rows[i].name))
            return rows[i].scheme;
    return PROXY_NONE;
}

static bool fill_secret(struct secret *secret, struct piece piece, struct error *err)
{
    CLEANUP(secret_buf_deinit) struct buf text = SECRET_BUF_INIT(URL_BYTES);

    decode(piece, false, &text);
    return buf_ok(&text, err) && secret_set(secret, text.data ? text.data : "", text.size, err);
}

static uint16_t port_of(struct piece digits, enum proxy_scheme scheme)
{
    static const uint16_t usual[] = {[PROXY_HTTP] = 80, [PROXY_HTTPS] = 443, [PROXY_SOCKS5] = 1080};
    uint32_t port = 0;

    for (size_t i = 0; i < digits.size && port <= UINT16_MAX; i++)
        port = port * 10 + (uint32_t)(digits.at[i] - '0');
    return digits.size == 0 ? usual[scheme] : port <= UINT16_MAX ? (uint16_t)port : 0;
}

static bool fill_host(struct proxy *proxy, struct piece encoded, struct error *err)
{
    CLEANUP(secret_buf_deinit) struct buf text = SECRET_BUF_INIT(URL_BYTES);
    struct piece host, port;

    decode(encoded, true, &text);
    if (!buf_ok(&text, err))
        return false;
    host = (struct piece){text.data ? text.data : "", text.size};
    port = from(host, port_start(host));
    host.size -= port.size;
    proxy->port = port_of(from(port, port.size > 0), proxy->scheme);
    if (host.size > 1 && host.at[0] == '[' && host.at[host.size - 1] == ']')
        host = (struct piece){host.at + 1, host.size - 2};
    if (host.size >= sizeof(proxy->host))
        return error_set(err, ERROR_LIMIT, "host of the proxy too long: limit is %zu bytes",
                         sizeof(proxy->host) - 1);
    memcpy(proxy->host, host.at, host.size);
    proxy->host[host.size] = '\0';
    if (host.size == 0)
        strcpy(proxy->host, "localhost"); /* Go dials ":80" */
    return true;
}

static bool fill(struct proxy *proxy, const struct parts *parts, struct error *err)
{
    struct piece user = parts->user, password = cut(&user, ':');

    proxy->scheme = scheme_of(parts);
    proxy->has_user = parts->has_user;
    proxy->is_misread = proxy->is_misread || parts->at_elsewhere;
    return fill_host(proxy, parts->host, err) &&
           (!parts->has_user ||
            (fill_secret(&proxy->user, user, err) && fill_secret(&proxy->password, password, err)));
}

/* Go reads a URL that it does not understand, or with another scheme, again with "http://" before
 * it. */
bool proxy_url_parse(const char *text, struct proxy *proxy, struct error *err)
{
    CLEANUP(secret_buf_deinit) struct buf longer = SECRET_BUF_INIT(URL_BYTES);
    struct parts parts;
    bool valid = split_url((struct piece){text, strlen(text)}, &parts);

    *proxy = (struct proxy){.scheme = PROXY_NONE};
    if (valid && scheme_of(&parts) != PROXY_NONE)
        return fill(proxy, &parts, err);
    buf_printf(&longer, "http://%s", text);
    if (!buf_ok(&longer, err))
        return false;
    proxy->is_misread = strstr(text, "://");
    if (split_url((struct piece){longer.data, longer.size}, &parts))
        return fill(proxy, &parts, err);
    if (valid) /* "host:12x": a scheme without a host; Go fails to dial it */
        *proxy = (struct proxy){.scheme = PROXY_HTTP, .is_misread = true};
    return true;
}
