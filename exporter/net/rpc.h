/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gRPC, as the rest of the program sees it: blocking calls that move bytes.
 *
 * This header and rpc.c are the only place that knows gRPC exists; neither
 * knows protobuf. Every call has its own completion queue inside, so threads
 * share nothing but the channel, and the deadline and the cancellation of the
 * caller end any wait.
 */
#ifndef NET_RPC_H
#define NET_RPC_H

#include "base/buf.h"
#include "base/cancel.h"
#include "net/rpc_stats.h"
#include "net/rpc_status.h"

void rpc_library_init(void);
void rpc_library_deinit(void);

struct rpc_channel; /* a connection, made when first needed; any thread may use it */

struct rpc_channel_options {
    const char *target;
    size_t max_message_bytes;
    /* Channels to one target share a connection, unless they want one of their own. */
    bool own_connection;
    struct rpc_stats *stats; /* where calls are counted; outlives the channel. NULL: its own */
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
    bool endless; /* lasts until somebody ends it: that is no failure, and its duration means
                   * nothing and is not counted */
};

/* One request, one reply. */
bool rpc_call(struct rpc_channel *channel, const struct rpc_request *request, struct buf *reply,
              struct cancel *cancel, struct error *err) MUST_CHECK;

struct rpc_stream; /* one call with many messages; belongs to one thread */

struct rpc_stream *rpc_stream_open(struct rpc_channel *channel, const struct rpc_request *request,
                                   struct cancel *cancel, struct error *err);

/* Sends `head`, followed by `payload` (malloc'ed; taken, also on failure; may be NULL), as one
 * message. False: the call is over, rpc_stream_close() knows why. */
bool rpc_stream_send(struct rpc_stream *stream, const struct buf *head, void *payload,
                     size_t payload_size);
/* Tells the server that nothing more will be sent. */
bool rpc_stream_send_end(struct rpc_stream *stream);

/* Waits for the next message. False when there is none left, for whatever reason. */
bool rpc_stream_next(struct rpc_stream *stream, struct buf *message);

/* Waits until `until_ns` (of the monotonic clock) whether rpc_stream_next() has something to tell:
 * a message, or the end. After it nothing but rpc_stream_next(), rpc_stream_close() and itself may
 * be called. */
bool rpc_stream_ready(struct rpc_stream *stream, int64_t until_ns);

/* Ends the call, frees the stream and tells how it went: true only if the server finished it
 * with OK. A stream that is left early is canceled. */
bool rpc_stream_close(struct rpc_stream *stream, struct error *err);

#endif
