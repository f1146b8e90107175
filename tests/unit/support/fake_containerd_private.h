/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the fake containerd. */
#ifndef TESTS_FAKE_CONTAINERD_PRIVATE_H
#define TESTS_FAKE_CONTAINERD_PRIVATE_H

#include "support/fake_containerd.h"
#include "support/grpc_server.h"

#include <protobuf-c/protobuf-c.h>
#include <timestamp.pb-c.h>
#include <types.pb-c.h>

/* One call, served by its own thread. */
struct fake_call {
    struct fake_containerd *fake;
    struct session *session;
    char space[96], lease[96]; /* "" where the client has not said */
    enum call_verdict verdict;
    struct fake_reply {
        void *data;
        size_t size;
        struct fake_reply *next;
    } * replies, **last;
};

#define FAKE_LIST_MAX 1024
#define OUTCOME_OK    ((struct outcome){GRPC_STATUS_OK, ""})

static const struct outcome fake_not_found = {GRPC_STATUS_NOT_FOUND, "not found"};
static const struct outcome fake_exists = {GRPC_STATUS_ALREADY_EXISTS, "already exists"};

/* A method with one request. It is called with the lock. */
typedef struct outcome fake_method(struct fake_call *call, const void *request);

struct fake_method_entry {
    const char *path;                          /* without "/containerd.services." */
    const ProtobufCMessageDescriptor *request; /* NULL: not read */
    const char *key; /* the field of the request that is recorded; NULL: none */
    fake_method *serve;
};

/* A NULL path ends them. */
extern const struct fake_method_entry fake_service_methods[], fake_content_methods[],
    fake_cri_methods[];

/* Sent when the method has returned OK. */
void fake_reply(struct fake_call *call, const ProtobufCMessage *message);
void fake_reply_bytes(struct fake_call *call, const void *head, size_t head_size, const void *data,
                      size_t size);

/* As fake_containerd.h, but with the lock held. */
struct fake_item *fake_find(struct fake_containerd *fake, enum fake_kind kind, const char *space,
                            const char *name);
struct fake_item *fake_add(struct fake_call *call, enum fake_kind kind, const char *name);
void fake_remove(struct fake_containerd *fake, struct fake_item *item);
void fake_take_labels(struct fake_item *item, Wire__Label *const *labels, size_t count);

struct outcome fake_remove_item(struct fake_call *call, enum fake_kind kind, const char *name);

/* All items of a kind in the namespace of the call; at most FAKE_LIST_MAX. */
size_t fake_list(struct fake_call *call, enum fake_kind kind, struct fake_item **items);

struct fake_labels {
    Wire__Label labels[FAKE_LABELS_MAX], *pointers[FAKE_LABELS_MAX];
};
Wire__Label **fake_labels(const struct fake_item *item, struct fake_labels *out);
Wire__Timestamp fake_time(int64_t unix_ns);

/* The planned failure of a call. */
struct outcome fake_failure(const struct fake_containerd *fake);

/* A pull by the daemon itself, into call->space: blobs, then the record `name`. */
struct outcome fake_pull_image(struct fake_call *call, const char *name, bool unpack);

/* The methods whose client sends several messages, or none; false if `path` is none of them. */
bool fake_serve_stream(struct fake_call *call, const char *path, struct outcome *outcome);

/* A message of the client; NULL at the end. Freed by protobuf_c_message_free_unpacked(). */
void *fake_receive(struct fake_call *call, const ProtobufCMessageDescriptor *type);
/* Sends at once. False if the client has gone. */
bool fake_send(struct fake_call *call, const ProtobufCMessage *message);
void fake_streams_stop(struct fake_containerd *fake);

#endif
