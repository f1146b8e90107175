/* SPDX-License-Identifier: Apache-2.0 */
/* The page at /: the state of this node in one sentence, and the sections that explain it. */
#ifndef WEB_PAGES_STATUS_PAGE_STATUS_H
#define WEB_PAGES_STATUS_PAGE_STATUS_H

#include "web/pages/status/status.h"

void page_status(const struct page_context *context, struct exchange *exchange);

/* Appends the whole page, after status_join(). `number` is the page of probes, from 1. */
bool status_print(struct status *status, uint64_t number, unsigned refresh_seconds, struct buf *out,
                  struct error *err) MUST_CHECK;

#endif
