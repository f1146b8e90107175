/* SPDX-License-Identifier: Apache-2.0 */
/* Gives a manifest in the registry another tag, and reads it back by that tag. */

#include "probe/probe.h"

static const struct setting settings[] = {
    PROBE_ENGINE_SETTING("registry"),
    SETTING(SETTING_STRING, struct probe, tag, "tag", NULL,
            "New tag, in the repository of the image.", .example = "probe-{node}",
            .not_in_defaults = true),
    SETTING(SETTING_BOOL, struct probe, push.overwrite, "overwrite", "false",
            "Whether the new tag may replace an image that no probe pushed."),
    {0},
};

static bool check(void *state, struct arena *arena, const char **key, struct error *err)
{
    return probe_check(state, "tag", arena, key, err);
}

const struct collector tag_collector = {
    .name = "tag",
    .help = "Gives an image in the registry another tag, and reads it back: three requests.",
    .settings = SETTINGS(probe_settings, probe_auth_settings, settings),
    .check = check,
    .writes = probe_writes,
    PROBE_COLLECTOR,
};
