/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The common parts of the HTML pages: head, style sheet, header with the node's name, navigation,
 * footer, and HTTP headers that forbid browsers to load anything else.
 */
#pragma once

#include "web/pages/page.h"

#define LAYOUT_HTML        "text/html; charset=utf-8"
#define LAYOUT_LIMIT_BYTES ((size_t)4 << 20) /* per page */

struct layout {
    const char *title;        /* "Status" */
    const char *path;         /* "/history": the current link of the navigation */
    unsigned refresh_seconds; /* 0: no automatic reload */
};

void layout_begin(struct buf *out, const struct page_context *context, const struct layout *layout);
void layout_end(struct buf *out, const struct page_context *context);

/* ` href="/prefix/path"`. layout_open_href() leaves the quote open; the caller must escape what it
 * appends. */
void layout_href(struct buf *out, const struct page_context *context, const char *path);
void layout_open_href(struct buf *out, const struct page_context *context, const char *path);
/* A link to the runs of a probe. */
void layout_history_href(struct buf *out, const struct page_context *context, const char *probe);

/* Replies with *out, and empties it; 500 if it did not fit. */
void layout_reply(struct exchange *exchange, unsigned status, const char *content_type,
                  struct buf *out);
/* Replies with a page of one sentence: 400, 404. */
void layout_reject(const struct page_context *context, struct exchange *exchange, unsigned status,
                   const char *sentence);

/* The value of a parameter; NULL if it is absent. Returns false if it is repeated. */
bool layout_parameter(const struct exchange *exchange, const char *name, const char **value);
/* Likewise, for a number from 1 to `max`; `fallback` if it is absent. */
bool layout_number(const struct exchange *exchange, const char *name, uint64_t fallback,
                   uint64_t max, uint64_t *value);

/* Likewise, for the parameter format, which must be one of two words. */
bool layout_format(const struct exchange *exchange, const char *one, const char *other,
                   const char **format);
