/* SPDX-License-Identifier: Apache-2.0 */
/* The counters of a probe: set to their start, add a run. */
#pragma once

#include "collector/collector.h"
#include "probe/probe_state.h"

/* Sets all counters as they are before the first run. The struct must be zeroed or in use. */
void probe_counters_reset(struct probe_counters *counters);
void probe_counters_deinit(struct probe_counters *counters);

/* Counts a run; `outcome` is ERROR_NONE for a success. The caller leaves out interrupted runs: they
 * say nothing about the node. */
void probe_count(struct probe *probe, const struct engine_result *result, const struct run *run,
                 enum error_code outcome);

/* Whether a success took longer than the setting `slow`. */
bool probe_is_slow(const struct probe *probe, const struct engine_result *result);
