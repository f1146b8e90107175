/* SPDX-License-Identifier: Apache-2.0 */
/* Which engine works for a probe, and whether the engine supports the settings. */
#pragma once

#include "probe/probe_settings.h"

#define ENGINE_AUTO               "auto"
#define PROBE_DEFAULT_SNAPSHOTTER "overlayfs" /* if the setting is empty */
#define PROBE_DEFAULT_DOWNLOADS   3 /* layers at a time: the default of containerd's CRI plugin */

/* Sets probe->engine from the setting `engine`; NULL for auto. */
bool probe_engine_find(struct probe *probe, const char **key, struct error *err) MUST_CHECK;

/* Whether probe->engine supports the settings. True while no engine is chosen. */
bool probe_engine_check_abilities(const struct probe *probe, const char **key,
                                  struct error *err) MUST_CHECK;

/* For `engine: auto`: sets probe->engine to the best engine that the node offers now. A probe never
 * goes back to a worse engine. A change resets the counters. */
bool probe_engine_choose(struct probe *probe, const struct engine_request *request,
                         struct cancel *cancel, struct error *err) MUST_CHECK;

/* The name for labels: "auto" until an engine is chosen. */
const char *probe_engine_name(const struct probe *probe);

/* The engine that pulls back what a roundtrip pushed; NULL for other operations. */
const struct engine *probe_read_back(const struct probe *probe);
