/* SPDX-License-Identifier: Apache-2.0 */
/* The Prometheus text format, written and nothing else: no locks, no I/O, no policy. */
#ifndef METRICS_ENCODE_H
#define METRICS_ENCODE_H

#include "base/buf.h"
#include "metrics/snapshot.h"

enum encode_format {
    ENCODE_TEXT,        /* text/plain; version=0.0.4 */
    ENCODE_OPENMETRICS, /* application/openmetrics-text; version=1.0.0 */
};

enum encode_format encode_negotiate(const char *accept_header);
const char *encode_content_type(enum encode_format format);

/* Writes the family once, with the samples of all `snapshots`; nothing if there are none.
 * All snapshots must have been made for the same table of families. */
void encode_family(struct buf *out, enum encode_format format, size_t family,
                   struct snapshot *const *snapshots, size_t n_snapshots);
void encode_end(struct buf *out, enum encode_format format);

#endif
