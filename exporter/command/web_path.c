/* SPDX-License-Identifier: Apache-2.0 */
#include "command/web_path.h"

#include "base/text.h"
#include "command/options.h"

#include <stdio.h>
#include <string.h>

static bool is_plain(const char *path)
{
    for (; *path; path++)
        if ((unsigned char)*path <= ' ' || (unsigned char)*path >= 0x7f ||
            strchr("\"#%<>?\\^`{|}", *path))
            return false;
    return true;
}

bool web_path_check(const char *path, struct error *err)
{
    if (path[0] != '/')
        return error_set(err, ERROR_INVALID,
                         "invalid path \"%s\": expected a path that begins with /", path);
    return is_plain(path) ||
           error_set(err, ERROR_INVALID,
                     "invalid path \"%s\": expected a path without query and escapes", path);
}

bool web_path_of_url(const char *url, char *path, size_t path_size, struct error *err)
{
    const char *host = text_starts_with(url, "http://")    ? url + strlen("http://")
                       : text_starts_with(url, "https://") ? url + strlen("https://")
                                                           : NULL;
    const char *at = host ? host + strcspn(host, "/?#") : url;

    if (!host && *url && *url != '/')
        return error_set(err, ERROR_INVALID, "invalid URL \"%s\": expected http://host/path", url);
    if (host && at == host)
        return error_set(err, ERROR_INVALID, "invalid URL \"%s\": expected a host", url);
    if (!is_plain(url))
        return error_set(err, ERROR_INVALID,
                         "invalid URL \"%s\": expected no query, fragment or escapes", url);
    if (strlen(at) >= path_size)
        return error_set(err, ERROR_INVALID, "path of %zu bytes is too long: the limit is %zu",
                         strlen(at), path_size - 1);
    snprintf(path, path_size, "%s", at);
    return true;
}

bool web_path_prefix(const char *text, char *prefix, size_t prefix_size, struct error *err)
{
    size_t size;

    text += strspn(text, "/");
    size = strlen(text);
    while (size > 0 && text[size - 1] == '/')
        size--;
    if (size + 1 >= prefix_size)
        return error_set(err, ERROR_INVALID, "path of %zu bytes is too long: the limit is %zu",
                         size, prefix_size - 2);
    if (!is_plain(text) || strstr(text, "//"))
        return error_set(err, ERROR_INVALID,
                         "invalid path \"%s\": expected a path without query and escapes", text);
    snprintf(prefix, prefix_size, "%s%.*s", size > 0 ? "/" : "", (int)size, text);
    return true;
}

bool web_path_routes(const char *external_url, const char *route_prefix, char *prefix,
                     size_t prefix_size, struct error *err)
{
    char path[PREFIX_BYTES];

    if (!web_path_of_url(external_url, path, sizeof(path), err))
        return error_wrap(err, "--web.external-url");
    return web_path_prefix(route_prefix ? route_prefix : path, prefix, prefix_size, err) ||
           error_wrap(err, "--web.route-prefix");
}
