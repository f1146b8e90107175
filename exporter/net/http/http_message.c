/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/http_message.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define DROPPED_MAX ((uint64_t)256 << 10) /* beyond the limit of a body */

void http_response_deinit(struct http_response *response)
{
    buf_deinit(&response->url);
    buf_deinit(&response->headers);
    buf_deinit(&response->body);
}

void http_response_empty(struct http_response *response)
{
    buf_clear(&response->url);
    buf_clear(&response->headers);
    buf_clear(&response->body);
    *response = (struct http_response){.url = response->url,
                                       .headers = response->headers,
                                       .body = response->body,
                                       .times = {-1, -1, -1, -1}};
}

void http_response_add_header(struct http_response *response, const char *line, size_t size)
{
    struct buf *headers = &response->headers;
    const char *colon = memchr(line, ':', size);
    const char *end = line + size;

    if (!colon)
        return;
    for (const char *at = line; at < colon; at++)
        buf_append_char(headers, *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at);
    while (end > colon + 1 && (unsigned char)end[-1] <= ' ')
        end--;
    do
        colon++;
    while (colon < end && (unsigned char)*colon <= ' ');
    buf_append_str(headers, ": ");
    for (; colon < end; colon++)
        buf_append_char(headers, (unsigned char)*colon < ' ' ? ' ' : *colon);
    buf_append_char(headers, '\n');
}

bool http_response_add_body(struct http_response *response, const char *data, size_t size)
{
    size_t room = response->body.limit_bytes - response->body.size;

    buf_append(&response->body, data, size < room ? size : room);
    return response->received_bytes - response->body.size <= DROPPED_MAX;
}

bool http_text_read(void *arg, void *data, size_t size, size_t *n, struct error *err)
{
    struct http_text *body = arg;
    size_t left = body->text->size - body->sent;

    (void)err;
    *n = size < left ? size : left;
    if (*n > 0)
        memcpy(data, body->text->data + body->sent, *n);
    body->sent += *n;
    return true;
}

bool http_text_rewind(void *arg, struct cancel *cancel, struct error *err)
{
    (void)cancel, (void)err;
    ((struct http_text *)arg)->sent = 0;
    return true;
}

bool http_response_header(const struct http_response *response, const char *name, size_t index,
                          char *out, size_t out_size)
{
    const char *line = response->headers.size > 0 ? response->headers.data : "";
    size_t name_size = strlen(name);

    for (; *line; line += strcspn(line, "\n") + 1) {
        const char *value = line + name_size + 2;
        size_t size;

        if (strncmp(line, name, name_size) != 0 || strncmp(line + name_size, ": ", 2) != 0)
            continue;
        if (index-- > 0)
            continue;
        size = strcspn(value, "\n");
        if (size >= out_size)
            return false;
        memcpy(out, value, size);
        out[size] = '\0';
        return true;
    }
    return false;
}

void http_escape(struct buf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._~", c))
            buf_append_char(out, *text);
        else
            buf_printf(out, "%%%02X", c);
    }
}

/* "host", "host:port", "[address]:port" */
static bool is_authority(const char *text, size_t size)
{
    const char *end = text + size, *colon = size > 0 ? memrchr(text, ':', size) : NULL;

    if (!colon || (*text == '[' && end[-1] == ']'))
        return true;
    for (const char *at = colon + 1; at < end; at++)
        if (*at < '0' || *at > '9')
            return false;
    return true;
}

void http_origin(const char *url, char *out, size_t out_size)
{
    const char *host = strstr(url, "://"), *user_end;
    size_t scheme, size;

    host = host ? host + 3 : url;
    scheme = (size_t)(host - url);
    size = strcspn(host, "/?#\\");
    user_end = memrchr(host, '@', size);
    if (user_end) {
        size -= (size_t)(user_end + 1 - host);
        host = user_end + 1;
    }
    if (!is_authority(host, size)) { /* the start of a password that was not escaped */
        host = "...";
        size = strlen(host);
    }
    scheme = text_clean(out, out_size, url, scheme);
    text_clean(out + scheme, out_size - scheme, host, size);
}

void http_host(const char *url, char host[HTTP_ORIGIN_BYTES], char port[HTTP_PORT_BYTES])
{
    char origin[HTTP_ORIGIN_BYTES], *start, *colon;
    size_t size;

    http_origin(url, origin, sizeof(origin));
    start = strstr(origin, "://");
    start = start ? start + 3 : origin;
    colon = strrchr(start, ':');
    if (colon && strspn(colon + 1, "0123456789") != strlen(colon + 1))
        colon = NULL;
    text_clean(port, HTTP_PORT_BYTES, colon ? colon + 1 : "", colon ? strlen(colon + 1) : 0);
    size = colon ? (size_t)(colon - start) : strlen(start);
    if (size > 1 && start[0] == '[' && start[size - 1] == ']') {
        start++;
        size -= 2;
    }
    text_clean(host, HTTP_ORIGIN_BYTES, start, size);
}

bool http_address(const char *host, unsigned char address[16])
{
    static const unsigned char prefix[12] = {[10] = 0xff, [11] = 0xff};

    if (inet_pton(AF_INET6, host, address) == 1)
        return true;
    memcpy(address, prefix, sizeof(prefix));
    return inet_pton(AF_INET, host, address + sizeof(prefix)) == 1;
}

struct origin {
    char host[HTTP_ORIGIN_BYTES], port[HTTP_PORT_BYTES];
    bool tls, default_port;
};

static void read_origin(const char *url, struct origin *origin)
{
    char text[HTTP_ORIGIN_BYTES];
    const char *standard;

    http_origin(url, text, sizeof(text));
    http_host(url, origin->host, origin->port);
    origin->tls = strncasecmp(text, "https://", strlen("https://")) == 0;
    standard = origin->tls ? "443" : "80";
    origin->default_port = !*origin->port || strcmp(origin->port, standard) == 0;
    if (origin->default_port)
        memcpy(origin->port, standard, strlen(standard) + 1);
}

static bool same_origin(const struct origin *a, const struct origin *b)
{
    return a->tls == b->tls && strcasecmp(a->host, b->host) == 0 && strcmp(a->port, b->port) == 0;
}

bool http_same_origin(const char *a, const char *b)
{
    struct origin one, other;

    read_origin(a, &one);
    read_origin(b, &other);
    return same_origin(&one, &other);
}

bool http_may_share_identity(const char *from, const char *to)
{
    struct origin one, other;

    read_origin(from, &one);
    read_origin(to, &other);
    return same_origin(&one, &other) ||
           (!one.tls && other.tls && strcasecmp(one.host, other.host) == 0 && one.default_port &&
            other.default_port);
}

static const struct {
    int status;
    enum error_code code;
} statuses[] = {
    {401, ERROR_UNAUTHORIZED}, {403, ERROR_FORBIDDEN}, {404, ERROR_NOT_FOUND},
    {405, ERROR_UNSUPPORTED},  {407, ERROR_PROXY},     {408, ERROR_SERVER_ERROR},
    {412, ERROR_FORBIDDEN},    {413, ERROR_LIMIT},     {429, ERROR_RATE_LIMITED},
    {507, ERROR_NO_SPACE},
};

enum error_code http_status_reason(int status)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i].status == status)
            return statuses[i].code;
    return status >= 500 && status < 600 ? ERROR_SERVER_ERROR : ERROR_PROTOCOL;
}
