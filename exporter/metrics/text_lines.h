/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the text formats: series, values, and buckets of classic histograms. */
#pragma once

#include "metrics/encode.h"

/* The most bytes that text_escape() writes. It returns the end. */
size_t text_escape_bytes(const char *text);
char *text_escape(char *out, const char *text, bool quotes);

/* Writes " # {run_id="..."} value timestamp": less than TEXT_EXEMPLAR_BYTES. */
#define TEXT_EXEMPLAR_BYTES 128
char *text_exemplar(char *out, const struct exemplar *exemplar);

/* Appends "name{label="value"}"; with `open`, so that one more label can follow. False if `out` is
 * full. */
bool text_series(struct buf *out, const struct metric_family *family, const char *suffix,
                 const struct sample *sample, bool open);

const struct encoded_bounds *text_bounds(struct encoder *encoder,
                                         const struct histogram *histogram);

/* Appends the lines of a sample; `exemplars` after its buckets. */
void text_lines(struct encoder *encoder, const struct metric_family *family,
                const struct sample *sample, bool exemplars);
