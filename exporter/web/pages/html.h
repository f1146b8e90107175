/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text in HTML. All external text (names, messages, logs) must pass through here: it becomes valid
 * UTF-8 without markup and without characters that change the text direction. A text is cut at
 * HTML_TEXT_MAX_BYTES.
 */
#pragma once

#include "base/buf.h"

#define HTML_TEXT_MAX_BYTES ((size_t)2048) /* longer text ends with an ellipsis */

void html_text(struct buf *out, const char *text);
void html_text_part(struct buf *out, const char *text, size_t size);
/* Appends `fmt` with a text for each %s. The other conversions of printf() are not supported. */
void html_fill(struct buf *out, const char *fmt, ...) PRINTF(2, 3);
/* ` name="value"` */
void html_attribute(struct buf *out, const char *name, const char *value);
/* The value of a query parameter, percent-encoded. */
void html_query(struct buf *out, const char *value);

/* "85 ms", "1.2 s", "3 min 5 s", "2 h 10 min", "4 d 3 h" */
void html_seconds(struct buf *out, double seconds);
void html_bytes(struct buf *out, double bytes);
/* <time> with "3 min ago" or "in 3 min", and the exact UTC time as attribute and on hover. */
void html_time(struct buf *out, double unix_seconds, double now);
/* "2026-11-22T00:58:03Z" */
void html_moment(struct buf *out, double unix_seconds);
