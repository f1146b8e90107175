/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics of a probe: one table of families for all operations. */
#pragma once

#include "metrics/snapshot.h"
#include "probe/probe_state.h"

/* P = {probe, operation, engine, registry} are the labels of every family. */
extern const struct metric_family probe_families[];

/* Adds the metrics of *probe as they are now. */
void probe_report(const struct probe *probe, struct snapshot *out);
