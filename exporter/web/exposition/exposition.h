/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metrics page, rendered incrementally.
 *
 * For each format in use, a cache keeps the text in chunks. A scrape formats only the chunks whose
 * snapshots changed since the last scrape. The parts of a page are references to blocks: scrapes
 * share them, and a block stays until the last reply with it was sent. In steady state a scrape
 * allocates one list of parts and nothing else.
 */
#pragma once

#include "collector/board.h"
#include "metrics/encode.h"

#include <sys/uio.h>

struct exposition;

struct exposition_options {
    struct board *board;
    struct encode_options encode;
    bool exporter_metrics; /* with process_* and promhttp_* */
};

struct exposition *exposition_new(const struct exposition_options *options, struct error *err);
void exposition_free(struct exposition *exposition);
DEFINE_CLEANUP(struct exposition *, exposition_free)

/* Selects families. An empty list does not restrict. */
struct exposition_filter {
    const char *const *names; /* name[]: exactly these */
    size_t n_names;
    const char *const *collect, *const *exclude; /* names of collectors and operations */
    size_t n_collect, n_exclude;
};

struct exposition_page {
    const struct iovec *parts;
    size_t n_parts, size;
    bool gzip;                   /* compressed; not if the page is too small for it to pay */
    struct reply_blocks *blocks; /* private */
};

/* The page is valid until exposition_release(). Thread-safe. */
bool exposition_render(struct exposition *exposition, enum encode_format format, bool gzip,
                       const struct exposition_filter *filter, struct exposition_page *page,
                       struct error *err) MUST_CHECK;
/* Whether the last page was too large to keep as text: then gzip pays for every client. */
bool exposition_is_large(struct exposition *exposition, enum encode_format format);

void exposition_release(void *blocks); /* with page->blocks; fits reply.release; thread-safe */
