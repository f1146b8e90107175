/* SPDX-License-Identifier: Apache-2.0 */
/* The samples of a snapshot as lines of text, for assertions. */
#ifndef TESTS_SNAPSHOT_TEXT_H
#define TESTS_SNAPSHOT_TEXT_H

#include "base/buf.h"
#include "metrics/snapshot.h"

/* Appends "name{label="value",...} 1.5\n" for each sample, in the order of the families. The value
 * of a histogram is the number of its observations. */
void snapshot_text(const struct snapshot *snapshot, struct buf *out);

/* Fails the test unless the text has this line. */
void assert_sample(const struct snapshot *snapshot, const char *line);

/* Fails the test if a line begins with `start`. */
void assert_no_sample(const struct snapshot *snapshot, const char *start);

/* Fails the test unless the text of all samples is `text`. */
void assert_samples(const struct snapshot *snapshot, const char *text);

#endif
