/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a manifest that is in the registry under another tag, and reads it by that. */

#include "probe/probe.h"

static const struct setting settings[] = {
    PROBE_ENGINE_SETTING("registry"),
    SETTING(SETTING_STRING, struct probe, tag, "tag", NULL,
            "The new tag, in the repository of the image."),
    SETTING(SETTING_BOOL, struct probe, push.overwrite, "overwrite", "false",
            "Whether an image that no probe put there is replaced."),
    {0},
};

static bool check(void *state, struct arena *arena, const char **key, struct error *err)
{
    return probe_check(state, "tag", arena, key, err);
}

const struct collector tag_collector = {
    .name = "tag",
    .help = "Puts an image's manifest under another tag, and reads it back: three requests.",
    .settings = SETTINGS(probe_settings, probe_auth_settings, settings),
    .check = check,
    PROBE_COLLECTOR,
};
