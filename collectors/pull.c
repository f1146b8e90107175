/* SPDX-License-Identifier: Apache-2.0 */
/* Pulls an image as the node does, compares it with what is expected, and removes it again. */

#include "probe/probe.h"

#define EXAMPLE_DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct setting settings[] = {
    PROBE_ENGINE_SETTING("client", probe_pull_engines),
    SETTING(SETTING_STRING, struct probe, snapshotter, "snapshotter", "",
            "Snapshotter that unpacks the layers. Default: overlayfs; if containerd has not loaded "
            "it, engine client takes CRI's, else the first other one of containerd's list.",
            .example = "native"),
    SETTING(SETTING_BOOL, struct probe, unpack, "unpack", "true",
            "Whether the run unpacks the layers."),
    SETTING(SETTING_UINT, struct probe, max_concurrent_downloads, "max_concurrent_downloads", "3",
            "Layers that the run fetches at a time."),
    SETTING(SETTING_STRING, struct probe, expected.digest, "expected.digest", "",
            "Digest that the reference must resolve to: of the index, if there is one.",
            .example = EXAMPLE_DIGEST, .not_in_defaults = true),
    SETTING(SETTING_STRING, struct probe, expected.manifest_digest, "expected.manifest_digest", "",
            "Digest of the platform's manifest.", .example = EXAMPLE_DIGEST,
            .not_in_defaults = true),
    SETTING(SETTING_BYTES, struct probe, expected.size, "expected.size", "",
            "Expected size in the sense of ctr images ls: index, manifest, config and layers; with "
            "engine docker in the sense of docker images.",
            .example = "2.2MB", .not_in_defaults = true),
    SETTING(SETTING_BYTES, struct probe, expected.size_tolerance, "expected.size_tolerance", "0",
            "Allowed difference between the size and expected.size.", .example = "100kB"),
    SETTING(SETTING_STRING, struct probe, expected.served_by, "expected.served_by", "",
            "Host that must have served the manifest, such as mirror.example:5000.",
            .example = "mirror.example:5000"),
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
