/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes with OpenSSL's EVP, which uses the instructions of the processor. */
#include "oci/digest.h"

#include "base/text.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

struct algorithm {
    const char *prefix, *name; /* `name` is that of OpenSSL */
    size_t raw_bytes;
};

static const struct algorithm algorithms[] = {
    {"sha256:", "SHA256", 32}, {"sha384:", "SHA384", 48}, {"sha512:", "SHA512", 64}};

#define N_ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

struct digest {
    const struct algorithm *algorithm;
    EVP_MD_CTX *context;
};

/* Fetched once: a fetch takes longer than hashing a manifest. */
static const EVP_MD *fetched[N_ALGORITHMS];

static void fetch(void)
{
    for (size_t i = 0; i < N_ALGORITHMS; i++)
        fetched[i] = EVP_MD_fetch(NULL, algorithms[i].name, NULL);
}

static const struct algorithm *algorithm_of(const char *text)
{
    for (size_t i = 0; text && i < N_ALGORITHMS; i++)
        if (strncmp(text, algorithms[i].prefix, strlen(algorithms[i].prefix)) == 0)
            return &algorithms[i];
    return NULL;
}

struct digest *digest_new(const char *like, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const struct algorithm *algorithm = algorithm_of(like);
    CLEANUP(digest_freep) struct digest *digest = calloc(1, sizeof(*digest));

    pthread_once(&once, fetch);
    if (digest)
        digest->context = EVP_MD_CTX_new();
    if (!digest || !digest->context) {
        error_memory(err);
        return NULL;
    }
    if (!algorithm) {
        error_set(err, ERROR_UNSUPPORTED,
                  "unsupported digest \"%.80s\": expected sha256, sha384 or sha512",
                  like ? like : "");
        return NULL;
    }
    digest->algorithm = algorithm;
    if (!fetched[algorithm - algorithms] ||
        EVP_DigestInit_ex(digest->context, fetched[algorithm - algorithms], NULL) != 1) {
        error_set(err, ERROR_INTERNAL, "the crypto library has no %s", algorithm->name);
        return NULL;
    }
    return TAKE(digest);
}

void digest_update(struct digest *digest, const void *data, size_t size)
{
    int ok = EVP_DigestUpdate(digest->context, data, size);

    assert(ok == 1);
    (void)ok;
}

static void write_text(const struct algorithm *algorithm, const unsigned char *raw,
                       char out[DIGEST_TEXT_BYTES])
{
    static const char hex[] = "0123456789abcdef";
    char *at = stpcpy(out, algorithm->prefix);

    for (size_t i = 0; i < algorithm->raw_bytes; i++) {
        *at++ = hex[raw[i] >> 4];
        *at++ = hex[raw[i] & 15];
    }
    *at = '\0';
}

void digest_finish(struct digest *digest, char out[DIGEST_TEXT_BYTES])
{
    unsigned char raw[EVP_MAX_MD_SIZE] = {0};
    int ok = EVP_DigestFinal_ex(digest->context, raw, NULL) == 1 &&
             EVP_DigestInit_ex(digest->context, NULL, NULL) == 1;

    assert(ok);
    (void)ok;
    write_text(digest->algorithm, raw, out);
}

void digest_free(struct digest *digest)
{
    if (!digest)
        return;
    EVP_MD_CTX_free(digest->context);
    free(digest);
}

bool digest_of_like(const char *like, const void *data, size_t size, char out[DIGEST_TEXT_BYTES],
                    struct error *err)
{
    CLEANUP(digest_freep) struct digest *digest = digest_new(like, err);

    if (!digest)
        return false;
    digest_update(digest, data, size);
    digest_finish(digest, out);
    return true;
}

bool digest_of(const void *data, size_t size, char out[DIGEST_TEXT_BYTES], struct error *err)
{
    return digest_of_like(DIGEST_CANONICAL, data, size, out, err);
}

bool digest_valid(const char *text)
{
    const struct algorithm *algorithm = algorithm_of(text);
    size_t digits = algorithm ? 2 * algorithm->raw_bytes : 0;

    if (!algorithm)
        return false;
    text += strlen(algorithm->prefix);
    return strspn(text, "0123456789abcdef") == digits && text[digits] == '\0';
}

bool digest_is_known(const char *text)
{
    return algorithm_of(text) != NULL;
}

bool digest_matches(const char *expected, const void *data, size_t size)
{
    char found[DIGEST_TEXT_BYTES];
    struct error unused;

    return digest_of_like(expected, data ? data : "", size, found, &unused) &&
           strcmp(found, expected) == 0;
}

bool digest_same_algorithm(const char *a, const char *b)
{
    size_t size = strcspn(a, ":");

    return a[size] == ':' && strncmp(a, b, size + 1) == 0;
}

bool digest_pack(const char *text, unsigned char *number, unsigned char raw[DIGEST_RAW_BYTES])
{
    const struct algorithm *algorithm = algorithm_of(text);
    const char *at;

    if (!digest_valid(text))
        return false;
    at = text + strlen(algorithm->prefix);
    *number = (unsigned char)(algorithm - algorithms + 1);
    memset(raw, 0, DIGEST_RAW_BYTES);
    for (size_t i = 0; i < algorithm->raw_bytes; i++, at += 2)
        raw[i] = (unsigned char)(text_hex_digit(at[0]) * 16 + text_hex_digit(at[1]));
    return true;
}

void digest_unpack(unsigned char number, const unsigned char raw[DIGEST_RAW_BYTES],
                   char out[DIGEST_TEXT_BYTES])
{
    assert(number >= 1 && number <= N_ALGORITHMS);
    write_text(&algorithms[number - 1], raw, out);
}

bool digest_chain_id(const char *const *diff_ids, size_t n, char out[DIGEST_TEXT_BYTES],
                     struct error *err)
{
    char chain[DIGEST_TEXT_BYTES] = "", pair[2 * DIGEST_TEXT_BYTES];

    for (size_t i = 0; i < n; i++) {
        if (!digest_valid(diff_ids[i]))
            return error_set(err, ERROR_UNSUPPORTED, "layer %zu: \"%.80s\" is not a digest", i,
                             diff_ids[i] ? diff_ids[i] : "");
        if (i == 0) {
            strcpy(chain, diff_ids[0]);
            continue;
        }
        snprintf(pair, sizeof(pair), "%s %s", chain, diff_ids[i]);
        if (!digest_of(pair, strlen(pair), chain, err))
            return false;
    }
    memcpy(out, chain, sizeof(chain));
    return true;
}
