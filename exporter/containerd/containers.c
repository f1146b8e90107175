/* SPDX-License-Identifier: Apache-2.0 */
/* ListStream where the daemon has it, else List, which fails above 16 MiB. */
#include "containerd/containers.h"

#include "containerd/wire/containers_wire.h"

#define REQUEST_LIMIT_BYTES ((size_t)4096)
#define REPLY_LIMIT_BYTES   ((size_t)16 << 20)
#define ARENA_LIMIT_BYTES   ((size_t)64 << 20) /* a reply, and what it takes unpacked */
#define SERVICE             "/containerd.services.containers.v1.Containers/"

struct visitor {
    containers_visit *visit;
    void *arg;
};

static bool visit_one(const struct buf *message, const struct visitor *visitor, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);

    return containers_wire_visit_one(message, &arena, visitor->visit, visitor->arg, err);
}

static bool list_streamed(const struct scope *scope, const struct buf *request,
                          const struct visitor *visitor, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(REPLY_LIMIT_BYTES);
    struct rpc_stream *stream =
        containerd_stream(scope, SERVICE "ListStream", request, cancel, err);
    struct error leaving;
    bool ok = true;

    if (!stream)
        return false;
    while (ok && rpc_stream_next(stream, &message))
        ok = visit_one(&message, visitor, err);
    return containerd_stream_close(scope, stream, ok ? err : &leaving) && ok;
}

static bool list_at_once(const struct scope *scope, const struct buf *request,
                         const struct visitor *visitor, struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    return containerd_call(scope, SERVICE "List", request, &reply, cancel, err) &&
           containers_wire_visit_all(&reply, &arena, visitor->visit, visitor->arg, err);
}

bool containers_list(const struct scope *scope, const char *filter, containers_visit *visit,
                     void *arg, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    const struct visitor visitor = {visit, arg};

    containers_wire_list(&request, filter);
    if (list_streamed(scope, &request, &visitor, cancel, err))
        return true;
    return error_is_expected(err, STATUS_GRPC, RPC_UNIMPLEMENTED) &&
           list_at_once(scope, &request, &visitor, cancel, err);
}
