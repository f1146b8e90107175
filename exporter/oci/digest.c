/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes with OpenSSL's EVP, which uses the instructions of the processor. The only file that
 * includes OpenSSL. */
#include "oci/digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define PREFIX    "sha256:"
#define HEX_BYTES ((size_t)64)

struct digest {
    EVP_MD_CTX *context;
};

/* Fetched once: a fetch takes longer than hashing a manifest. */
static const EVP_MD *sha256;

static void fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

struct digest *digest_new(struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    CLEANUP(digest_freep) struct digest *digest = calloc(1, sizeof(*digest));

    pthread_once(&once, fetch_sha256);
    if (digest)
        digest->context = EVP_MD_CTX_new();
    if (!digest || !digest->context) {
        error_memory(err);
        return NULL;
    }
    if (!sha256 || EVP_DigestInit_ex(digest->context, sha256, NULL) != 1) {
        error_set(err, ERROR_INTERNAL, "the crypto library has no sha256");
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

void digest_finish(struct digest *digest, char out[DIGEST_TEXT_BYTES])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char raw[EVP_MAX_MD_SIZE] = {0};
    int ok = EVP_DigestFinal_ex(digest->context, raw, NULL) == 1 &&
             EVP_DigestInit_ex(digest->context, NULL, NULL) == 1;

    assert(ok);
    (void)ok;
    memcpy(out, PREFIX, strlen(PREFIX));
    out += strlen(PREFIX);
    for (size_t i = 0; i < HEX_BYTES; i++)
        out[i] = hex[i % 2 ? raw[i / 2] & 15 : raw[i / 2] >> 4];
    out[HEX_BYTES] = '\0';
}

void digest_free(struct digest *digest)
{
    if (!digest)
        return;
    EVP_MD_CTX_free(digest->context);
    free(digest);
}

bool digest_of(const void *data, size_t size, char out[DIGEST_TEXT_BYTES], struct error *err)
{
    CLEANUP(digest_freep) struct digest *digest = digest_new(err);

    if (!digest)
        return false;
    digest_update(digest, data, size);
    digest_finish(digest, out);
    return true;
}

bool digest_valid(const char *text)
{
    if (!text || strncmp(text, PREFIX, strlen(PREFIX)) != 0)
        return false;
    text += strlen(PREFIX);
    return strspn(text, "0123456789abcdef") == HEX_BYTES && text[HEX_BYTES] == '\0';
}

bool digest_chain_id(const char *const *diff_ids, size_t n, char out[DIGEST_TEXT_BYTES],
                     struct error *err)
{
    char chain[DIGEST_TEXT_BYTES] = "", pair[2 * DIGEST_TEXT_BYTES];

    for (size_t i = 0; i < n; i++) {
        if (!digest_valid(diff_ids[i]))
            return error_set(err, ERROR_UNSUPPORTED, "layer %zu: \"%.80s\" is not a sha256 digest",
                             i, diff_ids[i] ? diff_ids[i] : "");
        if (i == 0) {
            memcpy(chain, diff_ids[0], sizeof(chain));
            continue;
        }
        snprintf(pair, sizeof(pair), "%s %s", chain, diff_ids[i]);
        if (!digest_of(pair, strlen(pair), chain, err))
            return false;
    }
    memcpy(out, chain, sizeof(chain));
    return true;
}
