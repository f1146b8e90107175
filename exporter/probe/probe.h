/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configured probe, whatever its operation: what the collectors `pull`, `push`, `roundtrip` and
 * `tag` have in common.
 *
 * A run asks the engine, compares the result with what is expected, and counts. A collector adds
 * its own settings and its check (probe_check() or push_check()).
 */
#pragma once

#include "collector/collector.h"
#include "probe/probe_report.h"
#include "probe/probe_review.h"
#include "probe/probe_settings.h"

/* The members of struct collector with the same names. */
bool probe_open(void *state, const struct job_context *context, struct error *err);
void probe_close(void *state);
void probe_begin(const void *state, struct snapshot *out);
int64_t probe_slow_ns(const void *state);
bool probe_run(void *state, struct run *run, struct error *err);

/* The members of struct collector that all operations share. */
#define PROBE_COLLECTOR                                                                           \
    .families = probe_families, .resource_settings = probe_registry_settings,                     \
    .state_size = sizeof(struct probe), .lane = LANE_PROBE, .interval = "5m", .timeout = "2m",    \
    .resource = probe_resource, .check_resource = probe_check_resource, .open = probe_open,       \
    .review = probe_review, .close = probe_close, .begin = probe_begin, .slow_ns = probe_slow_ns, \
    .run = probe_run
