/* SPDX-License-Identifier: Apache-2.0 */
#include "server/exchange_stream.h"

#include <stdlib.h>
#include <string.h>

struct gather {
    const struct iovec *parts;
    size_t n_parts, part, offset; /* the next byte is at `offset` of `part` */
    void (*release)(void *arg);
    void *arg;
};

struct gather *gather_new(const struct iovec *parts, size_t n_parts, void (*release)(void *arg),
                          void *arg)
{
    struct gather *gather = malloc(sizeof(*gather));

    if (gather)
        *gather = (struct gather){parts, n_parts, 0, 0, release, arg};
    return gather;
}

void gather_free(void *arg)
{
    struct gather *gather = arg;

    if (gather->release)
        gather->release(gather->arg);
    free(gather);
}

uint64_t gather_size(const struct gather *gather)
{
    uint64_t size = 0;

    for (size_t i = 0; i < gather->n_parts; i++)
        size += gather->parts[i].iov_len;
    return size;
}

ssize_t gather_read(void *arg, uint64_t position, char *out, size_t max)
{
    struct gather *gather = arg;
    size_t size = 0;

    (void)position;
    while (size < max && gather->part < gather->n_parts) {
        const struct iovec *part = &gather->parts[gather->part];
        size_t piece = part->iov_len - gather->offset;

        if (piece > max - size)
            piece = max - size;
        if (piece > 0)
            memcpy(out + size, (const char *)part->iov_base + gather->offset, piece);
        size += piece;
        gather->offset += piece;
        if (gather->offset == part->iov_len) {
            gather->part++;
            gather->offset = 0;
        }
    }
    return size > 0 ? (ssize_t)size : -1;
}
