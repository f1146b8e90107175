/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/image/random_layer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define TAR_BLOCK_BYTES UINT64_C(512)
#define TAR_END_BYTES   (2 * TAR_BLOCK_BYTES)

/* As wide as the widest registers that are common; narrower ones take it in two steps. */
typedef uint64_t lanes __attribute__((vector_size(RANDOM_LAYER_BLOCK_BYTES)));

#define ROTATE(x, k) (((x) << (k)) | ((x) >> (64 - (k))))

bool random_layer_seed(uint64_t *seed, struct error *err)
{
    ssize_t n;

    do
        n = getrandom(seed, sizeof(*seed), 0);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(*seed))
        return error_errno(err, errno, "no random seed");
    if (*seed == 0)
        *seed = 1;
    return true;
}

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Seed and number are scrambled apart, or the bytes of one number would be those of another a few
 * words later. */
void random_layer_init(struct random_layer *random_layer, uint64_t seed, uint64_t number)
{
    uint64_t state = splitmix64(&seed) ^ splitmix64(&number);

    *random_layer = (struct random_layer){0};
    for (size_t lane = 0; lane < RANDOM_LAYER_LANES; lane++)
        for (size_t word = 0; word < 4; word++)
            random_layer->state_[word][lane] = splitmix64(&state);
}

static void fill_blocks(struct random_layer *random_layer, unsigned char *at, size_t n)
{
    lanes s[4];

    memcpy(s, random_layer->state_, sizeof(s));
    for (; n > 0; n--, at += RANDOM_LAYER_BLOCK_BYTES) {
        lanes sum = s[0] + s[3], block = ROTATE(sum, 23) + s[0], t = s[1] << 17;

        memcpy(at, &block, sizeof(block));
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = ROTATE(s[3], 45);
    }
    memcpy(random_layer->state_, s, sizeof(s));
}

static size_t take_spare(struct random_layer *random_layer, unsigned char *at, size_t size)
{
    size_t n = size < random_layer->n_spare_ ? size : random_layer->n_spare_;

    memcpy(at, random_layer->spare_ + RANDOM_LAYER_BLOCK_BYTES - random_layer->n_spare_, n);
    random_layer->n_spare_ -= n;
    return n;
}

void random_layer_fill(struct random_layer *random_layer, void *data, size_t size)
{
    unsigned char *at = data;
    size_t n = take_spare(random_layer, at, size), whole = (size - n) / RANDOM_LAYER_BLOCK_BYTES;

    fill_blocks(random_layer, at + n, whole);
    n += whole * RANDOM_LAYER_BLOCK_BYTES;
    if (n == size)
        return;
    fill_blocks(random_layer, random_layer->spare_, 1);
    random_layer->n_spare_ = RANDOM_LAYER_BLOCK_BYTES;
    (void)take_spare(random_layer, at + n, size - n);
}

uint64_t random_layer_tar_padding(uint64_t file_bytes)
{
    return (TAR_BLOCK_BYTES - file_bytes % TAR_BLOCK_BYTES) % TAR_BLOCK_BYTES + TAR_END_BYTES;
}

uint64_t random_layer_tar_bytes(uint64_t file_bytes)
{
    return RANDOM_LAYER_HEADER_BYTES + file_bytes + random_layer_tar_padding(file_bytes);
}

/* POSIX ustar: fixed fields of octal text; the checksum counts its own field as spaces. */
void random_layer_tar_header(unsigned char header[RANDOM_LAYER_HEADER_BYTES], const char *name,
                             uint64_t file_bytes)
{
    char *text = (char *)header;
    unsigned sum = 0;

    memset(header, 0, RANDOM_LAYER_HEADER_BYTES);
    snprintf(text, 100, "%s", name);
    memcpy(text + 100, "0000644", 8);
    memcpy(text + 108, "0000000", 8);
    memcpy(text + 116, "0000000", 8);
    snprintf(text + 124, 12, "%011" PRIo64, file_bytes);
    memcpy(text + 136, "00000000000", 12);
    memset(text + 148, ' ', 8);
    text[156] = '0';
    memcpy(text + 257, "ustar", 6);
    memcpy(text + 263, "00", 2);
    for (size_t i = 0; i < RANDOM_LAYER_HEADER_BYTES; i++)
        sum += header[i];
    snprintf(text + 148, 8, "%06o", sum);
}
