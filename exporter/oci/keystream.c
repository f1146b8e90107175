/* SPDX-License-Identifier: Apache-2.0 */
/* AES by OpenSSL's EVP, which uses the instructions of the processor. */
#include "oci/keystream.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define ZEROS_BYTES ((size_t)16384) /* fits into the first cache beside the output */
#define KEY_BYTES   16

struct keystream {
    EVP_CIPHER_CTX *context;
};

static void write_big_endian(uint64_t value, unsigned char out[8])
{
    for (int i = 7; i >= 0; i--, value >>= 8)
        out[i] = (unsigned char)value;
}

/* The upper half of the counter block is the number of the stream, the lower half counts. */
struct keystream *keystream_new(uint64_t key, uint64_t number, struct error *err)
{
    CLEANUP(keystream_freep) struct keystream *keystream = calloc(1, sizeof(*keystream));
    unsigned char key_bytes[KEY_BYTES] = {0}, counter[KEY_BYTES] = {0};

    if (keystream)
        keystream->context = EVP_CIPHER_CTX_new();
    if (!keystream || !keystream->context) {
        error_memory(err);
        return NULL;
    }
    write_big_endian(key, key_bytes);
    write_big_endian(number, counter);
    if (EVP_EncryptInit_ex(keystream->context, EVP_aes_128_ctr(), NULL, key_bytes, counter) != 1) {
        error_set(err, ERROR_INTERNAL, "the crypto library has no AES-128-CTR");
        return NULL;
    }
    return TAKE(keystream);
}

void keystream_free(struct keystream *keystream)
{
    if (!keystream)
        return;
    EVP_CIPHER_CTX_free(keystream->context);
    free(keystream);
}

void keystream_fill(struct keystream *keystream, void *data, size_t size)
{
    static const unsigned char zeros[ZEROS_BYTES];
    unsigned char *at = data;

    while (size > 0) {
        size_t n = size < ZEROS_BYTES ? size : ZEROS_BYTES;
        int written, ok = EVP_EncryptUpdate(keystream->context, at, &written, zeros, (int)n);

        assert(ok == 1 && written == (int)n);
        (void)ok;
        at += n;
        size -= n;
    }
}
