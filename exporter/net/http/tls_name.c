/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/tls_name.h"

#include <string.h>
#include <strings.h>

static bool is_label(const char *label, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = label[i], lower = (char)(c | 0x20);

        if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '_' &&
            (c != '-' || i == 0))
            return false;
    }
    return size > 0;
}

/* Labels of letters, digits, "-" and "_". In a pattern the first label may be "*". */
static bool is_dns_name(const char *name, size_t size, bool is_pattern)
{
    const char *end = name + size;

    if (is_pattern && size == 1 && *name == '*')
        return false;
    for (const char *label = name;; label++) {
        const char *dot = memchr(label, '.', (size_t)(end - label));
        size_t label_size = (size_t)((dot ? dot : end) - label);

        if (!is_label(label, label_size) &&
            !(is_pattern && label == name && label_size == 1 && *label == '*'))
            return false;
        if (!dot)
            return true;
        label = dot;
    }
}

/* "*." covers exactly one label, also in front of a top-level domain. A dot at the end of the host
 * does not count. A name that is no DNS name covers what is spelled equally. */
bool tls_name_covers(const char *name, size_t size, const char *host)
{
    size_t host_size = strlen(host), bare_size = host_size;
    const char *dot = strchr(host, '.');

    if (bare_size > 0 && host[bare_size - 1] == '.')
        bare_size--;
    if (!is_dns_name(name, size, true) || !is_dns_name(host, bare_size, false))
        return size > 0 && size == host_size && !(size == 1 && *name == '.') &&
               strncasecmp(name, host, size) == 0;
    if (name[0] != '*')
        return size == bare_size && strncasecmp(name, host, size) == 0;
    return dot && size - 1 == bare_size - (size_t)(dot - host) &&
           strncasecmp(name + 1, dot, size - 1) == 0;
}
