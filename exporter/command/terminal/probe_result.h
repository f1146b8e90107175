/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the result of a run, as text or as JSON. */
#pragma once

#include "base/buf.h"
#include "collector/history.h"

/* Appends a paragraph. */
void run_text(const struct run_record *record, struct buf *out);

/* Appends one JSON object and a newline. */
void run_json(const struct run_record *record, struct buf *out);
