/* SPDX-License-Identifier: Apache-2.0 */
#include "base/redact.h"

#include "base/text.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define HIDDEN               "..."
#define CREDENTIAL_BYTES_MIN ((size_t)12) /* shorter: a word, as in "Bearer or Basic" */

#define CREDENTIAL ALNUM "-._~+/="
#define ALNUM      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* What is left of the text, and of the room for it. */
struct redaction {
    const char *at, *end;
    char *out, *out_end;
};

static void copy(struct redaction *r, size_t size)
{
    size_t room = (size_t)(r->out_end - r->out);

    memcpy(r->out, r->at, size < room ? size : room);
    r->out += size < room ? size : room;
    r->at += size;
}

static void hide(struct redaction *r, size_t size)
{
    struct redaction hidden = {HIDDEN, NULL, r->out, r->out_end};

    copy(&hidden, strlen(HIDDEN));
    r->out = hidden.out;
    r->at += size;
}

/* The length of the start of the text that has only, or none, of the characters of `set`. */
static size_t span(const char *text, const char *end, const char *set, bool only)
{
    const char *at = text;

    while (at < end && *at && (strchr(set, *at) != NULL) == only)
        at++;
    return (size_t)(at - text);
}

/* "@sha256:..." follows a repository, not a user. */
static bool is_digest(const char *at, const char *end)
{
    size_t name = span(at + 1, end, ALNUM, true);

    return end - at > 5 && strncmp(at, "@sha", 4) == 0 && at + 1 + name < end &&
           at[1 + name] == ':';
}

/* The length up to and without the last "@" that ends a user; 0: none. */
static size_t user_size(const char *text, const char *end)
{
    for (const char *at = end; at-- > text;)
        if (*at == '@' && !is_digest(at, end))
            return (size_t)(at - text);
    return 0;
}

/* Whether the text is "host" or "host:port". If not, a user and a password begin there. */
static bool is_host(const char *text, const char *end)
{
    size_t size =
        *text == '[' ? span(text, end, "]", false) + 1 : span(text, end, ALNUM "-._~%*", true);

    if (text + size >= end)
        return true;
    return text[size] == ':' &&
           text + size + 1 + span(text + size + 1, end, "0123456789", true) == end;
}

/* Returns `end` without punctuation of the sentence that the URL stands in. */
static const char *trimmed(const char *text, const char *end)
{
    while (end > text + 1 && strchr(":,;)", end[-1]))
        end--;
    return end;
}

/* The URL ends at a blank or a quote; in quotes only at the quote. */
static const char *end_of_url(const struct redaction *r, bool quoted)
{
    return r->at + span(r->at, r->end, quoted ? "\"" : " \t\r\n\"'<>", false);
}

/* `text` is the start of the whole text. */
static bool is_quoted(const char *text, const char *at)
{
    while (at > text && strchr(ALNUM "+-.:/", at[-1]))
        at--;
    return at > text && at[-1] == '"';
}

/* The length of the user and password at the start of a URL behind "://". */
static size_t secret_size(const struct redaction *r, const char *url_end)
{
    const char *authority_end = r->at + span(r->at, url_end, "/?#", false);
    const char *host_end = trimmed(r->at, authority_end);
    size_t size;

    if (user_size(r->at, authority_end) == 0 && is_host(r->at, host_end))
        return 0;
    size = user_size(r->at, url_end);
    if (size == 0) /* a blank in the password? */
        size = user_size(r->at, r->at + span(r->at, r->end, "\r\n", false));
    return size > 0 ? size : (size_t)(host_end - r->at);
}

/* `r` is behind "://". */
static void redact_url(struct redaction *r, bool quoted)
{
    size_t secret = secret_size(r, end_of_url(r, quoted));
    const char *url_end;

    if (secret > 0)
        hide(r, secret);
    url_end = end_of_url(r, quoted);
    copy(r, span(r->at, url_end, "?#", false));
    if (r->at == url_end)
        return;
    copy(r, 1);
    hide(r, (size_t)(trimmed(r->at - 1, url_end) - r->at));
}

/* The length of "Bearer " with a credential behind it; 0: none is there. */
static size_t scheme_size(const struct redaction *r)
{
    static const char *const schemes[] = {"basic ", "bearer "};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t size = strlen(schemes[i]);

        if ((size_t)(r->end - r->at) > size && strncasecmp(r->at, schemes[i], size) == 0 &&
            span(r->at + size, r->end, CREDENTIAL, true) >= CREDENTIAL_BYTES_MIN)
            return size;
    }
    return 0;
}

/* The length of "user:password" before "@host" without a scheme, at the start of a word; 0: none.
 */
static size_t bare_size(const struct redaction *r, const char *text)
{
    const char *end = r->at + span(r->at, r->end, " \t\r\n\"'<>", false);
    size_t size;

    if ((r->at > text && !strchr(" \t\r\n\"'<(=", r->at[-1])) ||
        memmem(r->at, (size_t)(end - r->at), "://", 3))
        return 0;
    size = user_size(r->at, end);
    return size > 0 && memchr(r->at, ':', size) ? size : 0;
}

const char *redact_text(char *out, size_t out_size, const char *text, size_t size)
{
    struct redaction r = {text, text + size, out, out + out_size - 1};

    while (r.at < r.end) {
        size_t scheme = scheme_size(&r), bare = bare_size(&r, text);

        if (scheme > 0) {
            copy(&r, scheme);
            hide(&r, span(r.at, r.end, CREDENTIAL, true));
        } else if (bare > 0) {
            hide(&r, bare);
        } else if (r.end - r.at >= 3 && memcmp(r.at, "://", 3) == 0) {
            bool quoted = is_quoted(text, r.at);

            copy(&r, 3);
            redact_url(&r, quoted);
        } else {
            copy(&r, 1);
        }
    }
    *r.out = '\0';
    return out;
}

void redact_clean(char *out, size_t out_size, const char *text)
{
    char redacted[REDACT_CLEAN_MAX];

    assert(out_size <= sizeof(redacted));
    redact_text(redacted, out_size, text, strlen(text));
    text_clean(out, out_size, redacted, strlen(redacted));
}
