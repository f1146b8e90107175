/* SPDX-License-Identifier: Apache-2.0 */
/* /history: recent runs of all probes or one, as HTML or JSON. */
#ifndef WEB_PAGES_PAGE_HISTORY_H
#define WEB_PAGES_PAGE_HISTORY_H

#include "web/pages/page.h"

void page_history(const struct page_context *context, struct exchange *exchange);

#endif
