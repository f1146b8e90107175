/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection to containerd, the calls that every service is made of, and what belongs to no
 * namespace: identity, health and the namespaces themselves. Each other service has its own file
 * (content, images, leases, snapshots, ...) and takes a scope.
 *
 * Results are plain C structs in the caller's arena. Errors: ERROR_RUNTIME_UNAVAILABLE means that
 * no process answers at the socket, ERROR_RUNTIME_FORBIDDEN that the exporter may not connect to
 * it; the message says why. After a reply with an error, err->status holds the gRPC status (enum
 * rpc_status).
 */
#pragma once

#include "base/arena.h"
#include "base/cancel.h"
#include "net/rpc.h"

struct daemon_search;
struct daemon_search_options;
struct containerd; /* the daemon behind one socket; connects when first used; thread-safe */

/* The headers of a call. `name_space` and `lease` may be NULL. */
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

/* Returns NULL if there is no such label. */
const char *labels_get(const struct labels *labels, const char *name);

/* The daemon at `address`, which socket_path_parse() reads. */
struct containerd *containerd_new(const char *address, struct error *err);

/* The daemon that a search finds (containerd/search/daemon_search.h). Every call goes to the one
 * that is chosen at that time. */
struct containerd *containerd_find(const struct daemon_search_options *options, struct error *err);

/* For the search: a daemon that it found, with the statistics of `first`; NULL: its own. */
struct containerd *containerd_new_found(const char *address, struct daemon_search *search,
                                        struct containerd *first, struct error *err);

void containerd_free(struct containerd *containerd);
DEFINE_CLEANUP(struct containerd *, containerd_free)

/* Returns the daemon that calls go to now, for work that must stay with one daemon. It lives as
 * long as `containerd`. */
struct containerd *containerd_current(struct containerd *containerd);

/* daemon_search_restart() and daemon_search_others(), if there is a search. */
void containerd_search_again(struct containerd *containerd);
void containerd_others(struct containerd *containerd, char *out, size_t out_size);

/* Of the chosen daemon. Valid as long as `containerd`. */
const char *containerd_address(const struct containerd *containerd);
struct rpc_channel *containerd_channel(struct containerd *containerd); /* for statistics */

/* Opens another connection to the same daemon, for a long call that bulk transfers on the first
 * connection must not delay. Both share their statistics. The caller must free it before the
 * daemon. */
struct rpc_channel *containerd_connect(struct containerd *containerd, struct error *err);

/* Reads a message of the daemon into *out. What *out points to afterwards lives in `arena`. */
typedef bool containerd_decode(const struct buf *message, struct arena *arena, void *out,
                               struct error *err);

/* Calls `method` and decodes the reply, which may have 16 MiB. `request` NULL is an empty message,
 * `decode` NULL ignores the reply. `arena` may be NULL if *out needs no memory after the call. */
bool containerd_query(const struct scope *scope, const char *method, const struct buf *request,
                      containerd_decode *decode, struct arena *arena, void *out,
                      struct cancel *cancel, struct error *err) MUST_CHECK;

/* The same for a request with nothing but a name. */
bool containerd_query_name(const struct scope *scope, const char *method, const char *name,
                           containerd_decode *decode, struct arena *arena, void *out,
                           struct cancel *cancel, struct error *err) MUST_CHECK;

/* Calls a List whose reply is one message and whose request has filters as its field 1. The daemon
 * refuses to send more than its max_send_message_size (16 MiB by default); then the list is taken
 * in parts by filters on `field`, which must be a name that differs from item to item. `decode` is
 * called for each part with an arena that lives until it returns, and adds to *out. */
bool containerd_query_parts(const struct scope *scope, const char *method, const char *field,
                            containerd_decode *decode, void *out, struct cancel *cancel,
                            struct error *err) MUST_CHECK;

/* Calls the `method` that deletes what has that name. A missing one is success. */
bool containerd_delete(const struct scope *scope, const char *method, const char *name,
                       struct cancel *cancel, struct error *err) MUST_CHECK;

/* containerd_query() without decoding: appends the reply to `reply`, which the caller owns. */
bool containerd_call(const struct scope *scope, const char *method, const struct buf *request,
                     struct buf *reply, struct cancel *cancel, struct error *err) MUST_CHECK;

/* Calls a `method` that replies with many messages, and decodes each one as it arrives. The arena
 * of `decode` lives until it returns. The first failure of `decode` ends the call. */
bool containerd_query_stream(const struct scope *scope, const char *method,
                             const struct buf *request, containerd_decode *decode, void *out,
                             struct cancel *cancel, struct error *err) MUST_CHECK;

/* The same in steps. `request` NULL: the caller sends the messages. */
struct rpc_stream *containerd_stream(const struct scope *scope, const char *method,
                                     const struct buf *request, struct cancel *cancel,
                                     struct error *err);
/* Takes `stream`, decodes the rest of its messages and closes it. */
bool containerd_stream_decode(const struct scope *scope, struct rpc_stream *stream,
                              containerd_decode *decode, void *out, struct error *err) MUST_CHECK;
/* rpc_stream_close() with the messages of containerd_call(). */
bool containerd_stream_close(const struct scope *scope, struct rpc_stream *stream,
                             struct error *err);

struct containerd_identity {
    const char *version, *revision, *uuid;
};

bool containerd_identify(struct containerd *containerd, struct arena *arena,
                         struct containerd_identity *identity, struct cancel *cancel,
                         struct error *err) MUST_CHECK;

#define DAEMON_VERSION(major, minor) ((major)*10000U + (minor))

/* Parses "1.6.20~ds1", "v1.7.11-k3s2" or "2.1.9+unknown" for comparison with DAEMON_VERSION().
 * Text that is no version counts as newer than every version. */
unsigned daemon_version(const char *text);

/* grpc.health.v1: *serving is false if the daemon replies, but not with SERVING. */
bool containerd_health(struct containerd *containerd, bool *serving, struct cancel *cancel,
                       struct error *err) MUST_CHECK;

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

/* Creates scope->name_space. An existing namespace is success. */
bool containerd_namespace_create(const struct scope *scope, const struct labels *labels,
                                 struct cancel *cancel, struct error *err) MUST_CHECK;

/* A missing namespace is success; one that is not empty is RPC_FAILED_PRECONDITION. */
bool containerd_namespace_delete(const struct scope *scope, struct cancel *cancel,
                                 struct error *err) MUST_CHECK;
