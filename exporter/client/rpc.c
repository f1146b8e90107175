/* SPDX-License-Identifier: Apache-2.0 */
#include "client/rpc.h"

#include "base/clock.h"

#include <assert.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <string.h>

struct rpc_channel {
    grpc_channel *channel;
    grpc_metadata *headers; /* slices point into the caller's static strings */
    size_t n_headers;
};

/* A call owns its queue. There is never more than one batch in flight, so
 * whatever the queue delivers is that batch. */
struct rpc_stream {
    grpc_completion_queue *queue;
    grpc_call *call;
    struct cancel *cancel;
    grpc_metadata_array initial, trailing;
    bool initial_received;
    bool ended; /* the server has nothing more to say */
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

struct rpc_channel *rpc_channel_new(const char *target, const struct rpc_options *options,
                                    struct error *err)
{
    grpc_arg args[] = {
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
         .value.integer = (int)options->max_message_bytes},
    };
    const grpc_channel_args channel_args = {sizeof(args) / sizeof(args[0]), args};
    struct rpc_channel *channel = calloc(1, sizeof(*channel));
    grpc_channel_credentials *credentials;
    size_t n = 0;

    while (options->headers && options->headers[n].name)
        n++;
    if (channel)
        channel->headers = calloc(n + 1, sizeof(grpc_metadata));
    if (!channel || !channel->headers) {
        free(channel);
        error_set(err, ERROR_MEMORY, "out of memory");
        return NULL;
    }
    channel->n_headers = n;
    for (size_t i = 0; i < n; i++) {
        channel->headers[i].key = grpc_slice_from_static_string(options->headers[i].name);
        channel->headers[i].value = grpc_slice_from_static_string(options->headers[i].value);
    }
    credentials = grpc_insecure_credentials_create();
    channel->channel = grpc_channel_create(target, credentials, &channel_args);
    grpc_channel_credentials_release(credentials);
    return channel;
}

void rpc_channel_free(struct rpc_channel *channel)
{
    grpc_channel_destroy(channel->channel);
    free(channel->headers);
    free(channel);
}

/* Runs one batch to its end. The wait needs no timeout of its own: the deadline
 * of the call, or its cancellation, completes the batch. */
static bool run_batch(struct rpc_stream *stream, const grpc_op *ops, size_t n_ops)
{
    grpc_call_error r = grpc_call_start_batch(stream->call, ops, n_ops, stream, NULL);
    grpc_event event;

    assert(r == GRPC_CALL_OK);
    (void)r;
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

static grpc_byte_buffer *to_byte_buffer(const struct buf *message)
{
    grpc_slice slice =
        grpc_slice_from_copied_buffer(message->data ? message->data : "", message->size);
    grpc_byte_buffer *bytes = grpc_raw_byte_buffer_create(&slice, 1);

    grpc_slice_unref(slice);
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

static void send_request(struct rpc_stream *stream, const struct rpc_channel *channel,
                         const struct buf *request)
{
    grpc_byte_buffer *bytes = to_byte_buffer(request);
    grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA,
         .data.send_initial_metadata = {.count = channel->n_headers, .metadata = channel->headers}},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = bytes},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
    };

    run_batch(stream, ops, sizeof(ops) / sizeof(ops[0])); /* failures show up in the status */
    grpc_byte_buffer_destroy(bytes);
}

struct rpc_stream *rpc_stream_open(struct rpc_channel *channel, const char *method,
                                   const struct buf *request, struct cancel *cancel,
                                   struct error *err)
{
    struct rpc_stream *stream = calloc(1, sizeof(*stream));
    grpc_slice path = grpc_slice_from_copied_string(method);

    if (!stream) {
        grpc_slice_unref(path);
        error_set(err, ERROR_MEMORY, "out of memory");
        return NULL;
    }
    stream->cancel = cancel;
    stream->details = grpc_empty_slice();
    grpc_metadata_array_init(&stream->initial);
    grpc_metadata_array_init(&stream->trailing);
    stream->queue = grpc_completion_queue_create_for_next(NULL);
    stream->call = grpc_channel_create_call(channel->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                            stream->queue, path, NULL, deadline(cancel), NULL);
    grpc_slice_unref(path);
    if (!cancel_watch(cancel, wake, stream->call, err)) {
        stream_free(stream);
        return NULL;
    }
    send_request(stream, channel, request);
    return stream;
}

bool rpc_stream_next(struct rpc_stream *stream, struct buf *message)
{
    grpc_byte_buffer *bytes = NULL;
    grpc_op ops[] = {
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &bytes},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &stream->initial},
    };
    bool ok = run_batch(stream, ops, stream->initial_received ? 1 : 2);

    stream->initial_received = true;
    if (bytes)
        from_byte_buffer(bytes, message);
    grpc_byte_buffer_destroy(bytes);
    stream->ended = !ok || !bytes;
    return !stream->ended && buf_ok(message, &stream->failure);
}

static enum error_code code_from_status(grpc_status_code status)
{
    switch (status) {
    case GRPC_STATUS_CANCELLED:
        return ERROR_CANCELED;
    case GRPC_STATUS_DEADLINE_EXCEEDED:
        return ERROR_TIMEOUT;
    case GRPC_STATUS_NOT_FOUND:
        return ERROR_NOT_FOUND;
    case GRPC_STATUS_PERMISSION_DENIED:
    case GRPC_STATUS_UNAUTHENTICATED:
        return ERROR_DENIED;
    case GRPC_STATUS_UNIMPLEMENTED:
        return ERROR_UNSUPPORTED;
    case GRPC_STATUS_RESOURCE_EXHAUSTED:
        return ERROR_LIMIT;
    case GRPC_STATUS_DATA_LOSS:
        return ERROR_CORRUPT;
    case GRPC_STATUS_INVALID_ARGUMENT:
        return ERROR_INVALID;
    default:
        return ERROR_UNAVAILABLE;
    }
}

/* Waits for the status, then frees the stream. */
static bool finish(struct rpc_stream *stream, struct error *err)
{
    grpc_op op = {
        .op = GRPC_OP_RECV_STATUS_ON_CLIENT,
        .data.recv_status_on_client = {.trailing_metadata = &stream->trailing,
                                       .status = &stream->status,
                                       .status_details = &stream->details},
    };
    bool ok;

    run_batch(stream, &op, 1);
    cancel_unwatch(stream->cancel);
    ok = stream->status == GRPC_STATUS_OK && stream->failure.code == ERROR_NONE;
    if (stream->failure.code != ERROR_NONE)
        *err = stream->failure;
    else if (!ok)
        error_set(err, code_from_status(stream->status), "%.*s",
                  (int)GRPC_SLICE_LENGTH(stream->details),
                  (const char *)GRPC_SLICE_START_PTR(stream->details));
    stream_free(stream);
    return ok;
}

bool rpc_stream_close(struct rpc_stream *stream, struct error *err)
{
    if (!stream->ended)
        grpc_call_cancel(stream->call, NULL);
    return finish(stream, err);
}

bool rpc_call(struct rpc_channel *channel, const char *method, const struct buf *request,
              struct buf *reply, struct cancel *cancel, struct error *err)
{
    struct rpc_stream *stream = rpc_stream_open(channel, method, request, cancel, err);
    bool got;

    if (!stream)
        return error_wrap(err, "%s", method);
    got = rpc_stream_next(stream, reply);
    if (!finish(stream, err))
        return error_wrap(err, "%s", method);
    return got || error_set(err, ERROR_CORRUPT, "%s: no reply", method);
}
