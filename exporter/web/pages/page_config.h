/* SPDX-License-Identifier: Apache-2.0 */
/* /config: the configuration in force without secrets, and the command line. */
#ifndef WEB_PAGES_PAGE_CONFIG_H
#define WEB_PAGES_PAGE_CONFIG_H

#include "web/pages/page.h"

void page_config(const struct page_context *context, struct exchange *exchange);

#endif
