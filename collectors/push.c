/* SPDX-License-Identifier: Apache-2.0 */
/* Makes an image of fresh random bytes, pushes it, and removes it from containerd again. */

#include "canary/canary.h"

#define LAYERS_MAX      64
#define LAYER_BYTES_MAX (UINT64_C(4) << 30)

static const struct setting settings[] = {
    CANARY_SETTINGS,
    SETTING(SETTING_UINT, struct canary, layers, "content.layers", "1",
            "Layers of the image that is made."),
    SETTING(SETTING_BYTES, struct canary, layer_bytes, "content.size", "1MiB",
            "Random bytes in each layer, new for every run."),
    SETTING(SETTING_BOOL, struct canary, overwrite, "overwrite", "false",
            "Whether an image that no probe made is replaced."),
    {0},
};

static bool check(void *state, struct arena *arena, const char **key, struct error *err)
{
    struct canary *canary = state;

    if (!canary_check(canary, "push", arena, key, err))
        return false;
    *key = "image";
    if (!canary->reference.tag || canary->reference.digest)
        return error_set(err, ERROR_INVALID, "a push needs a tag, and no digest");
    *key = "content.layers";
    if (canary->layers < 1 || canary->layers > LAYERS_MAX)
        return error_set(err, ERROR_INVALID, "must be 1 to %d", LAYERS_MAX);
    *key = "content.size";
    if (canary->layer_bytes < 1 || canary->layer_bytes > LAYER_BYTES_MAX)
        return error_set(err, ERROR_INVALID, "must be 1 to 4GiB");
    return true;
}

const struct collector push_collector = {
    .name = "push",
    .help = "Pushes an image of fresh random bytes to its registry.",
    .settings = settings,
    .check = check,
    CANARY_COLLECTOR,
};
