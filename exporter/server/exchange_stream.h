/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a reply, copied together a piece at a time: where they cannot be sent as they are
 * (TLS seals each piece), or are too many for one call of sendmsg().
 */
#ifndef SERVER_EXCHANGE_STREAM_H
#define SERVER_EXCHANGE_STREAM_H

#include "base/own.h"

#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct gather;

/* NULL without memory; release(arg), which may be NULL, is called by gather_free(). */
struct gather *gather_new(const struct iovec *parts, size_t n_parts, void (*release)(void *arg),
                          void *arg);
void gather_free(void *gather);

uint64_t gather_size(const struct gather *gather);

/* The next bytes, at most `max`; -1 after the last. Fits MHD_ContentReaderCallback: `position` is
 * where the last call ended. */
ssize_t gather_read(void *gather, uint64_t position, char *out, size_t max);

#endif
