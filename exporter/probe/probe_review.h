/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings about the settings of a probe, as `review` and `writes` of struct collector. */
#pragma once

#include "collector/collector.h"

void probe_review(const void *state, struct review *review);

/* For operations that push or tag. */
const char *probe_writes(const void *state, const char *name, struct arena *arena);
