/* SPDX-License-Identifier: Apache-2.0 */
#include "web/exposition/gzip.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <string.h>

/* Level 0 is hardly faster and compresses metrics a third worse; level 2 is not better. */
#define LEVEL        1
#define SLICE_BYTES  ((size_t)1 << 30) /* ISA-L counts in 32 bits */
#define BLOCK_BYTES  ((size_t)0xffff)  /* limit of a stored block; its header has STORED_BYTES */
#define STORED_BYTES 5
#define SLACK_BYTES  64

static const unsigned char last_block[] = {0x03, 0x00}; /* empty */

const unsigned char gzip_start[GZIP_START_BYTES] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff};

/* Polynomials over GF(2) modulo the CRC-32 polynomial; the highest bit is the coefficient of 1. */
#define CRC_POLYNOMIAL UINT32_C(0xedb88320)
#define CRC_ONE        UINT32_C(0x80000000)
#define CRC_BYTE       UINT32_C(0x00800000) /* x^8 */
#define SIZE_BITS      32                   /* of the size of a page */

static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;

    for (; a; a <<= 1) {
        product ^= a & CRC_ONE ? b : 0;
        b = b & 1 ? (b >> 1) ^ CRC_POLYNOMIAL : b >> 1;
    }
    return product;
}

struct gzip {
    struct isal_zstream stream;
    uint32_t shifts[SIZE_BITS]; /* factors for 1, 2, 4, ... bytes */
    unsigned char level[ISAL_DEF_LVL1_SMALL];
};

struct gzip *gzip_new(void)
{
    struct gzip *gzip = calloc(1, sizeof(*gzip));

    if (!gzip)
        return NULL;
    gzip->shifts[0] = CRC_BYTE;
    for (size_t i = 1; i < SIZE_BITS; i++)
        gzip->shifts[i] = multiply(gzip->shifts[i - 1], gzip->shifts[i - 1]);
    return gzip;
}

void gzip_free(struct gzip *gzip)
{
    free(gzip);
}

/* Incompressible data is stored, which bounds the result. */
static size_t packed_bytes_max(size_t size)
{
    return size + (size / BLOCK_BYTES + 1) * STORED_BYTES + SLACK_BYTES;
}

/* A full flush ends on a byte boundary and has no references backwards: pieces are independent. */
static void pack_slice(struct gzip *gzip, const char *data, size_t size, struct buf *out)
{
    size_t room = packed_bytes_max(size);
    struct isal_zstream *stream = &gzip->stream;
    char *at = buf_reserve(out, room);

    if (!at)
        return;
    isal_deflate_stateless_init(stream);
    stream->level = LEVEL;
    stream->level_buf = gzip->level;
    stream->level_buf_size = sizeof(gzip->level);
    stream->flush = FULL_FLUSH;
    stream->end_of_stream = 0;
    stream->next_in = (uint8_t *)data; /* ISA-L only reads it */
    stream->avail_in = (uint32_t)size;
    stream->next_out = (uint8_t *)at;
    stream->avail_out = (uint32_t)room;
    if (isal_deflate_stateless(stream) == COMP_OK)
        buf_commit(out, (char *)stream->next_out);
    else
        buf_fail(out, ERROR_LIMIT);
}

/* x^(8 * size): each following byte multiplies the checksum before it by x^8. */
static uint32_t shift_by(const struct gzip *gzip, size_t size)
{
    uint32_t shift = CRC_ONE;

    for (size_t i = 0; size > 0 && i < SIZE_BITS; i++, size >>= 1)
        if (size & 1)
            shift = multiply(gzip->shifts[i], shift);
    return shift;
}

struct gzip_sum gzip_pack(struct gzip *gzip, const void *data, size_t size, struct buf *out)
{
    for (size_t at = 0; at < size; at += SLICE_BYTES)
        pack_slice(gzip, (const char *)data + at, size - at < SLICE_BYTES ? size - at : SLICE_BYTES,
                   out);
    return (struct gzip_sum){crc32_gzip_refl(0, data, size), shift_by(gzip, size), size};
}

struct gzip_sum gzip_join(struct gzip_sum first, struct gzip_sum second)
{
    return (struct gzip_sum){multiply(first.crc, second.shift_) ^ second.crc, 0,
                             first.size + second.size};
}

static void put_le32(unsigned char *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char)(value >> (8 * i));
}

void gzip_finish(struct gzip_sum sum, unsigned char out[GZIP_FINISH_BYTES])
{
    memcpy(out, last_block, sizeof(last_block));
    put_le32(out + sizeof(last_block), sum.crc);
    put_le32(out + sizeof(last_block) + 4, (uint32_t)sum.size);
}
