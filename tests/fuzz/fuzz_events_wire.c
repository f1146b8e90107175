/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes any bytes as an event of the daemon. The strings are not longer than the message, and an
 * invalid envelope has an error.
 */
#include "containerd/wire/events_wire.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_BYTES ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct buf message = {.data = (char *)data, .size = size, .limit_bytes = size};
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    struct event event;
    const char *text;
    struct error err = {0};

    if (!events_wire_envelope(&message, &arena, &event, &text, &err)) {
        if (err.code != ERROR_PROTOCOL && err.code != ERROR_LIMIT)
            abort();
        return 0;
    }
    if (strlen(event.name_space) + strlen(event.topic) + strlen(text) > size)
        abort();
    return 0;
}
