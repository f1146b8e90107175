/* SPDX-License-Identifier: Apache-2.0 */
#include "server/exchange_stream.h"

#include <stdlib.h>
#include <string.h>

struct exchange_stream {
    const struct iovec *parts;
    size_t n_parts, part, offset; /* the next byte is at `offset` of `part` */
    void (*release)(void *arg);
    void *arg;
};

struct exchange_stream *exchange_stream_new(const struct iovec *parts, size_t n_parts,
                                            void (*release)(void *arg), void *arg)
{
    struct exchange_stream *exchange_stream = malloc(sizeof(*exchange_stream));

    if (exchange_stream)
        *exchange_stream = (struct exchange_stream){parts, n_parts, 0, 0, release, arg};
    return exchange_stream;
}

void exchange_stream_free(void *arg)
{
    struct exchange_stream *exchange_stream = arg;

    if (exchange_stream->release)
        exchange_stream->release(exchange_stream->arg);
    free(exchange_stream);
}

uint64_t exchange_stream_size(const struct exchange_stream *exchange_stream)
{
    uint64_t size = 0;

    for (size_t i = 0; i < exchange_stream->n_parts; i++)
        size += exchange_stream->parts[i].iov_len;
    return size;
}

ssize_t exchange_stream_read(void *arg, uint64_t position, char *out, size_t max)
{
    struct exchange_stream *exchange_stream = arg;
    size_t size = 0;

    (void)position;
    while (size < max && exchange_stream->part < exchange_stream->n_parts) {
        const struct iovec *part = &exchange_stream->parts[exchange_stream->part];
        size_t piece = part->iov_len - exchange_stream->offset;

        if (piece > max - size)
            piece = max - size;
        if (piece > 0)
            memcpy(out + size, (const char *)part->iov_base + exchange_stream->offset, piece);
        size += piece;
        exchange_stream->offset += piece;
        if (exchange_stream->offset == part->iov_len) {
            exchange_stream->part++;
            exchange_stream->offset = 0;
        }
    }
    return size > 0 ? (ssize_t)size : -1;
}
