/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/content.h"

#include "containerd/wire/content_wire.h"
#include "oci/digest.h"

#define REQUEST_LIMIT_BYTES ((size_t)64 << 10)
#define REPLY_LIMIT_BYTES   ((size_t)16 << 20)
#define FIND_AT_ONCE        ((size_t)128) /* the daemon compares each blob with each of them */

bool content_size(const struct scope *scope, const char *digest, uint64_t *size,
                  struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    content_wire_digest(&request, digest);
    return containerd_call(scope, "/containerd.services.content.v1.Content/Info", &request, &reply,
                           cancel, err) &&
           content_wire_size(&reply, size, err);
}

bool content_list(const struct scope *scope, content_visit *visit, void *arg, struct cancel *cancel,
                  struct error *err)
{
    const struct buf nothing = BUF_INIT(0);
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(REPLY_LIMIT_BYTES);
    struct rpc_stream *stream = containerd_stream(
        scope, "/containerd.services.content.v1.Content/List", &nothing, cancel, err);
    struct error leaving;
    bool ok = stream != NULL;

    if (!ok)
        return false;
    while (ok && rpc_stream_next(stream, &message))
        ok = content_wire_list(&message, visit, arg, err);
    return containerd_stream_close(scope, stream, ok ? err : &leaving) && ok;
}

static bool visit_page(const struct buf *message, content_record_visit *visit, void *arg,
                       struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(REPLY_LIMIT_BYTES);

    return content_wire_records(message, &arena, visit, arg, err);
}

static bool find_some(const struct scope *scope, const char *const *digests, size_t count,
                      content_record_visit *visit, void *arg, struct cancel *cancel,
                      struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(REPLY_LIMIT_BYTES);
    struct rpc_stream *stream;
    struct error leaving;
    bool ok = true;

    content_wire_find(&request, digests, count, &arena);
    if (!arena_ok(&arena, err) || !buf_ok(&request, err))
        return false;
    stream = containerd_stream(scope, "/containerd.services.content.v1.Content/List", &request,
                               cancel, err);
    if (!stream)
        return false;
    while (ok && rpc_stream_next(stream, &message))
        ok = visit_page(&message, visit, arg, err);
    return containerd_stream_close(scope, stream, ok ? err : &leaving) && ok;
}

bool content_find(const struct scope *scope, const char *const *digests, size_t count,
                  content_record_visit *visit, void *arg, struct cancel *cancel, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!digest_valid(digests[i]))
            return error_set(err, ERROR_INVALID, "\"%s\" is no digest", digests[i]);
    for (size_t i = 0; i < count; i += FIND_AT_ONCE)
        if (!find_some(scope, digests + i, count - i < FIND_AT_ONCE ? count - i : FIND_AT_ONCE,
                       visit, arg, cancel, err))
            return false;
    return true;
}

bool content_stream_range(const struct scope *scope, const char *digest, uint64_t offset,
                          uint64_t size, content_sink *sink, void *arg, struct cancel *cancel,
                          struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(REPLY_LIMIT_BYTES);
    struct rpc_stream *stream;
    struct error leaving;
    bool ok = true;

    content_wire_read(&request, digest, offset, size);
    stream = containerd_stream(scope, "/containerd.services.content.v1.Content/Read", &request,
                               cancel, err);
    if (!stream)
        return false;
    while (ok && rpc_stream_next(stream, &message)) {
        const void *data;
        size_t data_size;

        ok = content_wire_data(&message, &data, &data_size, err) && sink(arg, data, data_size, err);
    }
    return containerd_stream_close(scope, stream, ok ? err : &leaving) && ok;
}

bool content_stream(const struct scope *scope, const char *digest, content_sink *sink, void *arg,
                    struct cancel *cancel, struct error *err)
{
    return content_stream_range(scope, digest, 0, 0, sink, arg, cancel, err);
}

static bool append(void *arg, const void *data, size_t size, struct error *err)
{
    buf_append(arg, data, size);
    return buf_ok(arg, err);
}

bool content_read(const struct scope *scope, const char *digest, struct buf *out,
                  struct cancel *cancel, struct error *err)
{
    return content_stream(scope, digest, append, out, cancel, err);
}

bool content_delete(const struct scope *scope, const char *digest, struct cancel *cancel,
                    struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    content_wire_digest(&request, digest);
    return containerd_call(scope, "/containerd.services.content.v1.Content/Delete", &request,
                           &reply, cancel, err) ||
           error_is_expected(err, STATUS_GRPC, RPC_NOT_FOUND);
}

static bool abort_one(const struct scope *scope, const char *ref, struct cancel *cancel,
                      struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    content_wire_abort(&request, ref);
    return containerd_call(scope, "/containerd.services.content.v1.Content/Abort", &request, &reply,
                           cancel, err) ||
           error_is_expected(err, STATUS_GRPC, RPC_NOT_FOUND);
}

bool content_abort_all(const struct scope *scope, struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(REPLY_LIMIT_BYTES);
    const struct buf nothing = BUF_INIT(0);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);
    struct content_refs refs;

    if (!containerd_call(scope, "/containerd.services.content.v1.Content/ListStatuses", &nothing,
                         &reply, cancel, err) ||
        !content_wire_statuses(&reply, &arena, &refs, err))
        return false;
    for (size_t i = 0; i < refs.count; i++)
        if (!abort_one(scope, refs.items[i], cancel, err))
            return false;
    return true;
}
