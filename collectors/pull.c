/* SPDX-License-Identifier: Apache-2.0 */
/* Pulls an image the way a node would, proves that it is the right one, and removes it again. */

#include "probe/probe.h"

static const struct setting settings[] = {
    CANARY_SETTINGS,
    SETTING(SETTING_STRING, struct canary, snapshotter, "snapshotter", "overlayfs",
            "Snapshotter that layers are unpacked into."),
    SETTING(SETTING_BOOL, struct canary, unpack, "unpack", "true", "Whether layers are unpacked."),
    SETTING(SETTING_UINT, struct canary, max_concurrent_downloads, "max_concurrent_downloads", "3",
            "Layers that are fetched at a time."),
    SETTING(SETTING_STRING, struct canary, expected.digest, "expected.digest", "",
            "Digest that the reference must stand for: of the index, if there is one."),
    SETTING(SETTING_STRING, struct canary, expected.manifest_digest, "expected.manifest_digest", "",
            "Digest of the platform's manifest."),
    SETTING(SETTING_BYTES, struct canary, expected.size, "expected.size", "",
            "Size as ctr images ls shows it: index, manifest, config and layers; engine docker: as "
            "docker images shows it."),
    SETTING(SETTING_BYTES, struct canary, expected.size_tolerance, "expected.size_tolerance", "0",
            "How far the size may be off."),
    SETTING(
        SETTING_STRING, struct canary, expected.served_by, "expected.served_by", "",
        "Host that must have served the manifest: mirror.example, with its port if it has one."),
    {0},
};

static bool check(void *state, struct arena *arena, const char **key, struct error *err)
{
    return canary_check(state, "pull", arena, key, err);
}

const struct collector pull_collector = {
    .name = "pull",
    .help = "Pulls an image from its registry into containerd, cold, and removes it.",
    .settings = settings,
    .check = check,
    CANARY_COLLECTOR,
};
