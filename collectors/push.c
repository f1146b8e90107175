/* SPDX-License-Identifier: Apache-2.0 */
/* Pushes a generated image of random bytes, or an image of a daemon. */

#include "probe/probe.h"
#include "probe/push_settings.h"

static const struct setting settings[] = {
    PROBE_ENGINE_SETTING("client"),
    {0},
};

static bool check(void *state, struct arena *arena, const char **key, struct error *err)
{
    return push_check(state, "push", arena, key, err);
}

const struct collector push_collector = {
    .name = "push",
    .help = "Pushes a generated image of random bytes, or an image of a daemon, to a registry.",
    .settings = SETTINGS(probe_settings, probe_auth_settings, push_settings, settings),
    .check = check,
    .writes = probe_writes,
    PROBE_COLLECTOR,
};
