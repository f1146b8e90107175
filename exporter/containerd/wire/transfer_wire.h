/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of the Transfer and Streaming services.
 *
 * Both services nest messages: an Any has the name of a type and the bytes of a message of that
 * type. Messages from the daemon are therefore decoded in two steps.
 */
#pragma once

#include "containerd/transfer/transfer.h"

#define TRANSFER_TYPE_STREAM_INIT   "containerd.services.streaming.v1.StreamInit"
#define TRANSFER_TYPE_PROGRESS      "containerd.types.transfer.Progress"
#define TRANSFER_TYPE_AUTH_REQUEST  "containerd.types.transfer.AuthRequest"
#define TRANSFER_TYPE_AUTH_RESPONSE "containerd.types.transfer.AuthResponse"
#define TRANSFER_TYPE_DATA          "containerd.types.transfer.Data"
#define TRANSFER_TYPE_WINDOW_UPDATE "containerd.types.transfer.WindowUpdate"

/* The kind of an AuthResponse. */
enum transfer_auth {
    TRANSFER_AUTH_NONE = 0,
    TRANSFER_AUTH_CREDENTIALS = 1, /* user name and password */
    TRANSFER_AUTH_REFRESH = 2,     /* an identity token */
};

/* The ids of the streams of a transfer; "": no such stream. */
struct transfer_streams {
    const char *progress, *auth, *log;
};

struct transfer_message {
    const char *type;
    struct buf value; /* points into the arena */
};

bool transfer_wire_request(struct buf *out, const struct transfer *transfer,
                           const struct transfer_streams *streams, bool push,
                           struct error *err) MUST_CHECK;

/* Wraps `value` for a stream, and the reverse. */
void transfer_wire_any(struct buf *out, const char *type, const struct buf *value);
bool transfer_wire_message(const struct buf *message, struct arena *arena,
                           struct transfer_message *any, struct error *err) MUST_CHECK;

void transfer_wire_window_update(struct buf *out, int32_t bytes);
void transfer_wire_auth_response(struct buf *out, enum transfer_auth auth, const char *username,
                                 const char *secret);

bool transfer_wire_progress(const struct buf *value, struct arena *arena,
                            struct transfer_event *event, struct error *err) MUST_CHECK;
bool transfer_wire_auth_request(const struct buf *value, struct arena *arena, const char **host,
                                struct error *err) MUST_CHECK;
/* The data as text, which ends at the first NUL byte. */
bool transfer_wire_data(const struct buf *value, struct arena *arena, const char **text,
                        struct error *err) MUST_CHECK;
