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

struct exchange_stream;

/* NULL without memory; release(arg), which may be NULL, is called by exchange_stream_free(). */
struct exchange_stream *exchange_stream_new(const struct iovec *parts, size_t n_parts,
                                            void (*release)(void *arg), void *arg);
void exchange_stream_free(void *exchange_stream);

uint64_t exchange_stream_size(const struct exchange_stream *exchange_stream);

/* The next bytes, at most `max`; -1 after the last. Fits MHD_ContentReaderCallback: `position` is
 * where the last call ended. */
ssize_t exchange_stream_read(void *exchange_stream, uint64_t position, char *out, size_t max);

#endif
