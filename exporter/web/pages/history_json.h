/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run history as JSON. The members are a contract: new ones may be added, existing ones keep
 * their name and type.
 *
 *     {"node": "n1", "now": 1764000000.5, "runs": [   newest first
 *       {"id": "0123456789abcdef", "probe": "p", "operation": "pull", "engine": "client",
 *        "registry": "r", "image": "r/a:1", "host": "r", "trigger": "scheduled" (retry, demand),
 *        "start": 1764000000.1, "start_time": "2026-11-22T00:58:03Z", "seconds": 1.5,
 *        "timeout_seconds": 60, "success": false, "slow": false,
 *        "reason": "dns" (null after a success), "message": "...", "warning": "",
 *        "phases": {"resolve": 0.2},   phases that ran
 *        "bytes": {"fetched": 1, "uploaded": 0, "cached": 0, "declared": 1},
 *        "log": ["+0.123s ..."]}]}
 *
 * An error is {"error": "..."}, with its HTTP status.
 */
#pragma once

#include "base/buf.h"
#include "collector/history.h"

void history_json(struct buf *out, const char *node, double now,
                  const struct run_record *const *records, size_t n);
void history_json_error(struct buf *out, const char *sentence);
