/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_stored.h"

#include <string.h>

#define PIECE_BYTES     ((size_t)64 << 10)
#define ALGORITHM_CHARS "abcdefghijklmnopqrstuvwxyz0123456789+._-"

/* Whether it may be a digest of an algorithm that the exporter does not know. */
static bool is_of_unknown_algorithm(const char *text)
{
    struct error unused;
    CLEANUP(digest_freep) struct digest *known = digest_new(text, &unused);
    size_t size = strspn(text, ALGORITHM_CHARS);

    return size > 0 && text[size] == ':' && text[size + 1] && !known;
}

bool registry_announced_digest(const struct http_response *response, char digest[DIGEST_TEXT_BYTES],
                               struct error *err)
{
    char text[REGISTRY_OBJECT_BYTES];

    if (!http_response_header(response, "docker-content-digest", 0, text, sizeof(text)))
        text[0] = '\0';
    if (!text[0] || digest_valid(text)) {
        memcpy(digest, text, strlen(text) + 1);
        return true;
    }
    if (is_of_unknown_algorithm(text))
        return error_set(err, ERROR_UNSUPPORTED,
                         "Docker-Content-Digest \"%.80s\" has an unknown algorithm: expected "
                         "sha256, sha384 or sha512",
                         text);
    return error_set(
        err, ERROR_PROTOCOL,
        "Docker-Content-Digest \"%.80s\" is no digest: expected sha256 and 64 hex digits", text);
}

static bool read_digest(const struct registry_source *source, const char *like,
                        char digest[DIGEST_TEXT_BYTES], struct cancel *cancel, struct error *err)
{
    CLEANUP(digest_freep) struct digest *hash = digest_new(like, err);
    CLEANUP(freep) char *piece = malloc(PIECE_BYTES);
    size_t n;

    if (!hash)
        return false;
    if (!piece)
        return error_memory(err);
    if (!source->rewind(source->arg, cancel, err))
        return false;
    do {
        if (!cancel_check(cancel, err) || !source->read(source->arg, piece, PIECE_BYTES, &n, err))
            return false;
        digest_update(hash, piece, n);
    } while (n > 0);
    digest_finish(hash, digest);
    return true;
}

bool registry_check_stored(const struct registry_call *call, const struct http_response *response,
                           const struct registry_content *content, struct cancel *cancel,
                           struct error *err)
{
    char stored[DIGEST_TEXT_BYTES], sent[DIGEST_TEXT_BYTES];
    const char *expected = content->digest;

    if (response->status < 200 || response->status > 204 || response->status == 203)
        return registry_refused(call, response, err);
    if (!registry_announced_digest(response, stored, err))
        return false;
    if (*stored && !digest_same_algorithm(stored, expected)) {
        if (!read_digest(content->source, stored, sent, cancel, err))
            return error_wrap(err, "digest by the algorithm of the registry");
        expected = sent;
    }
    return !*stored || strcmp(stored, expected) == 0 ||
           error_set(err, ERROR_DIGEST_MISMATCH, "the registry stored %s: expected %s", stored,
                     expected);
}
