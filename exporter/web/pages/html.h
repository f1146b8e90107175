/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words in a page. Whatever comes from outside (names, messages, logs) goes through here: it is
 * valid UTF-8 then, no markup, and cannot turn the direction of what follows it. A text has an end
 * (HTML_TEXT_MAX_BYTES), so that no name makes a page of its own.
 */
#ifndef WEB_PAGES_HTML_H
#define WEB_PAGES_HTML_H

#include "base/buf.h"

#define HTML_TEXT_MAX_BYTES ((size_t)2048) /* what is longer is cut, and ends with an ellipsis */

void html_text(struct buf *out, const char *text);
void html_text_part(struct buf *out, const char *text, size_t size);
/* ` name="value"` */
void html_attribute(struct buf *out, const char *name, const char *value);
/* The value of a query parameter, percent-encoded. */
void html_query(struct buf *out, const char *value);

/* "85 ms", "1.2 s", "3 min 5 s", "2 h 10 min", "4 d 3 h" */
void html_seconds(struct buf *out, double seconds);
void html_bytes(struct buf *out, double bytes);
/* <time>: "3 min ago" or "in 3 min", and the moment itself, in UTC, to machines and on hover. */
void html_time(struct buf *out, double unix_seconds, double now);
/* "2026-11-22T00:58:03Z" */
void html_moment(struct buf *out, double unix_seconds);

#endif
