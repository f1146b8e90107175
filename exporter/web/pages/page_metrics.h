/* SPDX-License-Identifier: Apache-2.0 */
/* /metrics-help: the meaning of every metric, with an example query. */
#ifndef WEB_PAGES_PAGE_METRICS_H
#define WEB_PAGES_PAGE_METRICS_H

#include "web/pages/page.h"

void page_metrics_help(const struct page_context *context, struct exchange *exchange);

#endif
