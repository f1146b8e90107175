/* SPDX-License-Identifier: Apache-2.0 */
/* The page at /: the state of this node in one sentence, and the sections that explain it. */
#pragma once

#include "web/pages/status/status.h"

void page_status(const struct page_context *context, struct exchange *exchange);

/* Appends the whole page, after status_join(). `number` is the page of probes, from 1. */
bool status_print(struct status *status, uint64_t number, unsigned refresh_seconds, struct buf *out,
                  struct error *err) MUST_CHECK;
