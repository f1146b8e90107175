/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /probe?target=NAME: a run on demand, and the metrics of that run alone, with the names of
 * blackbox_exporter where they fit. Only configured probes are targets; no part of the URL becomes
 * an image reference.
 */
#pragma once

#include "web/pages/page.h"

extern const struct metric_family page_probe_families[]; /* on /probe only */

void page_probe(const struct page_context *context, struct exchange *exchange);
