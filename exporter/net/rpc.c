/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rpc.h"

#include "base/clock.h"
#include "base/redact.h"

#include <assert.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <string.h>

#define HEADERS_MAX   4
#define MESSAGE_BYTES ((size_t)8192)
#define HEAD_BYTES    80 /* kept of the beginning of a message that is too long */

/* Limits what the daemon may send on a stream in advance. By default gRPC reads far ahead of an
 * upload that is slower than the daemon. */
#define READ_AHEAD_BYTES (1 << 20)

/* A daemon that restarts is connected within a second. */
#define CONNECT_MS         5000 /* for one attempt, long enough for a busy machine */
#define RECONNECT_FIRST_MS 100
#define RECONNECT_MAX_MS   1000

struct rpc_channel {
    grpc_channel *channel;
    struct rpc_stats *stats; /* `own`, or of another channel */
    struct rpc_stats own;
};

/* A call owns its queue. At most one batch is in flight, so every event of the queue is of that
 * batch. */
struct rpc_stream {
    struct rpc_channel *channel;
    const char *method;
    int64_t start_ns;
    grpc_completion_queue *queue;
    grpc_call *call;
    struct cancel *cancel;
    struct cancel_watcher watcher;
    size_t n_headers;
    grpc_metadata headers[HEADERS_MAX];
    grpc_metadata_array initial, trailing;
    grpc_byte_buffer *received;
    bool initial_received;
    bool receiving; /* the batch in flight receives the next message */
    bool arrived;   /* that batch has completed, and rpc_stream_next() was not called since */
    bool endless;
    bool ended; /* the server has sent its last message */
    bool left;  /* the client canceled: no failure of the server */
    grpc_status_code status;
    grpc_slice details;
    struct error failure; /* of this client: message too large, out of memory */
};

void rpc_library_init(void)
{
    grpc_init();
}

void rpc_library_deinit(void)
{
    grpc_shutdown();
}

static grpc_arg setting(const char *name, int value)
{
    return (grpc_arg){GRPC_ARG_INTEGER, (char *)name, {.integer = value}};
}

struct rpc_channel *rpc_channel_new(const struct rpc_channel_options *options, struct error *err)
{
    grpc_arg args[] = {
        setting(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)options->max_message_bytes),
        setting(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, RECONNECT_FIRST_MS),
        setting(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS,
                CONNECT_MS), /* despite its name also the connect timeout */
        setting(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, RECONNECT_MAX_MS),
        setting(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1), /* no channel shares a connection */
        setting(GRPC_ARG_HTTP2_BDP_PROBE, 0),
        setting(GRPC_ARG_ENABLE_HTTP_PROXY, 0), /* gRPC would log a proxy URL that it rejects */
        setting(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, READ_AHEAD_BYTES),
    };
    const grpc_channel_args channel_args = {sizeof(args) / sizeof(args[0]), args};
    struct rpc_channel *channel = calloc(1, sizeof(*channel));
    grpc_channel_credentials *credentials;

    if (!channel) {
        error_memory(err);
        return NULL;
    }
    rpc_stats_init(&channel->own);
    channel->stats = options->stats ? options->stats : &channel->own;
    credentials = grpc_insecure_credentials_create();
    channel->channel = grpc_channel_create(options->target, credentials, &channel_args);
    grpc_channel_credentials_release(credentials);
    return channel;
}

void rpc_channel_free(struct rpc_channel *channel)
{
    grpc_channel_destroy(channel->channel);
    rpc_stats_deinit(&channel->own);
    free(channel);
}

struct rpc_stats *rpc_channel_stats(struct rpc_channel *channel)
{
    return channel->stats;
}

static gpr_timespec deadline(int64_t ns)
{
    struct timespec when = clock_timespec(ns);

    return (gpr_timespec){when.tv_sec, (int32_t)when.tv_nsec, GPR_CLOCK_MONOTONIC};
}

static grpc_event next_event(struct rpc_stream *stream, int64_t until_ns)
{
    return grpc_completion_queue_next(stream->queue, deadline(until_ns), NULL);
}

static bool start_batch(struct rpc_stream *stream, const grpc_op *ops, size_t n_ops)
{
    grpc_call_error r = grpc_call_start_batch(stream->call, ops, n_ops, stream, NULL);

    if (r == GRPC_CALL_OK)
        return true;
    /* An invalid header, or a bug. */
    error_status(&stream->failure, ERROR_INVALID, STATUS_GRPC, RPC_INVALID_ARGUMENT,
                 "cannot send: %s", grpc_call_error_to_string(r));
    grpc_call_cancel(stream->call, NULL); /* so that no later batch waits for a response */
    return false;
}

/* Runs one batch and waits without a timeout: the deadline or the cancellation of the call
 * completes the batch. */
static bool run_batch(struct rpc_stream *stream, const grpc_op *ops, size_t n_ops)
{
    grpc_event event;

    if (!start_batch(stream, ops, n_ops))
        return false;
    event = next_event(stream, INT64_MAX);
    assert(event.type == GRPC_OP_COMPLETE && event.tag == stream);
    return event.success;
}

static void wake(void *arg)
{
    grpc_call_cancel(arg, NULL);
}

/* Takes ownership of `payload`. */
static grpc_byte_buffer *to_byte_buffer(const struct buf *head, void *payload, size_t payload_size)
{
    grpc_slice slices[2] = {
        grpc_slice_from_copied_buffer(head->data ? head->data : "", head->size),
        payload ? grpc_slice_new(payload, payload_size, free) : grpc_empty_slice(),
    };
    grpc_byte_buffer *bytes = grpc_raw_byte_buffer_create(slices, payload ? 2 : 1);

    grpc_slice_unref(slices[0]);
    grpc_slice_unref(slices[1]);
    return bytes;
}

static void from_byte_buffer(grpc_byte_buffer *bytes, struct buf *message)
{
    grpc_byte_buffer_reader reader;
    grpc_slice slice;

    buf_clear(message);
    if (!grpc_byte_buffer_reader_init(&reader, bytes))
        return;
    while (grpc_byte_buffer_reader_next(&reader, &slice)) {
        buf_append(message, GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice));
        grpc_slice_unref(slice);
    }
    grpc_byte_buffer_reader_destroy(&reader);
}

static void stream_free(struct rpc_stream *stream)
{
    grpc_byte_buffer_destroy(stream->received);
    for (size_t i = 0; i < stream->n_headers; i++) {
        grpc_slice_unref(stream->headers[i].key);
        grpc_slice_unref(stream->headers[i].value);
    }
    if (stream->call)
        grpc_call_unref(stream->call);
    grpc_completion_queue_shutdown(stream->queue);
    while (next_event(stream, INT64_MAX).type != GRPC_QUEUE_SHUTDOWN)
        continue;
    grpc_completion_queue_destroy(stream->queue);
    grpc_metadata_array_destroy(&stream->initial);
    grpc_metadata_array_destroy(&stream->trailing);
    grpc_slice_unref(stream->details);
    free(stream);
}

static void add_headers(struct rpc_stream *stream, const struct rpc_header *header)
{
    for (; header && header->name && stream->n_headers < HEADERS_MAX; header++) {
        grpc_metadata *metadata = &stream->headers[stream->n_headers++];

        metadata->key = grpc_slice_from_copied_string(header->name);
        metadata->value = grpc_slice_from_copied_string(header->value);
    }
}

/* Returns a call that has not started. NULL with *err without memory or after the deadline. */
static struct rpc_stream *stream_new(struct rpc_channel *channel, const struct rpc_request *request,
                                     struct cancel *cancel, struct error *err)
{
    struct rpc_stream *stream = calloc(1, sizeof(*stream));
    grpc_slice path;

    if (!stream) {
        error_memory(err);
        return NULL;
    }
    path = grpc_slice_from_copied_string(request->method);
    stream->channel = channel;
    stream->method = request->method;
    stream->endless = request->endless;
    stream->start_ns = clock_now_ns();
    stream->cancel = cancel;
    stream->details = grpc_empty_slice();
    add_headers(stream, request->headers);
    grpc_metadata_array_init(&stream->initial);
    grpc_metadata_array_init(&stream->trailing);
    stream->queue = grpc_completion_queue_create_for_next(NULL);
    stream->call =
        grpc_channel_create_call(channel->channel, NULL, GRPC_PROPAGATE_DEFAULTS, stream->queue,
                                 path, NULL, deadline(cancel->deadline_ns), NULL);
    grpc_slice_unref(path);
    stream->watcher = (struct cancel_watcher){.wake = wake, .arg = stream->call};
    if (!cancel_watch(cancel, &stream->watcher, err)) {
        stream_free(stream);
        return NULL;
    }
    return stream;
}

static grpc_op headers_op(struct rpc_stream *stream)
{
    return (grpc_op){
        .op = GRPC_OP_SEND_INITIAL_METADATA,
        .data.send_initial_metadata = {.count = stream->n_headers, .metadata = stream->headers},
    };
}

/* Sends the headers and, for a request with a message, the message and the end. Failures appear in
 * the status. */
struct rpc_stream *rpc_stream_open(struct rpc_channel *channel, const struct rpc_request *request,
                                   struct cancel *cancel, struct error *err)
{
    struct rpc_stream *stream = stream_new(channel, request, cancel, err);
    grpc_byte_buffer *bytes = request->message ? to_byte_buffer(request->message, NULL, 0) : NULL;
    const grpc_op ops[] = {
        stream ? headers_op(stream) : (grpc_op){0},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = bytes},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
    };

    if (stream)
        run_batch(stream, ops, bytes ? 3 : 1);
    grpc_byte_buffer_destroy(bytes);
    return stream;
}

static void start_receiving(struct rpc_stream *stream)
{
    const grpc_op ops[] = {
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &stream->received},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &stream->initial},
    };

    stream->receiving = start_batch(stream, ops, stream->initial_received ? 1 : 2);
    stream->initial_received = true;
    stream->ended = !stream->receiving;
}

bool rpc_stream_ready(struct rpc_stream *stream, int64_t until_ns)
{
    grpc_event event;

    if (!stream->receiving && !stream->ended && !stream->arrived)
        start_receiving(stream);
    if (!stream->receiving)
        return true;
    event = next_event(stream, until_ns);
    if (event.type != GRPC_OP_COMPLETE)
        return false;
    stream->receiving = false;
    stream->arrived = true;
    stream->ended = !event.success || !stream->received;
    return true;
}

/* Waits for the next message or the end. */
static void wait_for_next(struct rpc_stream *stream)
{
    while (!rpc_stream_ready(stream, INT64_MAX))
        continue;
    stream->arrived = false;
}

/* A failed send means that the call has ended. The cause is in the status, which arrives only after
 * all pending messages: drops them. */
static bool send_or_skip_rest(struct rpc_stream *stream, grpc_op op)
{
    bool ok = run_batch(stream, &op, 1);

    while (!ok && !stream->ended) {
        wait_for_next(stream);
        grpc_byte_buffer_destroy(TAKE(stream->received));
    }
    return ok;
}

bool rpc_stream_send(struct rpc_stream *stream, const struct buf *head, void *payload,
                     size_t payload_size)
{
    grpc_byte_buffer *bytes = to_byte_buffer(head, payload, payload_size);
    bool ok = send_or_skip_rest(
        stream, (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = bytes});

    grpc_byte_buffer_destroy(bytes);
    return ok;
}

bool rpc_stream_send_end(struct rpc_stream *stream)
{
    return send_or_skip_rest(stream, (grpc_op){.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT});
}

bool rpc_stream_next(struct rpc_stream *stream, struct buf *message)
{
    wait_for_next(stream);
    if (stream->received)
        from_byte_buffer(stream->received, message);
    grpc_byte_buffer_destroy(TAKE(stream->received));
    return !stream->ended && buf_ok(message, &stream->failure);
}

static void count_call(struct rpc_stream *stream)
{
    int status = stream->left ? RPC_OK : (int)stream->status;

    if (stream->endless && (status == RPC_OK || cancel_requested(stream->cancel)))
        return;
    rpc_stats_count(stream->channel->stats, stream->method, status,
                    stream->endless ? -1 : ns_to_seconds(clock_now_ns() - stream->start_ns));
}

/* Fills *err from the status. A long message keeps its end, where Go daemons put the cause. */
static void set_status_error(const struct rpc_stream *stream, struct error *err)
{
    char message[MESSAGE_BYTES];
    size_t size, room = sizeof(err->message) - 1, head, tail;

    redact_text(message, sizeof(message), (const char *)GRPC_SLICE_START_PTR(stream->details),
                GRPC_SLICE_LENGTH(stream->details));
    size = strlen(message);
    head = size <= room ? size : HEAD_BYTES;
    tail = size <= room ? 0 : room - head - 5;
    error_status(err, rpc_status_reason((int)stream->status), STATUS_GRPC, (int)stream->status,
                 "%.*s%s%s", (int)head, message, tail > 0 ? " ... " : "", message + size - tail);
}

/* Returns the result of a call with a known status, and frees it. */
static bool conclude(struct rpc_stream *stream, struct error *err)
{
    int status = (int)stream->status;
    bool ok = status == RPC_OK && stream->failure.code == ERROR_NONE;

    cancel_unwatch(stream->cancel, &stream->watcher);
    count_call(stream);
    if (stream->failure.code != ERROR_NONE)
        *err = stream->failure;
    else if (!ok)
        set_status_error(stream, err);
    stream_free(stream);
    return ok;
}

static grpc_op status_op(struct rpc_stream *stream)
{
    return (grpc_op){
        .op = GRPC_OP_RECV_STATUS_ON_CLIENT,
        .data.recv_status_on_client = {.trailing_metadata = &stream->trailing,
                                       .status = &stream->status,
                                       .status_details = &stream->details},
    };
}

bool rpc_stream_close(struct rpc_stream *stream, struct error *err)
{
    grpc_op op = status_op(stream);

    stream->left = !stream->ended;
    if (stream->left)
        grpc_call_cancel(stream->call, NULL);
    while (stream->receiving)
        (void)rpc_stream_ready(stream, INT64_MAX);
    run_batch(stream, &op, 1);
    return conclude(stream, err);
}

/* Runs a unary call in one batch. Returns false without a reply. */
static bool run_unary(struct rpc_stream *stream, const struct rpc_request *request,
                      struct buf *reply)
{
    grpc_byte_buffer *out = to_byte_buffer(request->message, NULL, 0);
    grpc_op ops[] = {
        headers_op(stream),
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = out},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &stream->initial},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &stream->received},
        status_op(stream),
    };

    run_batch(stream, ops, sizeof(ops) / sizeof(ops[0]));
    grpc_byte_buffer_destroy(out);
    if (stream->received)
        from_byte_buffer(stream->received, reply);
    return stream->received && buf_ok(reply, &stream->failure);
}

bool rpc_call(struct rpc_channel *channel, const struct rpc_request *request, struct buf *reply,
              struct cancel *cancel, struct error *err)
{
    struct rpc_stream *stream = stream_new(channel, request, cancel, err);
    bool got;

    if (!stream)
        return false;
    got = run_unary(stream, request, reply);
    if (!conclude(stream, err))
        return false;
    return got || error_set(err, ERROR_PROTOCOL, "%s: no reply message", request->method + 1);
}
