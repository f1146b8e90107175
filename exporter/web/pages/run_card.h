/* SPDX-License-Identifier: Apache-2.0 */
/* One run as HTML: result, phases, transfer, log. */
#ifndef WEB_PAGES_RUN_CARD_H
#define WEB_PAGES_RUN_CARD_H

#include "web/pages/page.h"

/* `open`: the log is expanded. */
void run_card(struct buf *out, const struct page_context *context, const struct run_record *record,
              double now, bool open);

#endif
