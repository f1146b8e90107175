/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/transfer/streaming.h"

#include "base/clock.h"
#include "base/secret.h"
#include "containerd/wire/containerd_wire.h"
#include "containerd/wire/transfer_wire.h"

#include <stdatomic.h>
#include <string.h>

#define METHOD              "/containerd.services.streaming.v1.Streaming/Stream"
#define MESSAGE_LIMIT_BYTES ((size_t)1 << 20)
#define ARENA_LIMIT_BYTES   ((size_t)4 << 20)

/* How often an idle thread checks until_ns. */
#define POLL_NS (20 * NS_PER_MS)

struct streaming {
    struct scope scope;
    struct rpc_stream *stream; /* owned by the thread once it runs */
    streaming_visit *visit;
    void *arg;
    pthread_t thread;
    _Atomic int64_t until_ns;
};

static bool send_any(struct streaming *stream, const char *type, const struct buf *value)
{
    CLEANUP(secret_buf_deinit) struct buf message = BUF_INIT(MESSAGE_LIMIT_BYTES);
    struct error ignored;

    transfer_wire_any(&message, type, value);
    return buf_ok(&message, &ignored) && rpc_stream_send(stream->stream, &message, NULL, 0);
}

void streaming_send(struct streaming *stream, const char *type, const struct buf *value)
{
    (void)send_any(stream, type, value); /* the thread notices a broken stream */
}

static void deliver(struct streaming *stream, const struct buf *message)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct transfer_message unpacked;
    struct error ignored; /* an invalid message is skipped */

    if (transfer_wire_message(message, &arena, &unpacked, &ignored))
        stream->visit(stream->arg, stream, &unpacked, &arena);
}

static void *read_stream(void *arg)
{
    struct streaming *stream = arg;
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(MESSAGE_LIMIT_BYTES);
    struct error ignored; /* the call reports what failed */
    int64_t now_ns, until_ns;

    while ((now_ns = clock_now_ns()) < (until_ns = atomic_load(&stream->until_ns))) {
        if (!rpc_stream_ready(stream->stream,
                              until_ns < now_ns + POLL_NS ? until_ns : now_ns + POLL_NS))
            continue;
        if (!rpc_stream_next(stream->stream, &message))
            break;
        deliver(stream, &message);
    }
    (void)rpc_stream_close(TAKE(stream->stream), &ignored);
    return NULL;
}

/* Sends the id; the daemon replies with an empty message. */
static bool introduce(struct streaming *stream, const struct streaming_options *options,
                      struct error *err)
{
    CLEANUP(buf_deinit) struct buf init = BUF_INIT(MESSAGE_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(MESSAGE_LIMIT_BYTES);

    containerd_wire_name(&init, options->id);
    if (!buf_ok(&init, err))
        return false;
    if (send_any(stream, TRANSFER_TYPE_STREAM_INIT, &init) &&
        rpc_stream_next(stream->stream, &reply) &&
        (!options->greeting_type || send_any(stream, options->greeting_type, options->greeting)))
        return true;
    if (containerd_stream_close(&stream->scope, TAKE(stream->stream), err))
        error_set(err, ERROR_PROTOCOL, "the daemon closed the stream");
    return error_wrap(err, "Streaming/Stream");
}

/* Frees a stream that has no thread. */
static void abandon(struct streaming **stream)
{
    struct error ignored;

    if (*stream && (*stream)->stream)
        (void)rpc_stream_close((*stream)->stream, &ignored);
    free(*stream);
}

struct streaming *streaming_open(const struct scope *scope, const struct streaming_options *options,
                                 struct cancel *cancel, struct error *err)
{
    CLEANUP(abandon) struct streaming *stream = calloc(1, sizeof(*stream));
    int r;

    if (!stream) {
        error_memory(err);
        return NULL;
    }
    stream->scope = *scope;
    stream->visit = options->visit;
    stream->arg = options->arg;
    atomic_init(&stream->until_ns, INT64_MAX);
    stream->stream = containerd_stream(scope, METHOD, NULL, cancel, err);
    if (!stream->stream || !introduce(stream, options, err))
        return NULL;
    r = pthread_create(&stream->thread, NULL, read_stream, stream);
    if (r != 0) {
        error_errno(err, r, "cannot start a thread");
        return NULL;
    }
    return TAKE(stream);
}

void streaming_close(struct streaming *stream, int64_t until_ns)
{
    atomic_store(&stream->until_ns, until_ns);
    pthread_join(stream->thread, NULL);
    free(stream);
}
