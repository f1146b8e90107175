/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers of all *_wire.c files, which alone may include this: messages to and from struct buf, and
 * the parts that messages share.
 *
 * A decoded message lives in the arena, and the structs of this floor point into it. Releasing the
 * arena releases everything.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "containerd/containerd.h"
#include "oci/manifest.h"

#include <protobuf-c/protobuf-c.h>

typedef struct Wire__Label Wire__Label;
typedef struct Wire__Descriptor Wire__Descriptor;
typedef struct Wire__Timestamp Wire__Timestamp;

/* Replaces the contents of `out`. */
void wire_pack(const ProtobufCMessage *message, struct buf *out);

/* Returns NULL if the bytes are no such message (ERROR_PROTOCOL) or do not fit into the arena. */
void *wire_unpack(const ProtobufCMessageDescriptor *type, const struct buf *message,
                  struct arena *arena, struct error *err);

bool wire_labels_in(struct labels *labels, Wire__Label *const *items, size_t count,
                    struct arena *arena);
/* Returns an array for the repeated field of a message, or NULL if `labels` is empty or the arena
 * is full. */
Wire__Label **wire_labels_out(const struct labels *labels, struct arena *arena);

void wire_descriptor_in(struct descriptor *descriptor, const Wire__Descriptor *message);
void wire_descriptor_out(Wire__Descriptor *message, const struct descriptor *descriptor);

/* Seconds since 1970; 0 if the daemon has not set the time. containerd 1.6 sends an unset time as
 * Go's zero time, which is in the year 1. */
double wire_unix_seconds(const Wire__Timestamp *time);
/* Nanoseconds since 1970; 0 also if they do not fit into 64 bits. */
int64_t wire_unix_ns(const Wire__Timestamp *time);

/* A negative size makes no sense and counts as 0. */
static inline uint64_t wire_size(int64_t size)
{
    return size > 0 ? (uint64_t)size : 0;
}
