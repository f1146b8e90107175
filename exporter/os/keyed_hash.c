/* SPDX-License-Identifier: Apache-2.0 */
#include "os/keyed_hash.h"

#include <errno.h>
#include <sys/random.h>

bool keyed_hash_key_make(struct keyed_hash_key *key, struct error *err)
{
    ssize_t n;

    do
        n = getrandom(key, sizeof(*key), 0);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof(*key) || error_errno(err, errno, "no random bits");
}

static uint64_t rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static void mix(uint64_t v[4], unsigned rounds)
{
    for (; rounds > 0; rounds--) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32) + v[3];
        v[2] += v[1];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

/* Little endian, as the algorithm is defined. */
static uint64_t read_word(const unsigned char *bytes, size_t size)
{
    uint64_t word = 0;

    for (size_t i = 0; i < size; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

static void absorb(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    mix(v, 2);
    v[0] ^= word;
}

static void squeeze(uint64_t v[4], unsigned char out[8])
{
    uint64_t word;

    mix(v, 4);
    word = v[0] ^ v[1] ^ v[2] ^ v[3];
    for (size_t i = 0; i < 8; i++)
        out[i] = (unsigned char)(word >> (8 * i));
}

void keyed_hash(const struct keyed_hash_key *key, const void *data, size_t size,
                unsigned char out[KEYED_HASH_BYTES])
{
    uint64_t v[4] = {
        key->halves[0] ^ UINT64_C(0x736f6d6570736575),
        key->halves[1] ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
        key->halves[0] ^ UINT64_C(0x6c7967656e657261),
        key->halves[1] ^ UINT64_C(0x7465646279746573),
    };
    const unsigned char *bytes = data;
    size_t left = size;

    for (; left >= 8; left -= 8, bytes += 8)
        absorb(v, read_word(bytes, 8));
    absorb(v, read_word(bytes, left) | (uint64_t)size << 56);
    v[2] ^= 0xee;
    squeeze(v, out);
    v[1] ^= 0xdd;
    squeeze(v, out + 8);
}
