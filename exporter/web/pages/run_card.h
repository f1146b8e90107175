/* SPDX-License-Identifier: Apache-2.0 */
/* One run for people: what happened, where the time went, what it said. */
#ifndef WEB_PAGES_RUN_CARD_H
#define WEB_PAGES_RUN_CARD_H

#include "web/web.h"

/* `open`: its log is shown at once. */
void run_card(struct buf *out, const struct web_options *options, const struct run_record *record,
              double now, bool open);

#endif
