/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containerd, as far as it belongs to no namespace: who it is, what it loaded,
 * which namespaces it has. The other services have files of their own (content,
 * images, leases, snapshots); all take a scope.
 *
 * Results are plain C in the caller's arena. Errors: a daemon that cannot be
 * reached is ERROR_RUNTIME_UNAVAILABLE with a message that says why (no such
 * socket, permission denied, not a socket); err->status holds the gRPC status of
 * an answer (enum rpc_status), so that "exists already" can be told apart.
 */
#ifndef CONTAINERD_CONTAINERD_H
#define CONTAINERD_CONTAINERD_H

#include "base/arena.h"
#include "base/cancel.h"
#include "net/rpc.h"

struct containerd; /* the daemon behind one socket; connects when needed; any thread may use it */

/* In whose name a call is made. `lease` may be NULL. */
struct scope {
    struct containerd *daemon;
    const char *name_space;
    const char *lease;
};

struct label {
    const char *name, *value;
};

struct labels {
    struct label *items;
    size_t count;
};

/* NULL if there is none. */
const char *labels_get(const struct labels *labels, const char *name);

struct containerd *containerd_new(const char *socket_path, struct error *err);
void containerd_free(struct containerd *containerd);
DEFINE_CLEANUP(struct containerd *, containerd_free)

const char *containerd_address(const struct containerd *containerd);
struct rpc_channel *containerd_channel(struct containerd *containerd); /* for statistics */

/* Another connection to the same daemon, for a call that lasts: what it does is counted with the
 * rest, nothing on the first connection delays it. Ends before the daemon is freed. */
struct rpc_channel *containerd_connect(struct containerd *containerd, struct error *err);

/* What every service calls: adds the headers of the scope, explains why a daemon is gone. */
bool containerd_call(const struct scope *scope, const char *method, const struct buf *request,
                     struct buf *reply, struct cancel *cancel, struct error *err) MUST_CHECK;
/* `request` NULL: the caller sends. */
struct rpc_stream *containerd_stream(const struct scope *scope, const char *method,
                                     const struct buf *request, struct cancel *cancel,
                                     struct error *err);
/* rpc_stream_close(), with the same explanations. */
bool containerd_stream_close(const struct scope *scope, struct rpc_stream *stream,
                             struct error *err);

struct containerd_identity {
    const char *version, *revision, *uuid;
};

bool containerd_identify(struct containerd *containerd, struct arena *arena,
                         struct containerd_identity *identity, struct cancel *cancel,
                         struct error *err) MUST_CHECK;

/* grpc.health.v1: *serving is false where the daemon answers, but not with SERVING. */
bool containerd_health(struct containerd *containerd, bool *serving, struct cancel *cancel,
                       struct error *err) MUST_CHECK;

/* See introspection.h for the list. */
struct containerd_plugin {
    const char *type, *id;
    const char *init_error; /* NULL: loaded */
};

/* "ok", "skip" or "error": the words of `ctr plugins ls`. */
const char *containerd_plugin_status(const struct containerd_plugin *plugin);

struct containerd_namespace {
    const char *name;
    struct labels labels;
};

struct containerd_namespaces {
    struct containerd_namespace *items; /* in the daemon's order: sorted by name */
    size_t count;
};

bool containerd_namespaces(struct containerd *containerd, struct arena *arena,
                           struct containerd_namespaces *namespaces, struct cancel *cancel,
                           struct error *err) MUST_CHECK;

/* Creates scope->name_space; one that exists already is fine. */
bool containerd_namespace_create(const struct scope *scope, const struct labels *labels,
                                 struct cancel *cancel, struct error *err) MUST_CHECK;

/* One that does not exist is fine; one that is not empty is an error (RPC_FAILED_PRECONDITION). */
bool containerd_namespace_delete(const struct scope *scope, struct cancel *cancel,
                                 struct error *err) MUST_CHECK;

#endif
