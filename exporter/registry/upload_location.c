/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/upload_location.h"

#include "base/text.h"
#include "net/http_message.h"

#include <string.h>
#include <strings.h>

/* Whether it is a host and a path, like an image name: "registry.example:5000/v2/...". */
static bool begins_with_host(const char *location)
{
    size_t size = strcspn(location, "/");

    if (location[size] != '/' || size == 0 || location[0] == '.' || location[size - 1] == ':')
        return false;
    return memchr(location, '.', size) || memchr(location, ':', size) ||
           text_equal_ignoring_case(location, size, "localhost");
}

bool upload_location_url(const char *location, const char *base, struct buf *url, struct error *err)
{
    char origin[HTTP_ORIGIN_BYTES];
    size_t scheme_size = strcspn(base, ":") + 1;

    http_origin(base, origin, sizeof(origin));
    if (strncmp(location, "//", 2) == 0) {
        buf_append(url, base, scheme_size);
    } else if (location[0] == '/') {
        buf_append_str(url, origin);
    } else if (begins_with_host(location)) {
        buf_append(url, base, scheme_size);
        buf_append_str(url, "//");
    } else if (strncasecmp(location, "http://", 7) != 0 &&
               strncasecmp(location, "https://", 8) != 0) {
        return error_set(err, ERROR_PROTOCOL,
                         "invalid Location of the upload: expected a URL or an absolute path");
    }
    buf_append(url, location, strcspn(location, "#"));
    return buf_ok(url, err);
}

bool upload_location_range(const char *text, uint64_t *last)
{
    struct error unused;

    if (text_starts_with(text, "bytes="))
        text += strlen("bytes=");
    return text_starts_with(text, "0-") && text_uint(text + 2, last, &unused) && *last < INT64_MAX;
}
