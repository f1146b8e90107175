/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gRPC client: blocking calls that transfer bytes. Only rpc.c uses the gRPC library; it knows no
 * protobuf.
 *
 * Every call has its own completion queue, so threads share only the channel. The deadline and the
 * cancellation of the caller end any wait.
 */
#pragma once

#include "base/buf.h"
#include "base/cancel.h"
#include "net/rpc_stats.h"
#include "net/rpc_status.h"

void rpc_library_init(void);
void rpc_library_deinit(void);

struct rpc_channel; /* connects at the first call; any thread may use it */

struct rpc_channel_options {
    const char *target;
    size_t max_message_bytes;
    struct rpc_stats
        *stats; /* counts the calls; must outlive the channel. NULL: the channel's own */
};

struct rpc_channel *rpc_channel_new(const struct rpc_channel_options *options, struct error *err);
void rpc_channel_free(struct rpc_channel *channel);
DEFINE_CLEANUP(struct rpc_channel *, rpc_channel_free)

struct rpc_stats *rpc_channel_stats(struct rpc_channel *channel);

struct rpc_header {
    const char *name, *value;
};

struct rpc_request {
    const char *method;               /* "/package.Service/Method", a string constant */
    const struct rpc_header *headers; /* ends with a NULL name; may be NULL */
    const struct buf *message;        /* NULL: the caller will send (streams only) */
    bool endless; /* the call lasts until the client cancels it: that is no failure, and its
                   * duration is not counted */
};

/* A unary call. */
bool rpc_call(struct rpc_channel *channel, const struct rpc_request *request, struct buf *reply,
              struct cancel *cancel, struct error *err) MUST_CHECK;

struct rpc_stream; /* one call with many messages; belongs to one thread */

struct rpc_stream *rpc_stream_open(struct rpc_channel *channel, const struct rpc_request *request,
                                   struct cancel *cancel, struct error *err);

/* Sends `head` and `payload` as one message. Takes ownership of `payload` (malloc'ed, may be NULL),
 * also on failure. Returns false if the call has ended: rpc_stream_close() returns the cause. */
bool rpc_stream_send(struct rpc_stream *stream, const struct buf *head, void *payload,
                     size_t payload_size);
/* Tells the server that the client sends no more messages. */
bool rpc_stream_send_end(struct rpc_stream *stream);

/* Waits for the next message. Returns false at the end of the stream and after a failure. */
bool rpc_stream_next(struct rpc_stream *stream, struct buf *message);

/* Waits at most until `until_ns` (monotonic) for a message or the end of the stream. Returns
 * whether rpc_stream_next() would not block. Afterwards the caller must not send. */
bool rpc_stream_ready(struct rpc_stream *stream, int64_t until_ns);

/* Ends the call and frees the stream. Returns true only if the server ended it with OK. Cancels a
 * stream that has not ended. */
bool rpc_stream_close(struct rpc_stream *stream, struct error *err);
