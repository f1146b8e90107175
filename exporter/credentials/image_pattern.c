/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials/image_pattern.h"

#include <stddef.h>
#include <string.h>

struct span {
    const char *text;
    size_t size;
};

/* Parts of a pattern or an image. */
struct location {
    struct span host, port, path;
};

/* Ignores "?" or "#" and what follows, because the kubelet parses a pattern as a URL. */
static struct location split(const char *text)
{
    struct location location = {.host = {text, strcspn(text, "/?#")}};
    const char *bracket = memchr(text, ']', location.host.size); /* of an IPv6 address */
    const char *from = bracket ? bracket : text;
    const char *colon = memchr(from, ':', (size_t)(text + location.host.size - from));

    location.path.text = text + location.host.size;
    location.path.size = strcspn(location.path.text, "?#");
    if (colon) {
        location.port.text = colon + 1;
        location.port.size = (size_t)(location.path.text - location.port.text);
        location.host.size = (size_t)(colon - text);
    }
    return location;
}

static bool is_equal(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.text, b.text, a.size) == 0);
}

static bool begins_with(struct span text, struct span prefix)
{
    return prefix.size <= text.size && memcmp(text.text, prefix.text, prefix.size) == 0;
}

/* After a mismatch only the last "*" takes one more character; earlier ones need no retry. */
static bool glob_matches(struct span glob, struct span text)
{
    size_t g = 0, t = 0, after_star = 0, taken_to = 0;

    while (t < text.size) {
        if (g < glob.size && glob.text[g] == '*') {
            after_star = ++g;
            taken_to = t;
        } else if (g < glob.size && glob.text[g] == text.text[t]) {
            g++;
            t++;
        } else if (after_star > 0) {
            g = after_star;
            t = ++taken_to;
        } else {
            return false;
        }
    }
    while (g < glob.size && glob.text[g] == '*')
        g++;
    return g == glob.size;
}

/* Cuts off the first part of a host. Returns false if there is none left. */
static bool next_part(struct span *host, struct span *part)
{
    const char *dot;

    if (!host->text)
        return false;
    dot = memchr(host->text, '.', host->size);
    part->text = host->text;
    part->size = dot ? (size_t)(dot - host->text) : host->size;
    *host = dot ? (struct span){dot + 1, host->size - part->size - 1} : (struct span){0};
    return true;
}

static bool host_matches(struct span glob, struct span host)
{
    struct span glob_part, host_part;

    while (next_part(&host, &host_part))
        if (!next_part(&glob, &glob_part) || !glob_matches(glob_part, host_part))
            return false;
    return !next_part(&glob, &glob_part);
}

bool image_pattern_matches(const char *pattern, const char *image)
{
    struct location glob = split(pattern), target = split(image);

    return is_equal(glob.port, target.port) && begins_with(target.path, glob.path) &&
           host_matches(glob.host, target.host);
}
