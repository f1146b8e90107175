/* SPDX-License-Identifier: Apache-2.0 */
/* The first line is a Location, the rest a Range. Whatever they say, the place is a URL of ours or
 * one that is known to be another's. */
#include "net/http/http_message.h"
#include "registry/upload_location.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#define BASE "https://registry.example:5000/v2/a"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_url(const char *location)
{
    CLEANUP(buf_deinit) struct buf url = BUF_INIT((size_t)16 << 10);
    char origin[HTTP_ORIGIN_BYTES];
    struct error err;

    if (!upload_location_url(location, BASE, &url, &err))
        return;
    if (strncasecmp(url.data, "http://", 7) != 0 && strncasecmp(url.data, "https://", 8) != 0)
        __builtin_trap();
    if (strchr(url.data, '#'))
        __builtin_trap();
    http_origin(url.data, origin, sizeof(origin));
    if (location[0] == '/' && location[1] != '/' &&
        strcmp(origin, "https://registry.example:5000") != 0)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(freep) char *text = strndup((const char *)data, size);
    char *range = text ? strchr(text, '\n') : NULL;
    uint64_t last;

    if (!text)
        return 0;
    if (range)
        *range++ = '\0';
    if (range && upload_location_range(range, &last) && last >= INT64_MAX)
        __builtin_trap();
    check_url(text);
    return 0;
}
