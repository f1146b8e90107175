/* SPDX-License-Identifier: Apache-2.0 */
/* The one message that scrubbing has for itself: Content/Read of a part of a blob. */
#ifndef CONTAINERD_WIRE_SCRUB_WIRE_H
#define CONTAINERD_WIRE_SCRUB_WIRE_H

#include "base/buf.h"

#include <stdint.h>

/* A size of 0 means up to the end. */
void scrub_wire_read(struct buf *out, const char *digest, uint64_t offset, uint64_t size);

#endif
