/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all pages for people have in common: head and style, the band with the node's name, the way
 * to the other pages, the foot; and headers that let a browser load nothing from anywhere.
 */
#ifndef WEB_PAGES_LAYOUT_H
#define WEB_PAGES_LAYOUT_H

#include "web/web.h"

#define LAYOUT_HTML        "text/html; charset=utf-8"
#define LAYOUT_LIMIT_BYTES ((size_t)4 << 20) /* of a page */

struct layout {
    const char *title;        /* of the page: "Status" */
    const char *path;         /* "/history": which link is the current one */
    unsigned refresh_seconds; /* 0: the page is not loaded again by itself */
};

void layout_begin(struct buf *out, const struct web_options *options, const struct layout *layout);
void layout_end(struct buf *out, const struct web_options *options);

/* ` href="/prefix/path"`, by which people reach `path`; `query` and what else follows is escaped by
 * whoever appends it: open_href leaves the quote open. */
void layout_href(struct buf *out, const struct web_options *options, const char *path);
void layout_open_href(struct buf *out, const struct web_options *options, const char *path);
/* To the runs of a probe. */
void layout_history_href(struct buf *out, const struct web_options *options, const char *probe);

/* Replies with *out, and empties it; 500 if it did not fit. */
void layout_reply(struct exchange *exchange, unsigned status, const char *content_type,
                  struct buf *out);
/* A page of one sentence: 400, 404. */
void layout_refuse(const struct web_options *options, struct exchange *exchange, unsigned status,
                   const char *sentence);

/* The one value of a parameter; NULL if it is absent, and false if it stands there twice. */
bool layout_parameter(const struct exchange *exchange, const char *name, const char **value);
/* Likewise, a number from 1 to `max`; `fallback` if it is absent. */
bool layout_number(const struct exchange *exchange, const char *name, uint64_t fallback,
                   uint64_t max, uint64_t *value);

/* Likewise, one of two words; NULL if it is absent. */
bool layout_format(const struct exchange *exchange, const char *one, const char *other,
                   const char **format);

#endif
