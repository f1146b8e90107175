/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/upload_location.h"

#include "base/text.h"
#include "net/http/http_message.h"
#include "net/http/http_url.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Whether it begins like an image name, with the host of `base` or with a host and a port:
 * "registry.example:5000/v2/...". RFC 3986 reads the former as a path, and the latter as no URL. */
static bool begins_with_host(const char *location, const char *base)
{
    size_t size = strcspn(location, "/");
    const char *colon = memchr(location, ':', size), *host = strstr(base, "://") + strlen("://");

    if (location[size] != '/' || size == 0)
        return false;
    return colon ? isdigit((unsigned char)colon[1])
                 : strncasecmp(host, location, size) == 0 && strchr(":/", host[size]);
}

bool upload_location_url(const char *location, const char *base, struct buf *url, struct error *err)
{
    CLEANUP(buf_deinit) struct buf absolute = BUF_INIT(HTTP_URL_LIMIT_BYTES);

    if (begins_with_host(location, base))
        buf_append(&absolute, base, strcspn(base, ":") + strlen("://"));
    buf_append_str(&absolute, location);
    return buf_ok(&absolute, err) && http_url_resolve(base, absolute.data, url, err);
}

bool upload_location_range(const char *text, uint64_t *last)
{
    struct error unused;

    if (text_starts_with(text, "bytes="))
        text += strlen("bytes=");
    return text_starts_with(text, "0-") && text_uint(text + 2, last, &unused) && *last < INT64_MAX;
}
