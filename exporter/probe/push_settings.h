/* SPDX-License-Identifier: Apache-2.0 */
/* The settings that push and roundtrip share: what is sent, and how. */
#pragma once

#include "probe/probe_settings.h"

extern const struct setting push_settings[];

/* As probe_check(), for an operation that pushes. */
bool push_check(struct probe *probe, const char *operation, struct arena *arena, const char **key,
                struct error *err) MUST_CHECK;
