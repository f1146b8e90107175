/* SPDX-License-Identifier: Apache-2.0 */
/* One run as HTML: result, phases, transfer, log. */
#pragma once

#include "web/pages/page.h"

/* `open`: the log is expanded. */
void run_card(struct buf *out, const struct page_context *context, const struct run_record *record,
              double now, bool open);
