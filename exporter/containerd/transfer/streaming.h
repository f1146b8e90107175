/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream beside a call: the daemon's Streaming service, on which another of its services talks
 * while it works for us. A thread of its own reads what comes, so that nothing waits for it.
 */
#ifndef CONTAINERD_TRANSFER_STREAMING_H
#define CONTAINERD_TRANSFER_STREAMING_H

#include "containerd/containerd.h"

struct streaming;
struct transfer_message;

/* Called by the stream's thread. What the message points to is in `arena`, and gone afterwards. */
typedef void streaming_visit(void *arg, struct streaming *stream,
                             const struct transfer_message *message, struct arena *arena);

struct streaming_options {
    const char *id;            /* by which a call in the same namespace refers to it */
    const char *greeting_type; /* NULL: nothing is said before the daemon speaks */
    const struct buf *greeting;
    streaming_visit *visit;
    void *arg;
};

/* Returns once the daemon knows the stream by its name. */
struct streaming *streaming_open(const struct scope *scope, const struct streaming_options *options,
                                 struct cancel *cancel, struct error *err);

/* By the visit alone. A stream that is broken is told of by nobody: what is said on it is help. */
void streaming_send(struct streaming *stream, const char *type, const struct buf *value);

/* Listens until the daemon has no more to say, but no longer than until `until_ns`, then ends the
 * thread, and frees the stream. */
void streaming_close(struct streaming *stream, int64_t until_ns);

#endif
