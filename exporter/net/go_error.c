/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Go error is a chain of links, "operation: suboperation: cause". A pattern must match a whole
 * link. Names of images and URLs contain no spaces, so they cannot match a pattern of several
 * words; and a name is never a link of one word between two colons followed by spaces.
 *
 * The tables are the whole contract: daemons send no error code that distinguishes these causes, so
 * a row per text that real daemons send is the only source. Rows are in the order of priority: "no
 * space left on device" in a failed extraction is no_space, a certificate in a failed request is
 * tls.
 *
 * An HTTP status counts only after a link that announces it. It is stronger than all words beside
 * it, because these are the body of the response: a registry that answers 500 is broken, whatever
 * it writes. Only the error codes of registries make a 4xx more precise, as in
 * registry/registry_status.c.
 */
#include "net/go_error.h"

#include "base/text.h"
#include "net/http/http_message.h"

#include <fnmatch.h>
#include <string.h>

#define TEXT_BYTES_MAX ((size_t)4096) /* kept of the end of the message, where the cause is */
#define LINKS_MAX      ((size_t)64)
#define PATTERNS_MAX   24

struct chain {
    char text[TEXT_BYTES_MAX];
    const char *links[LINKS_MAX];
    size_t n_links;
};

struct row {
    enum error_code code;
    const char *patterns[PATTERNS_MAX]; /* of fnmatch(); a shorter list ends with NULL */
};

/* Without an HTTP status, these take priority over all others. */
static const struct row causes[] = {
    {ERROR_NO_SPACE, {"no space left on device", "disk quota exceeded"}},
    {ERROR_UNSUPPORTED, /* a daemon that computes sha256 only */
     {"unexpected commit digest sha256:*, expected sha384:*",
      "unexpected commit digest sha256:*, expected sha512:*", "unsupported digest algorithm"}},
    {ERROR_LIMIT, {"rejecting * byte manifest for *"}},
    {ERROR_DIGEST_MISMATCH,
     {"unexpected commit digest *", "filesystem layer verification failed for digest *",
      "image config verification failed for digest *", "manifest verification failed for digest *",
      "got digest *, expected *", "digest invalid"}},
    {ERROR_SIZE_MISMATCH, {"unexpected commit size *", "* failed size validation", "size invalid"}},
    {ERROR_PROXY, {"proxyconnect tcp", "socks connect *", "Proxy Authentication Required"}},
    {ERROR_TLS, {"x509", "tls", "server gave HTTP response to HTTPS client"}},
    {ERROR_DNS,
     {"lookup *", "no such host", "server misbehaving", "Temporary failure in name resolution",
      "Name or service not known"}},
    {ERROR_RATE_LIMITED, {"toomanyrequests"}},
    {ERROR_UNAUTHORIZED,
     {"unauthorized", "no basic auth credentials", "insufficient_scope", "authorization failed"}},
    {ERROR_FORBIDDEN, {"denied", "image verifier * blocked pull *"}},
};

/* Error codes of a registry with a 4xx, as Go prints them, and messages of the distribution
 * registry, where a daemon drops the code. */
static const struct row refusals[] = {
    {ERROR_DIGEST_MISMATCH, {"digest invalid", "provided digest did not match uploaded content"}},
    {ERROR_SIZE_MISMATCH, {"size invalid", "provided length did not match content length"}},
    {ERROR_SERVER_ERROR, /* an invalid upload: also if the disk of the registry is full */
     {"unavailable", "blob upload invalid", "blob upload unknown*", "manifest blob unknown"}},
    {ERROR_UNSUPPORTED, {"unsupported", "The operation is unsupported*"}},
    {ERROR_RATE_LIMITED, {"toomanyrequests"}},
    {ERROR_UNAUTHORIZED, {"unauthorized", "insufficient_scope", "authorization failed"}},
    {ERROR_FORBIDDEN, {"denied"}},
    {ERROR_NOT_FOUND,
     {"blob unknown", "blob unknown to registry", "manifest unknown", "name unknown"}},
    {ERROR_INVALID,
     {"invalid repository name", "manifest tag did not match URI", "name invalid", "tag invalid",
      "manifest invalid", "manifest unverified", "manifest failed signature verification"}},
};

/* Only if neither a cause nor an HTTP status matches. */
static const struct row circumstances[] = {
    {ERROR_TIMEOUT,
     {"context deadline exceeded", "code = DeadlineExceeded", "DeadlineExceeded",
      "Deadline Exceeded", "i/o timeout", "TLS handshake timeout", "connection timed out",
      "timeout awaiting response headers", "*(Client.Timeout *)"}},
    {ERROR_CANCELED,
     {"context canceled", "code = Canceled", "operation was canceled", "request canceled"}},
    {ERROR_UNSUPPORTED,
     {"schema 1 not supported", "schema 1 image manifests are no longer supported",
      "*schema 1 support is disabled*", "*schema 1 support has been removed*",
      "could not fetch content descriptor * (*.manifest.v1+json) from remote",
      "could not fetch content descriptor * (*.foreign.*) from remote",
      "could not fetch content descriptor * (*.nondistributable.*) from remote",
      "failed to get stream processor for *", "unsupported manifest format",
      "no processor for media-type", "unsupported media type*", "unsupported schema version *",
      "media type * is no longer supported*", "no unpack platforms defined", "unsupported"}},
    {ERROR_UNPACK,
     {"failed to extract layer *", "failed to register layer", "failed to unpack*",
      "failed to prepare extraction snapshot *", "apply layer error *", "failed to apply layer*",
      "wrong diff id *", "layers from manifest don't match image configuration",
      "mismatched image rootfs *"}},
    {ERROR_RUNTIME_UNAVAILABLE, {"dial unix *", "Error while dialing*", "code = Unavailable"}},
    {ERROR_PROTOCOL,
     {"stopped after * redirects",
      "invalid character *",
      "unexpected end of JSON input",
      "cannot unmarshal *",
      "json",
      "malformed HTTP *",
      "unable to decode token response",
      "invalid checksum digest format",
      "authorization server did not include a token in the response",
      "invalid desc *",
      "unknown media type *",
      "unsupported manifest *",
      "missing signature key",
      "no signatures",
      "invalid content digest in response",
      "no Host in request URL",
      "unsupported protocol scheme *",
      "could not fetch content descriptor * (text/*) from remote",
      "could not fetch content descriptor * (application/json) from remote",
      "could not fetch content descriptor * (application/octet-stream) from remote"}},
    {ERROR_CONNECT,
     {"connection refused", "connection reset by peer", "no route to host",
      "network is unreachable", "host is down", "broken pipe", "EOF", "unexpected EOF",
      "server closed idle connection", "use of closed network connection",
      "*transport connection broken"}},
    {ERROR_INVALID, {"invalid reference format*", "could not parse reference", "manifest invalid"}},
    {ERROR_SERVER_ERROR, {"blob upload unknown*", "blob upload invalid", "manifest blob unknown"}},
    {ERROR_NOT_FOUND,
     {"not found", "manifest unknown", "name unknown", "blob unknown", "unknown blob",
      "no match for platform in manifest*", "no matching manifest for *", "pull access denied*",
      "repository * not found*", "manifest for * not found",
      "An image does not exist locally with the tag"}},
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* Returns the next link and cuts off the current one. */
static char *next_link(char *at)
{
    static const char *const separators[] = {": ", " desc = ", "\n"};
    char *nearest = NULL, *found;
    size_t size = 0;

    for (size_t i = 0; i < COUNT(separators); i++) {
        found = strstr(at, separators[i]);
        if (found && (!nearest || found < nearest)) {
            nearest = found;
            size = strlen(separators[i]);
        }
    }
    if (!nearest)
        return NULL;
    *nearest = '\0';
    return nearest + size;
}

static void split_links(struct chain *chain, const char *text)
{
    size_t size = strlen(text), cut = size < TEXT_BYTES_MAX ? 0 : size - TEXT_BYTES_MAX + 1;

    memcpy(chain->text, text + cut, size - cut + 1);
    chain->n_links = 0;
    for (char *at = chain->text; at && chain->n_links < LINKS_MAX; at = next_link(at))
        chain->links[chain->n_links++] = at;
}

static bool has_link(const struct chain *chain, const char *pattern)
{
    for (size_t i = 0; i < chain->n_links; i++)
        if (fnmatch(pattern, chain->links[i], FNM_NOESCAPE) == 0)
            return true;
    return false;
}

static enum error_code match_rows(const struct chain *chain, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < PATTERNS_MAX && rows[i].patterns[k]; k++)
            if (has_link(chain, rows[i].patterns[k]))
                return rows[i].code;
    return ERROR_NONE;
}

static int number_at(const char *text)
{
    return fnmatch("[1-5][0-9][0-9] *", text, 0) == 0
               ? (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0')
               : 0;
}

/* The code may follow the status in the same link: "403 Forbidden denied". */
static enum error_code match_refusals(const struct chain *chain)
{
    enum error_code code = match_rows(chain, refusals, COUNT(refusals));

    for (size_t i = 0; i < chain->n_links; i++) {
        const char *word = number_at(chain->links[i]) > 0 ? chain->links[i] : NULL;

        for (; word && code == ERROR_NONE; word = strchr(word + 1, ' ')) {
            const struct chain rest = {.links = {word + (*word == ' ')}, .n_links = 1};

            code = match_rows(&rest, refusals, COUNT(refusals));
        }
    }
    return code;
}

/* A refused CONNECT appears as the status text alone; a registry's status has its number before. */
static bool refused_by_proxy(const struct chain *chain)
{
    static const char *const words[] = {
        "Forbidden",           "Unauthorized",    "Not Found",   "Method Not Allowed",
        "Too Many Requests",   "Bad Request",     "Bad Gateway", "Internal Server Error",
        "Service Unavailable", "Gateway Timeout",
    };

    for (size_t i = 1; i < chain->n_links; i++)
        if (fnmatch("[A-Z]* \"https://*\"", chain->links[i - 1], 0) == 0)
            for (size_t j = 0; j < COUNT(words); j++)
                if (strcmp(chain->links[i], words[j]) == 0)
                    return true;
    return false;
}

/* Returns the HTTP status in the message; 0: none. */
static int status_in(const struct chain *chain)
{
    static const char docker[] = "error parsing HTTP ";

    for (size_t i = 0; i < chain->n_links; i++) {
        const char *before = i > 0 ? chain->links[i - 1] : "", *link = chain->links[i];

        if (text_starts_with(link, docker))
            return number_at(link + strlen(docker));
        if (text_starts_with(before, "unexpected status") ||
            text_starts_with(before, "received unexpected HTTP status") ||
            fnmatch("pulling from host * failed with status code *", before, 0) == 0)
            return number_at(link);
    }
    return 0;
}

/* Whether a registry does not know a blob that it has accepted before. An index may refer to what
 * was never sent. */
static bool has_lost_blob(const struct chain *chain)
{
    return has_link(chain, "unexpected status from PUT request to *") &&
           has_link(chain, "*blob unknown*") &&
           !has_link(chain, "manifest list/index references to *");
}

/* A 404 of the token server does not mean that the image does not exist, and that of an open upload
 * means that the registry has lost it. */
static enum error_code code_of_status(const struct chain *chain, int status)
{
    enum error_code code = http_status_reason(status);
    enum error_code refusal = status >= 400 && status < 500 ? match_refusals(chain) : ERROR_NONE;

    if (refusal == ERROR_NOT_FOUND && has_lost_blob(chain))
        return ERROR_SERVER_ERROR;
    if (refusal != ERROR_NONE || code != ERROR_NOT_FOUND)
        return refusal != ERROR_NONE ? refusal : code;
    if (has_link(chain, "unexpected status from PUT request to */blobs/uploads/*"))
        return ERROR_SERVER_ERROR;
    return has_link(chain, "failed to fetch * token") ? ERROR_UNAUTHORIZED : code;
}

enum error_code go_error_code(const char *text, enum error_code otherwise)
{
    struct chain chain;
    enum error_code code;
    int status;

    split_links(&chain, text);
    status = status_in(&chain);
    if (status > 0)
        return code_of_status(&chain, status);
    code = match_rows(&chain, causes, COUNT(causes));
    if (code == ERROR_NONE && refused_by_proxy(&chain))
        code = ERROR_PROXY;
    if (code == ERROR_NONE)
        code = match_rows(&chain, circumstances, COUNT(circumstances));
    return code == ERROR_NONE ? otherwise : code;
}
