/* SPDX-License-Identifier: Apache-2.0 */
/* The pages for people, as rows of the table of routes: one file each. */
#ifndef WEB_PAGES_PAGES_H
#define WEB_PAGES_PAGES_H

#include "web/web.h"

void page_status(const struct web_options *options, struct exchange *exchange);       /* / */
void page_history(const struct web_options *options, struct exchange *exchange);      /* /history */
void page_config(const struct web_options *options, struct exchange *exchange);       /* /config */
void page_metrics_help(const struct web_options *options, struct exchange *exchange); /* ... */
void page_probe(const struct web_options *options, struct exchange *exchange);        /* /probe */

extern const struct metric_family
    page_probe_families[]; /* of /probe, never of the page of metrics */

#endif
