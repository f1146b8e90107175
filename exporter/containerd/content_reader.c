/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/content_reader.h"

#include "containerd/wire/content_wire.h"

#include <string.h>

#define MESSAGE_LIMIT_BYTES ((size_t)16 << 20)
#define REQUEST_LIMIT_BYTES ((size_t)4 << 10)

struct content_reader {
    struct scope scope;
    struct rpc_stream *stream; /* NULL once it has ended */
    struct buf message;
    const char *data; /* the unread rest of the message */
    size_t size;
};

struct content_reader *content_reader_open(const struct scope *scope, const char *digest,
                                           struct cancel *cancel, struct error *err)
{
    CLEANUP(content_reader_freep) struct content_reader *reader = calloc(1, sizeof(*reader));
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);

    if (!reader) {
        error_memory(err);
        return NULL;
    }
    reader->scope = *scope;
    reader->message = (struct buf)BUF_INIT(MESSAGE_LIMIT_BYTES);
    content_wire_read(&request, digest, 0, 0);
    reader->stream = containerd_stream(scope, "/containerd.services.content.v1.Content/Read",
                                       &request, cancel, err);
    return reader->stream ? TAKE(reader) : NULL;
}

/* Reads until there is a message with data, or the blob ends. */
static bool refill(struct content_reader *reader, struct error *err)
{
    while (reader->size == 0 && reader->stream) {
        const void *data;

        if (!rpc_stream_next(reader->stream, &reader->message))
            return containerd_stream_close(&reader->scope, TAKE(reader->stream), err);
        if (!content_wire_data(&reader->message, &data, &reader->size, err))
            return false;
        reader->data = data;
    }
    return true;
}

bool content_reader_read(struct content_reader *reader, void *data, size_t size, size_t *n,
                         struct error *err)
{
    *n = 0;
    if (!refill(reader, err))
        return false;
    *n = size < reader->size ? size : reader->size;
    if (*n > 0)
        memcpy(data, reader->data, *n);
    reader->data += *n;
    reader->size -= *n;
    return true;
}

void content_reader_free(struct content_reader *reader)
{
    struct error ignored; /* the caller leaves early */

    if (reader->stream)
        (void)rpc_stream_close(reader->stream, &ignored);
    buf_deinit(&reader->message);
    free(reader);
}
