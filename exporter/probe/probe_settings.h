/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of a probe: the tables that all operations share, and whether their values fit
 * together.
 */
#pragma once

#include "probe/probe_state.h"

extern const struct setting probe_settings[];          /* every operation */
extern const struct setting probe_auth_settings[];     /* every operation */
extern const struct setting probe_registry_settings[]; /* an entry of `registries:` */

/* The names of the engines of an operation, as engines/engines.h has them, after "auto". */
extern const char *const probe_pull_engines[], *const probe_push_engines[],
                                                   *const probe_tag_engines[];

/* The setting `engine`, whose default and choices depend on the operation. */
#define PROBE_ENGINE_SETTING(fallback, names)                                          \
    SETTING(SETTING_STRING, struct probe, engine_name, "engine", (fallback),           \
            "Engine that does the work; auto: the best engine that this node offers.", \
            .words = (names))

#define PROBE_DEFAULT_NAMESPACE "k8s.io" /* of content.image */

/* As `check` of struct collector, for the operation that the collector implements. */
bool probe_check(struct probe *probe, const char *operation, struct arena *arena, const char **key,
                 struct error *err) MUST_CHECK;

/* As `check_resource` and `resource` of struct collector. */
bool probe_check_resource(const char *name, struct error *err);
const char *probe_resource(const void *state, struct arena *arena);
