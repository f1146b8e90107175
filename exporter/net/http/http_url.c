/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/http_url.h"

#include "base/text.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

static void free_url(CURLU **url)
{
    curl_url_cleanup(*url);
}

static void free_text(char **text)
{
    curl_free(*text);
}

static bool refuse(CURLUcode code, struct error *err)
{
    if (code == CURLUE_OUT_OF_MEMORY)
        return error_memory(err);
    return error_set(err, ERROR_PROTOCOL, "the server sent an invalid URL: %s",
                     code == CURLUE_OK ? "expected http or https and a host"
                                       : curl_url_strerror(code));
}

/* curl guesses the host of "http:/host" and "///host". */
static bool lacks_host(const char *reference)
{
    size_t size = strcspn(reference, ":/?");

    if (reference[size] == ':')
        reference += size + 1;
    else if (!text_starts_with(reference, "//"))
        return false;
    return !text_starts_with(reference, "//") || strchr("/?", reference[2]);
}

static bool is_http(const char *url)
{
    return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
}

/* curl forgets the query of `base` if the reference is only a fragment. */
bool http_url_resolve(const char *base, const char *reference, struct buf *url, struct error *err)
{
    size_t size = strcspn(reference, "#");
    CLEANUP(freep)
    char *relative = strndup(size > 0 ? reference : base, size > 0 ? size : SIZE_MAX);
    CLEANUP(free_url) CURLU *parts = curl_url();
    CLEANUP(free_text) char *text = NULL;
    CURLUcode code;

    if (!relative || !parts)
        return error_memory(err);
    if (lacks_host(relative))
        return refuse(CURLUE_OK, err);
    code = curl_url_set(parts, CURLUPART_URL, base, 0);
    if (code == CURLUE_OK)
        code = curl_url_set(parts, CURLUPART_URL, relative, CURLU_ALLOW_SPACE | CURLU_URLENCODE);
    if (code == CURLUE_OK)
        code = curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0); /* of `base` */
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_URL, &text, CURLU_URLENCODE);
    if (code != CURLUE_OK || !is_http(text))
        return refuse(code, err);
    buf_append_str(url, text);
    return buf_ok(url, err);
}
