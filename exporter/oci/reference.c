/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a reference from its end: "@digest", then ":tag", then the host. The rest must be a
 * repository. An accepted reference needs no escaping in a URL.
 */
#include "oci/reference.h"

#include "base/buf.h"
#include "base/text.h"
#include "oci/digest.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX      ((size_t)512) /* of the whole reference */
#define FULL_NAME_MAX ((size_t)255) /* of host and repository: what registries accept */
#define TAG_MAX       ((size_t)128)

#define LOWER   "abcdefghijklmnopqrstuvwxyz"
#define UPPER   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DECIMAL "0123456789"

#define HUB_HOST     "docker.io"
#define HUB_OLD_HOST "index.docker.io"
#define HUB_ENDPOINT "registry-1.docker.io"

static bool only_of(const char *text, size_t size, const char *set)
{
    for (size_t i = 0; i < size; i++)
        if (!memchr(set, text[i], strlen(set)))
            return false;
    return true;
}

static bool is_port(const char *text)
{
    struct error unused;
    uint64_t port;

    return text_uint(text, &port, &unused) && port <= UINT16_MAX;
}

/* "[::1]" or "[::1]:5000" */
static bool is_bracketed_host(const char *host)
{
    const char *end = strchr(host, ']');
    size_t size = end ? (size_t)(end - host) : 0;

    return size > 2 && only_of(host + 1, size - 1, DECIMAL "abcdefABCDEF:.") &&
           (end[1] == '\0' || (end[1] == ':' && is_port(end + 2)));
}

/* Labels of letters, digits and inner hyphens, joined by single dots. */
static bool is_host(const char *host)
{
    const char *colon = strchr(host, ':');
    size_t size = colon ? (size_t)(colon - host) : strlen(host);

    if (host[0] == '[')
        return is_bracketed_host(host);
    if (size == 0 || !only_of(host, size, LOWER UPPER DECIMAL "-.") ||
        (colon && !is_port(colon + 1)))
        return false;
    for (size_t i = 0; i < size; i++) {
        bool first = i == 0 || host[i - 1] == '.';
        bool last = i + 1 == size || host[i + 1] == '.';

        if (host[i] == '.' ? first || last : host[i] == '-' && (first || last))
            return false;
    }
    return true;
}

/* What may separate words: "." "_" "__" "/" or any number of "-". */
static bool is_separator(const char *text, size_t size)
{
    return (size == 1 && (text[0] == '.' || text[0] == '_' || text[0] == '/')) ||
           (size == 2 && text[0] == '_' && text[1] == '_') ||
           (size > 0 && only_of(text, size, "-"));
}

static bool is_repository(const char *text)
{
    for (;;) {
        size_t word = strspn(text, LOWER DECIMAL), gap;

        if (word == 0)
            return false;
        text += word;
        if (!*text)
            return true;
        gap = strcspn(text, LOWER DECIMAL);
        if (!is_separator(text, gap))
            return false;
        text += gap;
    }
}

static bool is_tag(const char *text)
{
    size_t size = strlen(text);

    return size >= 1 && size <= TAG_MAX && text[0] != '.' && text[0] != '-' &&
           only_of(text, size, LOWER UPPER DECIMAL "_.-");
}

/* Whether the first component is a host. */
static bool names_host(const char *text, const char *slash)
{
    size_t size = (size_t)(slash - text);

    return memchr(text, '.', size) || memchr(text, ':', size) || text[0] == '[' ||
           (size == strlen("localhost") && strncmp(text, "localhost", size) == 0);
}

static bool split_host(struct reference *parts, char *text, struct arena *arena, struct error *err)
{
    char *slash = strchr(text, '/');

    parts->host = HUB_HOST;
    if (slash && names_host(text, slash)) {
        *slash = '\0';
        parts->host = strcmp(text, HUB_OLD_HOST) == 0 ? HUB_HOST : text;
        text = slash + 1;
    }
    parts->endpoint = parts->host;
    parts->repository = text;
    if (!is_host(parts->host))
        return error_set(err, ERROR_INVALID, "\"%s\" is not a host", parts->host);
    if (!is_repository(text))
        return error_set(
            err, ERROR_INVALID,
            "\"%s\" is not a repository: lower-case letters, digits and single . _ - /", text);
    if (strcmp(parts->host, HUB_HOST) != 0)
        return true;
    parts->endpoint = HUB_ENDPOINT;
    if (!strchr(text, '/')) {
        size_t size = strlen("library/") + strlen(text) + 1;
        char *full = arena_alloc(arena, size);

        if (!full)
            return arena_ok(arena, err);
        snprintf(full, size, "library/%s", text);
        parts->repository = full;
    }
    return true;
}

static bool split_object(struct reference *parts, char *text, struct error *err)
{
    char *at = strchr(text, '@'), *colon, *slash;

    if (at) {
        *at = '\0';
        parts->digest = at + 1;
        if (!digest_valid(parts->digest))
            return error_set(err, ERROR_INVALID,
                             "\"%s\" is not a digest such as sha256:<64 hex digits>", at + 1);
    }
    slash = strrchr(text, '/');
    colon = strrchr(slash ? slash : text, ':');
    if (colon) {
        *colon = '\0';
        parts->tag = colon + 1;
        if (!is_tag(parts->tag))
            return error_set(err, ERROR_INVALID, "\"%s\" is not a tag", parts->tag);
    }
    if (!parts->tag && !parts->digest)
        parts->tag = "latest";
    return true;
}

static bool join(struct reference *parts, struct arena *arena, struct error *err)
{
    CLEANUP(buf_deinit) struct buf name = BUF_INIT(2 * TEXT_MAX);

    buf_printf(&name, "%s/%s", parts->host, parts->repository);
    if (name.size > FULL_NAME_MAX)
        return error_set(err, ERROR_INVALID, "the name has more than %zu characters",
                         FULL_NAME_MAX);
    if (parts->tag)
        buf_printf(&name, ":%s", parts->tag);
    if (parts->digest)
        buf_printf(&name, "@%s", parts->digest);
    if (!buf_ok(&name, err))
        return false;
    parts->name = arena_strdup(arena, name.data);
    return arena_ok(arena, err);
}

bool reference_parse(struct reference *reference, const char *text, struct arena *arena,
                     struct error *err)
{
    size_t scheme = strspn(text, LOWER UPPER);
    struct reference parts = {0};
    char *copy;

    if (text[0] == '\0')
        return error_set(err, ERROR_INVALID, "the image has no name");
    if (scheme > 0 && text_starts_with(text + scheme, "://"))
        return error_set(err, ERROR_INVALID, "a URL: expected no \"%.*s://\"", (int)scheme, text);
    if (strlen(text) > TEXT_MAX)
        return error_set(err, ERROR_INVALID, "the image has more than %zu characters", TEXT_MAX);
    copy = arena_strdup(arena, text);
    if (!copy)
        return arena_ok(arena, err);
    if (!split_object(&parts, copy, err) || !split_host(&parts, copy, arena, err) ||
        !join(&parts, arena, err))
        return false;
    *reference = parts;
    return true;
}

const char *reference_object(const struct reference *reference)
{
    return reference->digest ? reference->digest : reference->tag;
}
