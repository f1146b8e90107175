/* SPDX-License-Identifier: Apache-2.0 */
/* A filled text has no placeholder and keeps the text before the first one. A name of a node
 * becomes valid in a repository. */
#include "oci/reference.h"
#include "probe/placeholder.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Uses the text as the name of a node, which may be any text. */
static void check_name(const char *text, struct arena *arena)
{
    const struct placeholders values = {text, "p", 0};
    struct error err;
    const char *name = placeholder_fill("{node}", &values, arena, &err);
    struct reference reference;
    char image[1200];

    if (!name || !*name || strlen(name) > 200)
        return;
    snprintf(image, sizeof(image), "r.io/%s:%.100s", name, name);
    if (!reference_parse(&reference, image, arena, &err))
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 22);
    char *text = arena_strndup(&arena, (const char *)data, size);
    const struct placeholders values = {"Node_1", "probe", 1770000000};
    struct error err = {0};
    const char *filled;

    if (!text)
        return 0;
    check_name(text, &arena);
    filled = placeholder_fill(text, &values, &arena, &err);
    if (!filled) {
        if (err.code == ERROR_NONE)
            __builtin_trap();
        return 0;
    }
    if (strchr(filled, '{') || strncmp(filled, text, strcspn(text, "{")) != 0)
        __builtin_trap();
    return 0;
}
