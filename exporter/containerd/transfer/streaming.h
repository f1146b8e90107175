/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of the daemon's Streaming service, on which another service of the daemon talks to the
 * client during a call. Each stream has a thread that reads it, so that the daemon never waits.
 */
#pragma once

#include "containerd/containerd.h"

struct streaming;
struct transfer_message;

/* Called by the thread of the stream. The message lives in `arena` until the callback returns. */
typedef void streaming_visit(void *arg, struct streaming *stream,
                             const struct transfer_message *message, struct arena *arena);

struct streaming_options {
    const char *id;            /* by which a call in the same namespace names the stream */
    const char *greeting_type; /* sent first; NULL: the daemon sends first */
    const struct buf *greeting;
    streaming_visit *visit;
    void *arg;
};

/* Returns once the daemon has registered the stream under its id. */
struct streaming *streaming_open(const struct scope *scope, const struct streaming_options *options,
                                 struct cancel *cancel, struct error *err);

/* Must be called by the callback only. Does not report errors: the call that the stream belongs to
 * reports them. */
void streaming_send(struct streaming *stream, const char *type, const struct buf *value);

/* Reads until the daemon ends the stream or until `until_ns`. Then ends the thread and frees the
 * stream. */
void streaming_close(struct streaming *stream, int64_t until_ns);
