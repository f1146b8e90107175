/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gRPC, as the rest of the program sees it: blocking calls that move bytes.
 *
 * This header and rpc.c are the only place that knows gRPC exists; neither
 * knows protobuf. Every call has its own completion queue inside, so threads
 * share nothing but the channel, and the deadline and the cancellation of the
 * caller end any wait.
 */
#ifndef CLIENT_RPC_H
#define CLIENT_RPC_H

#include "base/buf.h"
#include "base/cancel.h"

struct rpc_header {
    const char *name, *value;
};

struct rpc_options {
    size_t max_message_bytes;
    const struct rpc_header *headers; /* sent with every call; ends with a NULL name */
};

void rpc_library_init(void);
void rpc_library_deinit(void);

struct rpc_channel; /* a connection, made when first needed; any thread may use it */

struct rpc_channel *rpc_channel_new(const char *target, const struct rpc_options *options,
                                    struct error *err);
void rpc_channel_free(struct rpc_channel *channel);
DEFINE_CLEANUP(struct rpc_channel *, rpc_channel_free)

bool rpc_call(struct rpc_channel *channel, const char *method, const struct buf *request,
              struct buf *reply, struct cancel *cancel, struct error *err) MUST_CHECK;

struct rpc_stream; /* one call with many replies; belongs to one thread */

struct rpc_stream *rpc_stream_open(struct rpc_channel *channel, const char *method,
                                   const struct buf *request, struct cancel *cancel,
                                   struct error *err);

/* Waits for the next message. False when there is none left, for whatever reason. */
bool rpc_stream_next(struct rpc_stream *stream, struct buf *message);

/* Ends the call and tells how it went: true only if the server finished it with OK. */
bool rpc_stream_close(struct rpc_stream *stream, struct error *err);

#endif
