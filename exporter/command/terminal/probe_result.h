/* SPDX-License-Identifier: Apache-2.0 */
/* How a run went, for people and for programs. */
#ifndef COMMAND_TERMINAL_PROBE_RESULT_H
#define COMMAND_TERMINAL_PROBE_RESULT_H

#include "base/buf.h"
#include "collector/history.h"

/* A paragraph. */
void run_text(const struct run_record *record, struct buf *out);

/* One line. */
void run_json(const struct run_record *record, struct buf *out);

#endif
