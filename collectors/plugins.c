/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugins of containerd with their status in the words of `ctr plugins ls` (ok, skip, error),
 * and those of their details that an operator needs.
 */

#include "collector/collector.h"
#include "collector/node.h"
#include "containerd/introspection.h"

#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)4 << 20)

enum {
    PLUGINS,
    PLUGIN_STATUS,
    INIT_ERROR,
    SNAPSHOTTER,
    SHARING_POLICY,
    CRI,
};

static const struct metric_family families[] = {
    [PLUGINS] =
        {METRIC_GAUGE,
         "containerd_plugins",
         "Plugins of containerd by status, in the words of ctr plugins ls: ok, skip, error. "
         "Listed on a schedule.",
         {"status"},
         .query = "containerd_plugins{status=\"error\"} > 0"},
    [PLUGIN_STATUS] =
        {METRIC_GAUGE,
         "containerd_plugin_status",
         "Status of a plugin: its current status is 1, the other statuses are 0. Listed on a "
         "schedule.",
         {"type", "id", "status"},
         .query = "containerd_plugin_status{status=\"error\"} == 1"},
    [INIT_ERROR] = {METRIC_INFO,
                    "containerd_plugin_init_error_info",
                    "gRPC code of the error that made the daemon skip or fail a plugin; always "
                    "1. Listed on a schedule.",
                    {"type", "id", "code"}},
    [SNAPSHOTTER] = {METRIC_INFO,
                     "containerd_snapshotter_info",
                     "A loaded snapshotter, its root folder (empty if it exports none) and its "
                     "capabilities; always 1. Listed on a schedule.",
                     {"snapshotter", "root", "capabilities"}},
    [SHARING_POLICY] = {METRIC_INFO,
                        "containerd_content_sharing_policy_info",
                        "Whether namespaces share blobs: node or isolated; always 1. Listed on a "
                        "schedule.",
                        {"policy"}},
    [CRI] = {METRIC_INFO,
             "containerd_cri_info",
             "The version of CRI that the daemon speaks with the kubelet; always 1. Listed on a "
             "schedule.",
             {"version"}},
    {0},
};

static const char *const statuses[] = {"ok", "skip", "error"};
#define STATUSES (sizeof(statuses) / sizeof(statuses[0]))

static bool is_of_type(const struct plugin *detail, const char *type)
{
    return strcmp(detail->type, type) == 0;
}

static void add_snapshotter(const struct plugin *detail, struct snapshot *out)
{
    CLEANUP(buf_deinit) struct buf capabilities = BUF_INIT(LABEL_VALUE_LIMIT_BYTES);
    const char *root = labels_get(&detail->exports, "root");
    struct error ignored; /* text beyond the limit of a label is cut */

    for (size_t i = 0; i < detail->n_capabilities && buf_ok(&capabilities, &ignored); i++) {
        buf_append_str(&capabilities, i > 0 ? "," : "");
        buf_append_str(&capabilities, detail->capabilities[i]);
    }
    snapshot_add(out, SNAPSHOTTER, 1, detail->id, root ? root : "",
                 capabilities.size > 0 ? capabilities.data : "");
}

static void add_details(const struct plugin *detail, struct snapshot *out)
{
    const char *policy = labels_get(&detail->exports, "policy");

    if (detail->init_code) {
        snapshot_add(out, INIT_ERROR, 1, detail->type, detail->id, detail->init_code);
        return;
    }
    if (is_of_type(detail, SNAPSHOTTER_PLUGIN))
        add_snapshotter(detail, out);
    if (policy && is_of_type(detail, "io.containerd.metadata.v1"))
        snapshot_add(out, SHARING_POLICY, 1, policy);
}

/* In containerd 1 the plugin that serves CRI exports the version. In containerd 2 the plugin behind
 * it does, even if CRI is not served. */
static void add_cri(const struct plugins *plugins, struct snapshot *out)
{
    const char *version = NULL;
    bool served = false;

    for (size_t i = 0; i < plugins->count; i++) {
        const struct plugin *detail = &plugins->items[i];
        bool serves = is_of_type(detail, "io.containerd.grpc.v1") &&
                      strcmp(detail->id, "cri") == 0 && !detail->init_code;
        const char *exported = labels_get(&detail->exports, "CRIVersion");

        served |= serves;
        if (exported && (serves || is_of_type(detail, "io.containerd.cri.v1")))
            version = exported;
    }
    if (served && version)
        snapshot_add(out, CRI, 1, version);
}

static void add_statuses(const struct plugin *plugin, double counts[STATUSES], struct snapshot *out)
{
    for (size_t s = 0; s < STATUSES; s++) {
        bool is = strcmp(plugin_status(plugin), statuses[s]) == 0;

        counts[s] += is;
        snapshot_add(out, PLUGIN_STATUS, is, plugin->type, plugin->id, statuses[s]);
    }
}

static bool run(void *state, struct run *run, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct plugins plugins;
    double counts[STATUSES] = {0};

    (void)state;
    if (!introspection_plugins(run->node->containerd, &arena, &plugins, run->cancel, err))
        return false;
    for (size_t i = 0; i < plugins.count; i++) {
        add_statuses(&plugins.items[i], counts, run->out);
        add_details(&plugins.items[i], run->out);
    }
    add_cri(&plugins, run->out);
    for (size_t s = 0; s < STATUSES; s++)
        snapshot_add(run->out, PLUGINS, counts[s], statuses[s]);
    return true;
}

const struct collector plugins_collector = {
    .name = "plugins",
    .help = "Plugins of containerd: loaded, skipped or in error, and details.",
    .families = families,
    .lane = LANE_INVENTORY,
    .interval = "60s",
    .timeout = "10s",
    .run = run,
};
