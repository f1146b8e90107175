/* SPDX-License-Identifier: Apache-2.0 */
/* Pushes an image, pulls it back by its digest, and compares both. */

#include "probe/probe.h"
#include "probe/push_settings.h"

static const struct setting settings[] = {
    PROBE_ENGINE_SETTING("client"),
    SETTING(SETTING_STRING, struct probe, read_back_name, "read_back", "",
            "Engine that pulls the image back; default: the engine of the push, else registry."),
    {0},
};

static bool check(void *state, struct arena *arena, const char **key, struct error *err)
{
    return push_check(state, "roundtrip", arena, key, err);
}

const struct collector roundtrip_collector = {
    .name = "roundtrip",
    .help = "Pushes an image to its registry, pulls it back by digest, and compares both.",
    .settings = SETTINGS(probe_settings, probe_auth_settings, push_settings, settings),
    .check = check,
    .writes = probe_writes,
    PROBE_COLLECTOR,
};
