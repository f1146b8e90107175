/* SPDX-License-Identifier: Apache-2.0 */
#include "probe/generator.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define TAR_BLOCK_BYTES UINT64_C(512)
#define TAR_END_BYTES   (2 * TAR_BLOCK_BYTES)

bool generator_init(struct generator *generator, struct error *err)
{
    ssize_t n;

    do
        n = getrandom(generator->state_, sizeof(generator->state_), 0);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(generator->state_))
        return error_errno(err, errno, "no random seed");
    generator->state_[0] |= 1; /* all zeros would stay zeros */
    return true;
}

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

static uint64_t next(uint64_t s[4])
{
    uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

void generator_fill(struct generator *generator, void *data, size_t size)
{
    unsigned char *at = data;

    while (size > 0) {
        uint64_t value = next(generator->state_);
        size_t n = size < sizeof(value) ? size : sizeof(value);

        memcpy(at, &value, n);
        at += n;
        size -= n;
    }
}

uint64_t generator_tar_padding(uint64_t file_bytes)
{
    return (TAR_BLOCK_BYTES - file_bytes % TAR_BLOCK_BYTES) % TAR_BLOCK_BYTES + TAR_END_BYTES;
}

uint64_t generator_tar_bytes(uint64_t file_bytes)
{
    return GENERATOR_HEADER_BYTES + file_bytes + generator_tar_padding(file_bytes);
}

/* POSIX ustar: fixed fields of octal text; the checksum counts its own field as spaces. */
void generator_tar_header(unsigned char header[GENERATOR_HEADER_BYTES], const char *name,
                          uint64_t file_bytes)
{
    char *text = (char *)header;
    unsigned sum = 0;

    memset(header, 0, GENERATOR_HEADER_BYTES);
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
    for (size_t i = 0; i < GENERATOR_HEADER_BYTES; i++)
        sum += header[i];
    snprintf(text + 148, 8, "%06o", sum);
}
