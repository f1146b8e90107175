/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream of Content/Write. The daemon replies to every message. The writer reads the reply to a
 * chunk only before it sends the next one, so that the daemon writes while the caller fetches.
 */
#include "containerd/content_writer.h"

#include "containerd/wire/content_wire.h"

#include <stdio.h>
#include <string.h>

#define CHUNK_BYTES       ((size_t)1 << 20)
#define HEAD_LIMIT_BYTES  ((size_t)64 << 10)
#define REPLY_LIMIT_BYTES ((size_t)64 << 10)
#define WRITE_METHOD      "/containerd.services.content.v1.Content/Write"

struct content_writer {
    struct scope scope;
    struct rpc_stream *stream;
    char *chunk; /* malloc'ed, CHUNK_BYTES; NULL after it was sent */
    size_t chunk_size;
    uint64_t offset, total;
    bool reply_pending;
    struct content_written last; /* without the digest, whose arena is gone */
    char ref[512];
};

/* Fills *err with the status of a call that ended early. Returns false. */
static bool fail(struct content_writer *writer, struct error *err)
{
    if (containerd_stream_close(&writer->scope, TAKE(writer->stream), err))
        error_set(err, ERROR_PROTOCOL, "the daemon ended the upload before the commit");
    return error_wrap(err, "Content/Write");
}

static bool receive(struct content_writer *writer, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(REPLY_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    writer->reply_pending = false;
    if (!rpc_stream_next(writer->stream, &reply))
        return fail(writer, err);
    return content_wire_written(&reply, &arena, &writer->last, err);
}

/* Takes `payload`. */
static bool send_message(struct content_writer *writer, const struct content_write *write,
                         void *payload, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(HEAD_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf head = BUF_INIT(HEAD_LIMIT_BYTES);

    content_wire_write(&head, write, &arena);
    if (!buf_ok(&head, err) || !arena_ok(&arena, err)) {
        free(payload);
        return false;
    }
    if (!rpc_stream_send(writer->stream, &head, payload, write->data_size))
        return fail(writer, err);
    writer->reply_pending = true;
    return true;
}

/* Tells the daemon the digest `expected` unless it is NULL. `last` is its reply: how much of the
 * blob it has. */
static struct content_writer *open_writer(const struct scope *scope, const char *ref,
                                          const char *expected, uint64_t total,
                                          struct cancel *cancel, struct error *err)
{
    CLEANUP(content_writer_freep) struct content_writer *writer = calloc(1, sizeof(*writer));
    const struct content_write first = {
        .action = CONTENT_STAT, .ref = ref, .expected = expected, .total = total};

    if (!writer) {
        error_memory(err);
        return NULL;
    }
    writer->scope = *scope;
    writer->total = total;
    snprintf(writer->ref, sizeof(writer->ref), "%s", ref);
    writer->stream = containerd_stream(scope, WRITE_METHOD, NULL, cancel, err);
    if (!writer->stream || !send_message(writer, &first, NULL, err) || !receive(writer, err))
        return NULL;
    return TAKE(writer);
}

struct content_writer *content_writer_open(const struct scope *scope, const char *ref,
                                           uint64_t total, struct cancel *cancel, struct error *err)
{
    CLEANUP(content_writer_freep)
    struct content_writer *writer = open_writer(scope, ref, NULL, total, cancel, err);

    if (writer && writer->last.offset != 0) {
        error_set(err, ERROR_NOT_COLD, "the daemon already has %llu bytes of ingest %s",
                  (unsigned long long)writer->last.offset, ref);
        return NULL;
    }
    return TAKE(writer);
}

static bool flush(struct content_writer *writer, struct error *err)
{
    const struct content_write write = {
        .action = CONTENT_WRITE,
        .offset = writer->offset,
        .data_size = writer->chunk_size,
    };

    if (writer->reply_pending && !receive(writer, err))
        return false;
    writer->offset += writer->chunk_size;
    writer->chunk_size = 0;
    return send_message(writer, &write, TAKE(writer->chunk), err);
}

bool content_writer_write(struct content_writer *writer, const void *data, size_t size,
                          struct error *err)
{
    const char *from = data;

    if (!writer->stream)
        return error_set(err, ERROR_INTERNAL, "write to an upload that has failed");
    while (size > 0) {
        size_t n = CHUNK_BYTES - writer->chunk_size;

        if (!writer->chunk && !(writer->chunk = malloc(CHUNK_BYTES)))
            return error_memory(err);
        if (n > size)
            n = size;
        memcpy(writer->chunk + writer->chunk_size, from, n);
        writer->chunk_size += n;
        from += n;
        size -= n;
        if (writer->chunk_size == CHUNK_BYTES && !flush(writer, err))
            return false;
    }
    return true;
}

/* Whether the daemon refused the commit only because the namespace has the blob. */
static bool is_already_there(struct content_writer *writer, struct error *err)
{
    return !writer->stream && error_is_expected(err, STATUS_GRPC, RPC_ALREADY_EXISTS);
}

bool content_writer_sink(void *writer, const void *data, size_t size, struct error *err)
{
    return content_writer_write(writer, data, size, err);
}

bool content_writer_commit(struct content_writer *writer, const char *digest,
                           const struct labels *labels, struct error *err)
{
    struct content_write commit = {
        .action = CONTENT_COMMIT, .expected = digest, .total = writer->total, .labels = *labels};
    CLEANUP(buf_deinit) struct buf rest = BUF_INIT(REPLY_LIMIT_BYTES);

    if (writer->chunk_size > 0 && !flush(writer, err))
        return false;
    if (writer->reply_pending && !receive(writer, err))
        return false;
    commit.offset = writer->offset;
    if (!send_message(writer, &commit, NULL, err) || !receive(writer, err))
        return is_already_there(writer, err);
    (void)rpc_stream_send_end(writer->stream); /* a failure shows in the status */
    while (rpc_stream_next(writer->stream, &rest))
        continue;
    return containerd_stream_close(&writer->scope, TAKE(writer->stream), err) ||
           error_is_expected(err, STATUS_GRPC, RPC_ALREADY_EXISTS) ||
           error_wrap(err, "Content/Write");
}

bool content_share(const struct scope *scope, const char *ref, const struct content_info *info,
                   const struct labels *labels, bool *shared, struct cancel *cancel,
                   struct error *err)
{
    CLEANUP(content_writer_freep)
    struct content_writer *writer = open_writer(scope, ref, info->digest, info->size, cancel, err);

    if (!writer) {
        *shared = error_is_expected(err, STATUS_GRPC, RPC_ALREADY_EXISTS);
        return *shared;
    }
    *shared = writer->last.offset == info->size;
    writer->offset = info->size;
    return !*shared || content_writer_commit(writer, info->digest, labels, err);
}

void content_writer_free(struct content_writer *writer)
{
    struct error ignored; /* the caller gives up */

    if (writer->stream)
        (void)rpc_stream_close(writer->stream, &ignored);
    free(writer->chunk);
    free(writer);
}

bool content_put(const struct scope *scope, const char *ref, const struct content_info *info,
                 const void *data, const struct labels *labels, struct cancel *cancel,
                 struct error *err)
{
    CLEANUP(content_writer_freep)
    struct content_writer *writer = content_writer_open(scope, ref, info->size, cancel, err);

    return writer && content_writer_write(writer, data, (size_t)info->size, err) &&
           content_writer_commit(writer, info->digest, labels, err);
}
