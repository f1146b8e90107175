/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip of a page out of pieces that were compressed apart, so that those that did not change need
 * not be compressed again. The only file that knows ISA-L: it flushes, which libdeflate cannot, and
 * takes a quarter of its time for two percent more bytes.
 *
 * A gzip file is: gzip_start, any number of pieces one after the other, gzip_finish().
 */
#ifndef WEB_EXPOSITION_GZIP_H
#define WEB_EXPOSITION_GZIP_H

#include "base/buf.h"

#include <stdint.h>

#define GZIP_START_BYTES  10
#define GZIP_FINISH_BYTES 10

struct gzip;

struct gzip *gzip_new(void); /* NULL without memory */
void gzip_free(struct gzip *gzip);
DEFINE_CLEANUP(struct gzip *, gzip_free)

/* Of plain bytes. */
struct gzip_sum {
    uint32_t crc, shift_; /* what they do to the sum of those before them */
    size_t size;
};

extern const unsigned char gzip_start[GZIP_START_BYTES];

/* Appends `data`, compressed, to `out`, which may fail as a buf does. */
struct gzip_sum gzip_pack(struct gzip *gzip, const void *data, size_t size, struct buf *out);

/* The sum of both, one after the other; `second` is of one gzip_pack(). */
struct gzip_sum gzip_join(struct gzip_sum first, struct gzip_sum second);

void gzip_finish(struct gzip_sum sum, unsigned char out[GZIP_FINISH_BYTES]);

#endif
