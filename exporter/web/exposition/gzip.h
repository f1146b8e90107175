/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip of a page from separately compressed pieces, so that unchanged pieces are not compressed
 * again. The only file that uses ISA-L: unlike libdeflate it can flush, and it needs a quarter of
 * the time for two percent more bytes.
 *
 * A gzip file is gzip_start, any number of pieces, gzip_finish().
 */
#pragma once

#include "base/buf.h"

#include <stdint.h>

#define GZIP_START_BYTES  10
#define GZIP_FINISH_BYTES 10

struct gzip;

struct gzip *gzip_new(void); /* NULL without memory */
void gzip_free(struct gzip *gzip);
DEFINE_CLEANUP(struct gzip *, gzip_free)

/* The checksum of uncompressed bytes. */
struct gzip_sum {
    uint32_t crc, shift_; /* shift_: factor for the checksum of the bytes before */
    size_t size;
};

extern const unsigned char gzip_start[GZIP_START_BYTES];

/* Appends `data`, compressed, to `out`. The caller must check buf_ok(out). */
struct gzip_sum gzip_pack(struct gzip *gzip, const void *data, size_t size, struct buf *out);

/* The checksum of `first` followed by `second`, which must come from gzip_pack(). */
struct gzip_sum gzip_join(struct gzip_sum first, struct gzip_sum second);

void gzip_finish(struct gzip_sum sum, unsigned char out[GZIP_FINISH_BYTES]);
