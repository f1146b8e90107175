/* SPDX-License-Identifier: Apache-2.0 */
/* The first line is a URL, the second one the proxy, the third one NO_PROXY. An exception must only
 * remove the proxy, never add or change it. */
#include "net/http/proxy.h"

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

static bool equal(const struct proxy *a, const struct proxy *b)
{
    return a->scheme == b->scheme && a->port == b->port && strcmp(a->host, b->host) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(freep) char *url = strndup((const char *)data, size);
    char *second = cut_line(url), *third = cut_line(second);
    struct proxy without, with, none;
    struct error err;

    if (!url)
        return 0;
    proxy = second;
    no_proxy = NULL;
    (void)!proxy_of(url, variable, &without, &err);
    no_proxy = third;
    (void)!proxy_of(url, variable, &with, &err);
    no_proxy = "x, *";
    (void)!proxy_of(url, variable, &none, &err);
    if ((with.scheme != PROXY_NONE && !equal(&with, &without)) || none.scheme != PROXY_NONE ||
        (!second && without.scheme != PROXY_NONE))
        __builtin_trap();
    proxy_deinit(&without);
    proxy_deinit(&with);
    proxy_deinit(&none);
    return 0;
}
