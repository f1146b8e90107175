/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a message on a stream of the daemon, of each type that is listened to. What comes
 * out is no longer than what went in, and no host has a control character.
 */
#include "containerd/transfer/transfer_log.h"
#include "containerd/transfer/transfer_progress.h"
#include "containerd/wire/transfer_wire.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT_BYTES ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_progress(const struct buf *value, struct arena *arena)
{
    CLEANUP(transfer_progress_deinit)
    struct transfer_progress progress = TRANSFER_PROGRESS_INIT;
    struct transfer_event event = {.at_ns = 1};
    struct error err = {0};

    if (!transfer_wire_progress(value, arena, &event, &err))
        return;
    if (strlen(event.what) + strlen(event.name) > value->size)
        abort();
    transfer_progress_add(&progress, &event);
    if (transfer_progress_seen_bytes(&progress) > event.bytes ||
        transfer_progress_existing_bytes(&progress) > event.total)
        abort();
}

static void try_log(const struct buf *value, struct arena *arena)
{
    struct transfer_log log = {0};
    struct error err = {0};
    const char *text;

    if (!transfer_wire_data(value, arena, &text, &err))
        return;
    if (strlen(text) > value->size)
        abort();
    transfer_log_add(&log, text);
    transfer_log_add(&log, "HTTP/1.1 200 OK\r\n\r\n");
    for (const char *c = log.served_by; *c; c++)
        if ((unsigned char)*c < ' ')
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct buf message = {.data = (char *)data, .size = size, .limit_bytes = size};
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    struct transfer_message any;
    struct error err = {0};
    const char *host;

    if (!transfer_wire_message(&message, &arena, &any, &err)) {
        if (err.code != ERROR_PROTOCOL && err.code != ERROR_LIMIT)
            abort();
        return 0;
    }
    if (strlen(any.type) + any.value.size > size)
        abort();
    try_progress(&any.value, &arena);
    try_log(&any.value, &arena);
    if (transfer_wire_auth_request(&any.value, &arena, &host, &err) &&
        strlen(host) > any.value.size)
        abort();
    return 0;
}
