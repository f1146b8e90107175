/* SPDX-License-Identifier: Apache-2.0 */
/* Pushes an image of fresh random bytes, or one that a daemon holds. */

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
    .help = "Pushes an image to its registry: of fresh random bytes, or one that a daemon holds.",
    .settings = SETTINGS(probe_settings, probe_auth_settings, push_settings, settings),
    .check = check,
    PROBE_COLLECTOR,
};
