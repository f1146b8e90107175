/* SPDX-License-Identifier: Apache-2.0 */
/* containerd about itself, in detail: what its plugins export, which deprecated features are used.
 */
#ifndef CONTAINERD_INTROSPECTION_H
#define CONTAINERD_INTROSPECTION_H

#include "containerd/containerd.h"

struct plugin_detail {
    struct containerd_plugin plugin;
    const char *init_code; /* the gRPC code's name; NULL: it is loaded */
    struct labels exports;
    const char *const *capabilities;
    size_t n_capabilities;
};

struct plugin_details {
    struct plugin_detail *items;
    size_t count;
};

bool introspection_plugins(struct containerd *daemon, struct arena *arena,
                           struct plugin_details *plugins, struct cancel *cancel,
                           struct error *err) MUST_CHECK;

/* What the first plugin of that type exports under that name; "" where the daemon does not say. */
const char *plugin_export(const struct plugin_details *plugins, const char *type, const char *name);

struct deprecation {
    const char *id;
    double last_occurrence; /* seconds since 1970; 0: not told */
};

struct deprecations {
    struct deprecation *items;
    size_t count;
};

/* None on daemons before 1.6.27 and 1.7.12. */
bool introspection_deprecations(struct containerd *daemon, struct arena *arena,
                                struct deprecations *deprecations, struct cancel *cancel,
                                struct error *err) MUST_CHECK;

#endif
