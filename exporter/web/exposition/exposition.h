/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page of metrics, rendered from what changed.
 *
 * For every format that somebody asked for, the text of every family is kept as one block; a scrape
 * formats those again whose snapshots are others than at the scrape before, and shares the rest.
 * The parts of a page are references to blocks: several scrapes share them, and a block that is
 * being sent stays until it was, whatever comes after. In steady state nothing is allocated.
 */
#ifndef WEB_EXPOSITION_EXPOSITION_H
#define WEB_EXPOSITION_EXPOSITION_H

#include "collector/board.h"
#include "metrics/encode.h"

#include <sys/uio.h>

struct exposition;

struct exposition_options {
    struct board *board;
    struct encode_options encode;
    bool exporter_metrics; /* process_*, promhttp_* and those of the exporter itself */
};

struct exposition *exposition_new(const struct exposition_options *options, struct error *err);
void exposition_free(struct exposition *exposition);
DEFINE_CLEANUP(struct exposition *, exposition_free)

/* Which families: all that no list speaks against. Empty lists say nothing. */
struct exposition_filter {
    const char *const *names; /* name[]: exactly these */
    size_t n_names;
    const char *const *collect, *const *exclude; /* names of collectors and operations */
    size_t n_collect, n_exclude;
};

struct exposition_page {
    const struct iovec *parts;
    size_t n_parts, size;
    bool gzip;                  /* it is: not where it was not asked for, or would not pay */
    struct reply_blocks *lease; /* private */
};

/* The page until exposition_release(), which any thread may call. */
bool exposition_render(struct exposition *exposition, enum encode_format format, bool gzip,
                       const struct exposition_filter *filter, struct exposition_page *page,
                       struct error *err) MUST_CHECK;
/* Whether the last page was too large to be kept as it is: then gzip pays for everybody. */
bool exposition_is_large(struct exposition *exposition, enum encode_format format);

void exposition_release(void *lease); /* of page->lease; fits reply.release */

#endif
