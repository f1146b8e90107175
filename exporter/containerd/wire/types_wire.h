/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all *_wire.c files share: messages to and from struct buf, in an arena.
 *
 * Included by *_wire.c only. Decoded messages live in the arena, and our structs
 * point into them; nothing is freed one by one.
 */
#ifndef CONTAINERD_WIRE_TYPES_WIRE_H
#define CONTAINERD_WIRE_TYPES_WIRE_H

#include "base/arena.h"
#include "base/buf.h"
#include "containerd/containerd.h"
#include "oci/manifest.h"

#include <protobuf-c/protobuf-c.h>

typedef struct Wire__Label Wire__Label;
typedef struct Wire__Descriptor Wire__Descriptor;

/* Replaces what `out` holds. */
void wire_pack(const ProtobufCMessage *message, struct buf *out);

/* NULL, with ERROR_PROTOCOL (or what the arena says), if it is no such message. */
void *wire_unpack(const ProtobufCMessageDescriptor *type, const struct buf *message,
                  struct arena *arena, struct error *err);

bool wire_labels_in(struct labels *labels, Wire__Label *const *items, size_t count,
                    struct arena *arena);
/* An array for a message's repeated field; NULL if the arena is full, or `labels` is empty. */
Wire__Label **wire_labels_out(const struct labels *labels, struct arena *arena);

void wire_descriptor_in(struct descriptor *descriptor, const Wire__Descriptor *message);
void wire_descriptor_out(Wire__Descriptor *message, const struct descriptor *descriptor);

#endif
