/* SPDX-License-Identifier: Apache-2.0 */
#include "client/rpc.h"

#include "base/clock.h"

#include <assert.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <string.h>

#define HEADERS_MAX 4

/* What the daemon may send of one stream before we ask for it: left to itself gRPC reads far ahead
 * of an upload that is slower than the daemon. */
#define READ_AHEAD_BYTES (1 << 20)

/* A daemon that comes back is seen within a second. */
#define RECONNECT_FIRST_MS 100
#define RECONNECT_MAX_MS   1000

struct rpc_channel {
    grpc_channel *channel;
    struct rpc_stats stats;
};

/* A call owns its queue. There is never more than one batch in flight, so
 * whatever the queue delivers is that batch. */
struct rpc_stream {
    struct rpc_channel *channel;
    const char *method;
    int64_t start_ns;
    grpc_completion_queue *queue;
    grpc_call *call;
    struct cancel *cancel;
    struct cancel_watcher watcher;
    grpc_metadata_array initial, trailing;
    bool initial_received;
    bool ended; /* the server has nothing more to say */
    bool left;  /* we went early, which is no failure of the peer's */
    grpc_status_code status;
    grpc_slice details;
    struct error failure; /* of our own making: message too large, out of memory */
};

void rpc_library_init(void)
{
    grpc_init();
}

void rpc_library_deinit(void)
{
    grpc_shutdown();
}

struct rpc_channel *rpc_channel_new(const char *target, size_t max_message_bytes, struct error *err)
{
    grpc_arg args[] = {
        {GRPC_ARG_INTEGER,
         (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
         {.integer = (int)max_message_bytes}},
        {GRPC_ARG_INTEGER,
         (char *)GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS,
         {.integer = RECONNECT_FIRST_MS}},
        {GRPC_ARG_INTEGER,
         (char *)GRPC_ARG_MIN_RECONNECT_BACKOFF_MS,
         {.integer = RECONNECT_FIRST_MS}},
        {GRPC_ARG_INTEGER,
         (char *)GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
         {.integer = RECONNECT_MAX_MS}},
        {GRPC_ARG_INTEGER, (char *)GRPC_ARG_HTTP2_BDP_PROBE, {.integer = 0}},
        {GRPC_ARG_INTEGER,
         (char *)GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES,
         {.integer = READ_AHEAD_BYTES}},
    };
    const grpc_channel_args channel_args = {sizeof(args) / sizeof(args[0]), args};
    struct rpc_channel *channel = calloc(1, sizeof(*channel));
    grpc_channel_credentials *credentials;

    if (!channel) {
        error_memory(err);
        return NULL;
    }
    rpc_stats_init(&channel->stats);
    credentials = grpc_insecure_credentials_create();
    channel->channel = grpc_channel_create(target, credentials, &channel_args);
    grpc_channel_credentials_release(credentials);
    return channel;
}

void rpc_channel_free(struct rpc_channel *channel)
{
    grpc_channel_destroy(channel->channel);
    rpc_stats_deinit(&channel->stats);
    free(channel);
}

struct rpc_stats *rpc_channel_stats(struct rpc_channel *channel)
{
    return &channel->stats;
}

/* Runs one batch to its end. The wait needs no timeout of its own: the deadline
 * of the call, or its cancellation, completes the batch. */
static bool run_batch(struct rpc_stream *stream, const grpc_op *ops, size_t n_ops)
{
    grpc_call_error r = grpc_call_start_batch(stream->call, ops, n_ops, stream, NULL);
    grpc_event event;

    if (r != GRPC_CALL_OK) { /* a header that the protocol cannot carry, or our mistake */
        error_status(&stream->failure, ERROR_INVALID, RPC_INVALID_ARGUMENT, "cannot be sent: %s",
                     grpc_call_error_to_string(r));
        grpc_call_cancel(stream->call, NULL); /* so that nobody waits for an answer */
        return false;
    }
    event = grpc_completion_queue_next(stream->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    assert(event.type == GRPC_OP_COMPLETE && event.tag == stream);
    return event.success;
}

static void wake(void *arg)
{
    grpc_call_cancel(arg, NULL);
}

static gpr_timespec deadline(const struct cancel *cancel)
{
    struct timespec when = clock_timespec(cancel->deadline_ns);

    return (gpr_timespec){when.tv_sec, (int32_t)when.tv_nsec, GPR_CLOCK_MONOTONIC};
}

/* Takes `payload`. */
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
    if (stream->call)
        grpc_call_unref(stream->call);
    grpc_completion_queue_shutdown(stream->queue);
    while (
        grpc_completion_queue_next(stream->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL).type !=
        GRPC_QUEUE_SHUTDOWN)
        continue;
    grpc_completion_queue_destroy(stream->queue);
    grpc_metadata_array_destroy(&stream->initial);
    grpc_metadata_array_destroy(&stream->trailing);
    grpc_slice_unref(stream->details);
    free(stream);
}

/* A call that has not begun. NULL, without words, if there is no memory or no time. */
static struct rpc_stream *stream_new(struct rpc_channel *channel, const char *method,
                                     struct cancel *cancel, struct error *err)
{
    struct rpc_stream *stream = calloc(1, sizeof(*stream));
    grpc_slice path;

    if (!stream) {
        error_memory(err);
        return NULL;
    }
    path = grpc_slice_from_copied_string(method);
    stream->channel = channel;
    stream->method = method;
    stream->start_ns = clock_now_ns();
    stream->cancel = cancel;
    stream->details = grpc_empty_slice();
    grpc_metadata_array_init(&stream->initial);
    grpc_metadata_array_init(&stream->trailing);
    stream->queue = grpc_completion_queue_create_for_next(NULL);
    stream->call = grpc_channel_create_call(channel->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                            stream->queue, path, NULL, deadline(cancel), NULL);
    grpc_slice_unref(path);
    stream->watcher = (struct cancel_watcher){.wake = wake, .arg = stream->call};
    if (!cancel_watch(cancel, &stream->watcher, err)) {
        stream_free(stream);
        return NULL;
    }
    return stream;
}

static size_t fill_metadata(grpc_metadata *metadata, const struct rpc_header *headers)
{
    size_t n = 0;

    for (; headers && headers[n].name && n < HEADERS_MAX; n++) {
        metadata[n].key = grpc_slice_from_copied_string(headers[n].name);
        metadata[n].value = grpc_slice_from_copied_string(headers[n].value);
    }
    return n;
}

static void clear_metadata(grpc_metadata *metadata, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        grpc_slice_unref(metadata[i].key);
        grpc_slice_unref(metadata[i].value);
    }
}

/* Sends the headers; with a message also that, and the end. Failures show up in the status. */
static void begin(struct rpc_stream *stream, const struct rpc_request *request)
{
    grpc_metadata metadata[HEADERS_MAX] = {0};
    size_t n = fill_metadata(metadata, request->headers);
    grpc_byte_buffer *bytes = request->message ? to_byte_buffer(request->message, NULL, 0) : NULL;
    grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA,
         .data.send_initial_metadata = {.count = n, .metadata = metadata}},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = bytes},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
    };

    run_batch(stream, ops, bytes ? 3 : 1);
    clear_metadata(metadata, n);
    grpc_byte_buffer_destroy(bytes);
}

struct rpc_stream *rpc_stream_open(struct rpc_channel *channel, const struct rpc_request *request,
                                   struct cancel *cancel, struct error *err)
{
    struct rpc_stream *stream = stream_new(channel, request->method, cancel, err);

    if (stream)
        begin(stream, request);
    return stream;
}

/* The server's next message; false at the end. */
static bool receive(struct rpc_stream *stream, grpc_byte_buffer **bytes)
{
    grpc_op ops[] = {
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = bytes},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &stream->initial},
    };
    bool ok = run_batch(stream, ops, stream->initial_received ? 1 : 2);

    stream->initial_received = true;
    stream->ended = !ok || !*bytes;
    return !stream->ended;
}

/* Where nothing can be sent any more, the call is over. Why, is in its status, and that comes
 * only after all that was said before it. */
static bool send_or_skip_rest(struct rpc_stream *stream, grpc_op op)
{
    bool ok = run_batch(stream, &op, 1);

    for (grpc_byte_buffer *bytes = NULL; !ok && !stream->ended; bytes = NULL) {
        (void)receive(stream, &bytes);
        grpc_byte_buffer_destroy(bytes);
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
    grpc_byte_buffer *bytes = NULL;
    bool got = receive(stream, &bytes);

    if (got)
        from_byte_buffer(bytes, message);
    grpc_byte_buffer_destroy(bytes);
    return got && buf_ok(message, &stream->failure);
}

static void set_error(const struct rpc_stream *stream, struct error *err)
{
    int status = (int)stream->status;

    error_status(err, rpc_status_reason(status), status, "%.*s",
                 (int)GRPC_SLICE_LENGTH(stream->details),
                 (const char *)GRPC_SLICE_START_PTR(stream->details));
}

/* Tells how a call went whose status is known, then frees it. */
static bool conclude(struct rpc_stream *stream, struct error *err)
{
    bool ok = stream->status == GRPC_STATUS_OK && stream->failure.code == ERROR_NONE;

    cancel_unwatch(stream->cancel, &stream->watcher);
    rpc_stats_count(&stream->channel->stats, stream->method,
                    stream->left ? RPC_OK : (int)stream->status,
                    ns_to_seconds(clock_now_ns() - stream->start_ns));
    if (stream->failure.code != ERROR_NONE)
        *err = stream->failure;
    else if (!ok)
        set_error(stream, err);
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
    run_batch(stream, &op, 1);
    return conclude(stream, err);
}

/* Everything a unary call has to do, in one batch. False if no reply came. */
static bool run_unary(struct rpc_stream *stream, const struct rpc_request *request,
                      struct buf *reply)
{
    grpc_metadata metadata[HEADERS_MAX] = {0};
    size_t n = fill_metadata(metadata, request->headers);
    grpc_byte_buffer *out = to_byte_buffer(request->message, NULL, 0), *in = NULL;
    grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA,
         .data.send_initial_metadata = {.count = n, .metadata = metadata}},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = out},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &stream->initial},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &in},
        status_op(stream),
    };
    bool got;

    run_batch(stream, ops, sizeof(ops) / sizeof(ops[0]));
    if (in)
        from_byte_buffer(in, reply);
    got = in && buf_ok(reply, &stream->failure);
    clear_metadata(metadata, n);
    grpc_byte_buffer_destroy(out);
    grpc_byte_buffer_destroy(in);
    return got;
}

bool rpc_call(struct rpc_channel *channel, const struct rpc_request *request, struct buf *reply,
              struct cancel *cancel, struct error *err)
{
    struct rpc_stream *stream = stream_new(channel, request->method, cancel, err);
    bool got;

    if (!stream)
        return false;
    got = run_unary(stream, request, reply);
    if (!conclude(stream, err))
        return false;
    return got || error_set(err, ERROR_PROTOCOL, "%s: no reply", request->method + 1);
}
