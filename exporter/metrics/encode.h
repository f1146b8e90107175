/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exposition formats, written and nothing else: no locks, no I/O, no policy.
 *
 * A page is, for every family in the order of the names: encode_family() once,
 * encode_samples() for every snapshot that has samples of it; then encode_end().
 * A format is a row of the table in encode.c.
 */
#ifndef METRICS_ENCODE_H
#define METRICS_ENCODE_H

#include "base/buf.h"
#include "metrics/snapshot.h"

enum encode_format {
    ENCODE_TEXT, /* text/plain; version=0.0.4 */
};

/* The format for an Accept header (NULL: there was none). Always one: a scrape is never refused. */
enum encode_format encode_negotiate(const char *accept_header);
const char *encode_content_type(enum encode_format format);

void encode_family(struct buf *out, enum encode_format format, const struct metric_family *family);
void encode_samples(struct buf *out, enum encode_format format, const struct metric_family *family,
                    const struct sample *samples);
void encode_end(struct buf *out, enum encode_format format);

/* The fewest digits that read back as the same double; whole numbers without an exponent. */
void encode_number(struct buf *out, double value);

#endif
