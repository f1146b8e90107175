/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/containerd.h"

#include "containerd/wire/containerd_wire.h"
#include "net/go_error.h"
#include "net/socket_path.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>

/* The daemon itself sends at most 16 MiB. */
#define MESSAGE_LIMIT_BYTES ((size_t)16 << 20)
#define WORDS_BYTES         ((size_t)256)
#define REQUEST_LIMIT_BYTES ((size_t)1 << 20)

struct containerd {
    struct rpc_channel *channel;
    char address[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

const char *labels_get(const struct labels *labels, const char *name)
{
    for (size_t i = 0; i < labels->count; i++)
        if (strcmp(labels->items[i].name, name) == 0)
            return labels->items[i].value;
    return NULL;
}

static struct rpc_channel *connect_to(const struct containerd *containerd, struct rpc_stats *stats,
                                      struct error *err)
{
    char target[sizeof(containerd->address) + 8];
    const struct rpc_channel_options options = {
        .target = target,
        .max_message_bytes = MESSAGE_LIMIT_BYTES,
        .own_connection = stats != NULL,
        .stats = stats,
    };

    snprintf(target, sizeof(target), "unix:%s", containerd->address);
    return rpc_channel_new(&options, err);
}

struct containerd *containerd_new(const char *socket_path, struct error *err)
{
    CLEANUP(containerd_freep) struct containerd *containerd = calloc(1, sizeof(*containerd));

    if (!containerd) {
        error_memory(err);
        return NULL;
    }
    if (strlen(socket_path) >= sizeof(containerd->address)) {
        error_set(err, ERROR_INVALID, "a socket's path has at most %zu bytes: %s",
                  sizeof(containerd->address) - 1, socket_path);
        return NULL;
    }
    strcpy(containerd->address, socket_path);
    containerd->channel = connect_to(containerd, NULL, err);
    return containerd->channel ? TAKE(containerd) : NULL;
}

void containerd_free(struct containerd *containerd)
{
    if (containerd->channel)
        rpc_channel_free(containerd->channel);
    free(containerd);
}

const char *containerd_address(const struct containerd *containerd)
{
    return containerd->address;
}

struct rpc_channel *containerd_channel(struct containerd *containerd)
{
    return containerd->channel;
}

struct rpc_channel *containerd_connect(struct containerd *containerd, struct error *err)
{
    return connect_to(containerd, rpc_channel_stats(containerd->channel), err);
}

/* gRPC's own words for a missing daemon are long and vague. */
static bool explain(const struct containerd *containerd, struct error *err)
{
    char words[WORDS_BYTES];

    if (err->code == ERROR_RUNTIME_UNAVAILABLE &&
        socket_path_try(containerd->address, "containerd", words, sizeof(words)) && *words)
        error_status(err, ERROR_RUNTIME_UNAVAILABLE, STATUS_GRPC, RPC_UNAVAILABLE, "%s: %s",
                     containerd->address, words);
    return false;
}

/* What its code does not tell, its words do: a full disk, and bytes that are not what they should.
 */
static void refine(struct error *err)
{
    enum error_code code =
        err->code == ERROR_RUNTIME ? go_error_code(err->message, ERROR_RUNTIME) : ERROR_RUNTIME;

    if (code == ERROR_NO_SPACE || code == ERROR_DIGEST_MISMATCH || code == ERROR_SIZE_MISMATCH)
        err->code = code;
}

/* At most two headers and the end. */
static const struct rpc_header *scope_headers(const struct scope *scope, struct rpc_header *out)
{
    size_t n = 0;

    if (scope->name_space)
        out[n++] = (struct rpc_header){"containerd-namespace", scope->name_space};
    if (scope->lease)
        out[n++] = (struct rpc_header){"containerd-lease", scope->lease};
    out[n] = (struct rpc_header){0};
    return out;
}

bool containerd_call(const struct scope *scope, const char *method, const struct buf *request,
                     struct buf *reply, struct cancel *cancel, struct error *err)
{
    struct rpc_header headers[3];
    const struct rpc_request call = {method, scope_headers(scope, headers), request};

    if (!buf_ok(request, err))
        return error_wrap(err, "%s", method + 1);
    if (rpc_call(scope->daemon->channel, &call, reply, cancel, err))
        return true;
    refine(err);
    return explain(scope->daemon, err);
}

struct rpc_stream *containerd_stream(const struct scope *scope, const char *method,
                                     const struct buf *request, struct cancel *cancel,
                                     struct error *err)
{
    struct rpc_header headers[3];
    const struct rpc_request call = {method, scope_headers(scope, headers), request};

    return rpc_stream_open(scope->daemon->channel, &call, cancel, err);
}

bool containerd_stream_close(const struct scope *scope, struct rpc_stream *stream,
                             struct error *err)
{
    if (rpc_stream_close(stream, err))
        return true;
    refine(err);
    return explain(scope->daemon, err);
}

/* A call that belongs to no namespace and asks nothing. */
static bool ask(struct containerd *containerd, const char *method, struct buf *reply,
                struct cancel *cancel, struct error *err)
{
    const struct scope nowhere = {.daemon = containerd};
    const struct buf nothing = BUF_INIT(0);

    return containerd_call(&nowhere, method, &nothing, reply, cancel, err);
}

bool containerd_identify(struct containerd *containerd, struct arena *arena,
                         struct containerd_identity *identity, struct cancel *cancel,
                         struct error *err)
{
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(MESSAGE_LIMIT_BYTES);

    return ask(containerd, "/containerd.services.version.v1.Version/Version", &reply, cancel,
               err) &&
           containerd_wire_version(&reply, arena, identity, err) &&
           ask(containerd, "/containerd.services.introspection.v1.Introspection/Server", &reply,
               cancel, err) &&
           containerd_wire_server(&reply, arena, identity, err);
}

bool containerd_health(struct containerd *containerd, bool *serving, struct cancel *cancel,
                       struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(4096);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(MESSAGE_LIMIT_BYTES);

    return ask(containerd, "/grpc.health.v1.Health/Check", &reply, cancel, err) &&
           containerd_wire_health(&reply, &arena, serving, err);
}

const char *containerd_plugin_status(const struct containerd_plugin *plugin)
{
    if (!plugin->init_error)
        return "ok";
    return strstr(plugin->init_error, "skip plugin") ? "skip" : "error";
}

bool containerd_namespaces(struct containerd *containerd, struct arena *arena,
                           struct containerd_namespaces *namespaces, struct cancel *cancel,
                           struct error *err)
{
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(MESSAGE_LIMIT_BYTES);

    return ask(containerd, "/containerd.services.namespaces.v1.Namespaces/List", &reply, cancel,
               err) &&
           containerd_wire_namespaces(&reply, arena, namespaces, err);
}

bool containerd_namespace_create(const struct scope *scope, const struct labels *labels,
                                 struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REQUEST_LIMIT_BYTES);

    containerd_wire_namespace_create(&request, scope->name_space, labels, &arena);
    return containerd_call(scope, "/containerd.services.namespaces.v1.Namespaces/Create", &request,
                           &reply, cancel, err) ||
           error_is_expected(err, STATUS_GRPC, RPC_ALREADY_EXISTS);
}

bool containerd_namespace_delete(const struct scope *scope, struct cancel *cancel,
                                 struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REQUEST_LIMIT_BYTES);

    containerd_wire_namespace_delete(&request, scope->name_space);
    return containerd_call(scope, "/containerd.services.namespaces.v1.Namespaces/Delete", &request,
                           &reply, cancel, err) ||
           error_is_expected(err, STATUS_GRPC, RPC_NOT_FOUND);
}
