/* SPDX-License-Identifier: Apache-2.0 */
/* containerd's Introspection service: its plugins and the deprecated features in use. */
#pragma once

#include "containerd/containerd.h"

#define SNAPSHOTTER_PLUGIN "io.containerd.snapshotter.v1" /* the type; the id is its name */

struct plugin {
    const char *type, *id;
    const char *init_error; /* NULL: the plugin is loaded */
    const char *init_code;  /* name of the gRPC status; NULL: the plugin is loaded */
    struct labels exports;
    const char *const *capabilities;
    size_t n_capabilities;
};

struct plugins {
    struct plugin *items;
    size_t count;
};

bool introspection_plugins(struct containerd *daemon, struct arena *arena, struct plugins *plugins,
                           struct cancel *cancel, struct error *err) MUST_CHECK;

/* Whether the daemon has loaded this plugin. */
bool plugins_have(const struct plugins *plugins, const char *type, const char *id);

/* Returns "ok", "skip" or "error", as `ctr plugins ls` does. */
const char *plugin_status(const struct plugin *plugin);

/* Returns what the first plugin of that type exports under that name, or "". */
const char *plugin_export(const struct plugins *plugins, const char *type, const char *name);

struct deprecation {
    const char *id;
    double last_occurrence; /* seconds since 1970; 0: unknown */
};

struct deprecations {
    struct deprecation *items;
    size_t count;
};

/* Daemons before 1.6.27 and 1.7.12 report none. */
bool introspection_deprecations(struct containerd *daemon, struct arena *arena,
                                struct deprecations *deprecations, struct cancel *cancel,
                                struct error *err) MUST_CHECK;
