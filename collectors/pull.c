/* SPDX-License-Identifier: Apache-2.0 */
/* Pulls an image the way a node would, proves that it is the right one, and removes it again. */

#include "probe/probe.h"

static const struct setting settings[] = {
    PROBE_ENGINE_SETTING("client"),
    SETTING(SETTING_STRING, struct probe, snapshotter, "snapshotter", "overlayfs",
            "Snapshotter that layers are unpacked into."),
    SETTING(SETTING_BOOL, struct probe, unpack, "unpack", "true", "Whether layers are unpacked."),
    SETTING(SETTING_UINT, struct probe, max_concurrent_downloads, "max_concurrent_downloads", "3",
            "Layers that are fetched at a time."),
    SETTING(SETTING_STRING, struct probe, expected.digest, "expected.digest", "",
            "Digest that the reference must stand for: of the index, if there is one."),
    SETTING(SETTING_STRING, struct probe, expected.manifest_digest, "expected.manifest_digest", "",
            "Digest of the platform's manifest."),
    SETTING(SETTING_BYTES, struct probe, expected.size, "expected.size", "",
            "Size as ctr images ls shows it: index, manifest, config and layers; engine docker: as "
            "docker images shows it."),
    SETTING(SETTING_BYTES, struct probe, expected.size_tolerance, "expected.size_tolerance", "0",
            "How far the size may be off."),
    SETTING(
        SETTING_STRING, struct probe, expected.served_by, "expected.served_by", "",
        "Host that must have served the manifest: mirror.example, with its port if it has one."),
    {0},
};

static bool check(void *state, struct arena *arena, const char **key, struct error *err)
{
    return probe_check(state, "pull", arena, key, err);
}

const struct collector pull_collector = {
    .name = "pull",
    .help = "Pulls an image from its registry into containerd, cold, and removes it.",
    .settings = SETTINGS(probe_settings, probe_auth_settings, settings),
    .check = check,
    PROBE_COLLECTOR,
};
