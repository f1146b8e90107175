/* SPDX-License-Identifier: Apache-2.0 */
#include "web/tables.h"

#include "server/config/web_reload.h"
#include "web/pages/pages.h"
#include "web/scrape.h"

#include <stddef.h>

const struct metric_family *const web_tables[] = {scrape_families, web_reload_families,
                                                  page_probe_families, NULL};
