/* SPDX-License-Identifier: Apache-2.0 */
/* What the text formats share: series, their values, and the buckets of classic histograms. */
#ifndef METRICS_TEXT_LINES_H
#define METRICS_TEXT_LINES_H

#include "metrics/encode.h"

/* How many bytes text_escape() may need, and where it stopped. */
size_t text_escape_bytes(const char *text);
char *text_escape(char *out, const char *text, bool quotes);

/* " # {run_id="..."} value timestamp"; less than TEXT_EXEMPLAR_BYTES. */
#define TEXT_EXEMPLAR_BYTES 128
char *text_exemplar(char *out, const struct exemplar *exemplar);

/* "name{label="value"}", or with `open` whatever comes before one more label. False: too much. */
bool text_series(struct buf *out, const struct metric_family *family, const char *suffix,
                 const struct sample *sample, bool open);

const struct encoded_bounds *text_bounds(struct encoder *encoder,
                                         const struct histogram *histogram);

/* The lines of a sample; exemplars, where wanted, behind its buckets. */
void text_lines(struct encoder *encoder, const struct metric_family *family,
                const struct sample *sample, bool exemplars);

#endif
