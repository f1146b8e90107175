/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/containerd.h"

#include "base/clock.h"
#include "containerd/search/daemon_search.h"
#include "containerd/wire/containerd_wire.h"
#include "net/go_error.h"
#include "net/socket_path.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_LIMIT_BYTES ((size_t)16 << 20) /* the daemon's own limit */
#define SCRATCH_LIMIT_BYTES ((size_t)64 << 20) /* one message, decoded */
#define REQUEST_LIMIT_BYTES ((size_t)1 << 20)
#define NAME_LIMIT_BYTES    ((size_t)64 << 10)
#define REASON_BYTES        ((size_t)256)
#define PARTS_DEPTH_MAX     12 /* so often a part can be halved */
#define PARTS_HALVED_MAX    ((size_t)512)
#define FILTER_LIMIT_BYTES  ((size_t)4096)
#define NAMESPACES          "/containerd.services.namespaces.v1.Namespaces/"

struct containerd {
    struct rpc_channel *channel;  /* NULL: `search` has the daemon */
    struct daemon_search *search; /* which found this daemon, or which finds it; NULL: none */
    char address[SOCKET_PATH_BYTES];
};

const char *labels_get(const struct labels *labels, const char *name)
{
    for (size_t i = 0; i < labels->count; i++)
        if (strcmp(labels->items[i].name, name) == 0)
            return labels->items[i].value;
    return NULL;
}

/* `stats` NULL: the channel has its own. */
static struct rpc_channel *connect_to(const struct containerd *containerd, struct rpc_stats *stats,
                                      struct error *err)
{
    char target[sizeof(containerd->address) + 8];
    const struct rpc_channel_options options = {
        .target = target,
        .max_message_bytes = MESSAGE_LIMIT_BYTES,
        .stats = stats,
    };

    snprintf(target, sizeof(target), "unix:%s", containerd->address);
    return rpc_channel_new(&options, err);
}

struct containerd *containerd_new_found(const char *address, struct daemon_search *search,
                                        struct containerd *first, struct error *err)
{
    CLEANUP(containerd_freep) struct containerd *containerd = calloc(1, sizeof(*containerd));

    if (!containerd) {
        error_memory(err);
        return NULL;
    }
    if (!socket_path_parse(address, containerd->address, err))
        return NULL;
    containerd->channel =
        connect_to(containerd, first ? rpc_channel_stats(first->channel) : NULL, err);
    if (!containerd->channel)
        return NULL;
    containerd->search = search;
    return TAKE(containerd);
}

struct containerd *containerd_new(const char *address, struct error *err)
{
    return containerd_new_found(address, NULL, NULL, err);
}

struct containerd *containerd_find(const struct daemon_search_options *options, struct error *err)
{
    CLEANUP(containerd_freep) struct containerd *containerd = calloc(1, sizeof(*containerd));

    if (!containerd) {
        error_memory(err);
        return NULL;
    }
    containerd->search = daemon_search_new(options, err);
    return containerd->search ? TAKE(containerd) : NULL;
}

void containerd_free(struct containerd *containerd)
{
    if (containerd->channel)
        rpc_channel_free(containerd->channel);
    else if (containerd->search)
        daemon_search_free(containerd->search);
    free(containerd);
}

struct containerd *containerd_current(struct containerd *containerd)
{
    return containerd->channel ? containerd : daemon_search_current(containerd->search);
}

void containerd_search_again(struct containerd *containerd)
{
    if (containerd->search)
        daemon_search_restart(containerd->search);
}

void containerd_others(struct containerd *containerd, char *out, size_t out_size)
{
    out[0] = '\0';
    if (containerd->search)
        daemon_search_others(containerd->search, out, out_size);
}

const char *containerd_address(const struct containerd *containerd)
{
    return containerd->channel ? containerd->address
                               : daemon_search_chosen(containerd->search)->address;
}

struct rpc_channel *containerd_channel(struct containerd *containerd)
{
    return containerd->channel ? containerd->channel
                               : daemon_search_chosen(containerd->search)->channel;
}

struct rpc_channel *containerd_connect(struct containerd *containerd, struct error *err)
{
    const struct containerd *daemon = containerd_current(containerd);

    return connect_to(daemon, rpc_channel_stats(daemon->channel), err);
}

/* Some reasons are only in the daemon's text: a full disk, wrong bytes, an unknown digest. */
static void refine(struct error *err)
{
    enum error_code code =
        err->code == ERROR_RUNTIME ? go_error_code(err->message, ERROR_RUNTIME) : ERROR_RUNTIME;

    if (code == ERROR_NO_SPACE || code == ERROR_DIGEST_MISMATCH || code == ERROR_SIZE_MISMATCH ||
        code == ERROR_UNSUPPORTED)
        err->code = code;
}

/* Improves the error of a call to `daemon`. Returns false. gRPC's message about a missing daemon is
 * long and vague, so the result of a plain connect() replaces it. */
static bool explain(const struct containerd *daemon, struct error *err)
{
    const char *address = daemon->address, *hint = "";
    char reason[REASON_BYTES];
    enum socket_state state;

    refine(err);
    if (err->code != ERROR_RUNTIME_UNAVAILABLE)
        return false;
    if (daemon->search && !daemon_search_failed(daemon->search))
        hint =
            "; no containerd answers at the other usual sockets either, and containerd.address is "
            "not set";
    state = socket_path_try(address, "containerd", reason, sizeof(reason));
    if (state == SOCKET_LISTENS)
        return false;
    return error_status(
        err, state == SOCKET_DENIED ? ERROR_RUNTIME_FORBIDDEN : ERROR_RUNTIME_UNAVAILABLE,
        STATUS_GRPC, RPC_UNAVAILABLE, "%s: %s%s", address, reason, hint);
}

static const struct rpc_header *scope_headers(const struct scope *scope, struct rpc_header out[3])
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
    const struct containerd *daemon;
    int64_t start_ns = clock_now_ns();

    if (!buf_ok(request, err))
        return error_wrap(err, "%s", method + 1);
    daemon = containerd_current(scope->daemon);
    if (rpc_call(daemon->channel, &call, reply, cancel, err))
        return true;
    if (err->code == ERROR_TIMEOUT) /* also if it reports that its own work took too long */
        return error_wrap(err, "%s: containerd did not end %s within %.1f s", daemon->address,
                          method + 1, seconds_between(start_ns, clock_now_ns()));
    return explain(daemon, err);
}

bool containerd_query(const struct scope *scope, const char *method, const struct buf *request,
                      containerd_decode *decode, struct arena *arena, void *out,
                      struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena scratch = ARENA_INIT(SCRATCH_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(MESSAGE_LIMIT_BYTES);
    static const struct buf empty;

    return containerd_call(scope, method, request ? request : &empty, &reply, cancel, err) &&
           (!decode || decode(&reply, arena ? arena : &scratch, out, err));
}

bool containerd_query_name(const struct scope *scope, const char *method, const char *name,
                           containerd_decode *decode, struct arena *arena, void *out,
                           struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(NAME_LIMIT_BYTES);

    containerd_wire_name(&request, name);
    return containerd_query(scope, method, &request, decode, arena, out, cancel, err);
}

/* A part of a list: the names whose first `depth` bits of a checksum are `bits`. Filters of the
 * daemon are regular expressions, which can count characters modulo 2. */
struct part {
    unsigned depth, bits;
};

/* Appends a filter for one bit. The first four bits are the parities of the number of characters of
 * a class in the whole name, the next ones say of which class the last character is, and the one
 * before it. In ASCII the classes are the low four bits of digits and letters. */
static void put_filter(struct buf *out, const char *field, unsigned depth, bool is_set)
{
    static const char *const classes[] = {"13579acegikmoqsuwy", "2367bcfgjknorsvwz",
                                          "4567defglmnotuvw", "89hijklmnoxyz"};
    const char *class = classes[depth % 4];

    buf_printf(out, "%s%s~=\"(?is)", depth > 0 ? "," : "", field);
    if (depth >= 4)
        buf_printf(out, "[%s%s]%s$\"", is_set ? "" : "^", class, depth >= 8 ? "." : "");
    else if (is_set)
        buf_printf(out, "^[^%s]*[%s](?:[^%s]*[%s][^%s]*[%s])*[^%s]*$\"", class, class, class, class,
                   class, class, class);
    else
        buf_printf(out, "^(?:[^%s]*[%s][^%s]*[%s])*[^%s]*$\"", class, class, class, class, class);
}

static bool query_part(const struct scope *scope, const char *method, const char *field,
                       const struct part *part, containerd_decode *decode, void *out,
                       struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf filter = BUF_INIT(FILTER_LIMIT_BYTES);

    for (unsigned i = 0; i < part->depth; i++)
        put_filter(&filter, field, i, part->bits >> i & 1);
    return buf_ok(&filter, err) &&
           (part->depth == 0 ? containerd_query(scope, method, NULL, decode, NULL, out, cancel, err)
                             : containerd_query_name(scope, method, filter.data, decode, NULL, out,
                                                     cancel, err));
}

bool containerd_query_parts(const struct scope *scope, const char *method, const char *field,
                            containerd_decode *decode, void *out, struct cancel *cancel,
                            struct error *err)
{
    struct part parts[PARTS_DEPTH_MAX + 1] = {{0, 0}};
    size_t n_parts = 1, n_halved = 0;

    while (n_parts > 0) {
        const struct part part = parts[--n_parts];

        if (query_part(scope, method, field, &part, decode, out, cancel, err))
            continue;
        if (err->code != ERROR_LIMIT || part.depth == PARTS_DEPTH_MAX ||
            ++n_halved > PARTS_HALVED_MAX)
            return false;
        error_clear(err);
        parts[n_parts++] = (struct part){part.depth + 1, part.bits};
        parts[n_parts++] = (struct part){part.depth + 1, part.bits | 1U << part.depth};
    }
    return true;
}

bool containerd_delete(const struct scope *scope, const char *method, const char *name,
                       struct cancel *cancel, struct error *err)
{
    return containerd_query_name(scope, method, name, NULL, NULL, NULL, cancel, err) ||
           error_is_expected(err, STATUS_GRPC, RPC_NOT_FOUND);
}

struct rpc_stream *containerd_stream(const struct scope *scope, const char *method,
                                     const struct buf *request, struct cancel *cancel,
                                     struct error *err)
{
    struct rpc_header headers[3];
    const struct rpc_request call = {method, scope_headers(scope, headers), request};

    if (request && !buf_ok(request, err)) {
        error_wrap(err, "%s", method + 1);
        return NULL;
    }
    return rpc_stream_open(containerd_current(scope->daemon)->channel, &call, cancel, err);
}

static bool decode_message(const struct buf *message, containerd_decode *decode, void *out,
                           struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(SCRATCH_LIMIT_BYTES);

    return decode(message, &arena, out, err);
}

bool containerd_stream_decode(const struct scope *scope, struct rpc_stream *stream,
                              containerd_decode *decode, void *out, struct error *err)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(MESSAGE_LIMIT_BYTES);
    struct error closing;
    bool ok = true;

    while (ok && rpc_stream_next(stream, &message))
        ok = decode_message(&message, decode, out, err);
    return containerd_stream_close(scope, stream, ok ? err : &closing) && ok;
}

bool containerd_query_stream(const struct scope *scope, const char *method,
                             const struct buf *request, containerd_decode *decode, void *out,
                             struct cancel *cancel, struct error *err)
{
    static const struct buf empty;
    struct rpc_stream *stream =
        containerd_stream(scope, method, request ? request : &empty, cancel, err);

    return stream && containerd_stream_decode(scope, stream, decode, out, err);
}

bool containerd_stream_close(const struct scope *scope, struct rpc_stream *stream,
                             struct error *err)
{
    const struct containerd *daemon = scope->daemon;

    if (rpc_stream_close(stream, err))
        return true;
    return explain(daemon->channel ? daemon : daemon_search_chosen(daemon->search), err);
}

bool containerd_identify(struct containerd *containerd, struct arena *arena,
                         struct containerd_identity *identity, struct cancel *cancel,
                         struct error *err)
{
    const struct scope scope = {.daemon = containerd};

    return containerd_query(&scope, "/containerd.services.version.v1.Version/Version", NULL,
                            containerd_wire_version, arena, identity, cancel, err) &&
           containerd_query(&scope, "/containerd.services.introspection.v1.Introspection/Server",
                            NULL, containerd_wire_server, arena, identity, cancel, err);
}

unsigned daemon_version(const char *text)
{
    unsigned major, minor;

    if (sscanf(text + (*text == 'v'), "%4u.%4u", &major, &minor) != 2)
        return UINT_MAX;
    return DAEMON_VERSION(major, minor);
}

bool containerd_health(struct containerd *containerd, bool *serving, struct cancel *cancel,
                       struct error *err)
{
    const struct scope scope = {.daemon = containerd};

    return containerd_query(&scope, "/grpc.health.v1.Health/Check", NULL, containerd_wire_health,
                            NULL, serving, cancel, err);
}

bool containerd_namespaces(struct containerd *containerd, struct arena *arena,
                           struct containerd_namespaces *namespaces, struct cancel *cancel,
                           struct error *err)
{
    const struct scope scope = {.daemon = containerd};

    return containerd_query(&scope, NAMESPACES "List", NULL, containerd_wire_namespaces, arena,
                            namespaces, cancel, err);
}

bool containerd_namespace_create(const struct scope *scope, const struct labels *labels,
                                 struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);

    containerd_wire_namespace_create(&request, scope->name_space, labels, &arena);
    return containerd_query(scope, NAMESPACES "Create", &request, NULL, NULL, NULL, cancel, err) ||
           error_is_expected(err, STATUS_GRPC, RPC_ALREADY_EXISTS);
}

bool containerd_namespace_delete(const struct scope *scope, struct cancel *cancel,
                                 struct error *err)
{
    return containerd_delete(scope, NAMESPACES "Delete", scope->name_space, cancel, err);
}
