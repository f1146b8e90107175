/* SPDX-License-Identifier: Apache-2.0 */
/* The first line is a URL, the second one the proxy, the third one NO_PROXY. An exception must only
 * remove the proxy, never add or change it. */
#include "net/proxy.h"

#include "base/own.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *proxy, *no_proxy;

static const char *variable(const char *name)
{
    if (strcmp(name, "NO_PROXY") == 0)
        return no_proxy;
    return strcmp(name, "HTTP_PROXY") == 0 || strcmp(name, "HTTPS_PROXY") == 0 ? proxy : NULL;
}

static char *cut_line(char *text)
{
    char *end = text ? strchr(text, '\n') : NULL;

    if (!end)
        return NULL;
    *end = '\0';
    return end + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(freep) char *url = strndup((const char *)data, size);
    char *second = cut_line(url), *third = cut_line(second);
    const char *without, *with;

    if (!url)
        return 0;
    proxy = second;
    no_proxy = NULL;
    without = proxy_of(url, variable);
    no_proxy = third;
    with = proxy_of(url, variable);
    if ((without && without != proxy) || (with && with != without))
        __builtin_trap();
    no_proxy = "x, *";
    if (proxy_of(url, variable))
        __builtin_trap();
    return 0;
}
