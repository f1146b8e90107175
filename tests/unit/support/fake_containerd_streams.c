/* SPDX-License-Identifier: Apache-2.0 */
/* The fake containerd: Content/Write, the streams of a transfer, Transfer itself, and events. */
#include "support/fake_containerd_private.h"

#include "base/clock.h"

#include <content.pb-c.h>
#include <events.pb-c.h>
#include <transfer.pb-c.h>

#include <stdlib.h>

/* A stream to a client: messages wait until its thread sends them. */
struct fake_stream {
    char id[128];
    struct fake_reply *messages, **last;
    bool ended, answered;
    struct fake_stream *next;
};

bool fake_send(struct fake_call *call, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *data = malloc(size + 1);
    bool ok;

    if (!data)
        abort();
    protobuf_c_message_pack(message, data);
    ok = session_send_bytes(call->session, data, size);
    free(data);
    return ok;
}

/* ---- Content/Write ---- */

struct writing {
    char ref[256];
    struct fake_item *ingest; /* NULL: the blob comes from another namespace */
    const struct fake_item *shared;
};

static const struct fake_item *find_in_others(const struct fake_call *call, const char *digest)
{
    for (size_t i = 0; i < call->fake->n_items && !call->fake->isolated; i++)
        if (call->fake->items[i]->kind == FAKE_CONTENT &&
            strcmp(call->fake->items[i]->name, digest) == 0)
            return call->fake->items[i];
    return NULL;
}

static struct outcome write_begin(struct fake_call *call, struct writing *writing,
                                  const Content__WriteRequest *request)
{
    snprintf(writing->ref, sizeof(writing->ref), "%s", request->ref);
    if (*request->expected && fake_find(call->fake, FAKE_CONTENT, call->space, request->expected))
        return fake_exists;
    writing->shared = *request->expected ? find_in_others(call, request->expected) : NULL;
    writing->ingest = fake_find(call->fake, FAKE_INGEST, call->space, request->ref);
    if (writing->ingest && writing->ingest->active)
        return (struct outcome){GRPC_STATUS_UNAVAILABLE, "ref x locked for 1s: unavailable"};
    if (!writing->ingest)
        writing->ingest = fake_add(call, FAKE_INGEST, request->ref);
    return OUTCOME_OK;
}

static void write_data(struct writing *writing, const Content__WriteRequest *request)
{
    struct fake_item *ingest = writing->ingest;

    ingest->data = realloc(ingest->data, ingest->size + request->data.len + 1);
    if (!ingest->data)
        abort();
    memcpy(ingest->data + ingest->size, request->data.data, request->data.len);
    ingest->size += request->data.len;
}

static struct outcome write_commit(struct fake_call *call, struct writing *writing,
                                   const Content__WriteRequest *request)
{
    const struct fake_item *bytes = writing->shared ? writing->shared : writing->ingest;
    char digest[DIGEST_TEXT_BYTES];
    struct fake_item *item;
    struct error err;

    if (!digest_of(bytes->data ? bytes->data : "", bytes->size, digest, &err))
        abort();
    if (request->total > 0 && (uint64_t)request->total != bytes->size)
        return (struct outcome){GRPC_STATUS_FAILED_PRECONDITION,
                                "unexpected commit size 1, expected 2"};
    if (*request->expected && strcmp(request->expected, digest) != 0)
        return (struct outcome){GRPC_STATUS_FAILED_PRECONDITION,
                                "unexpected commit digest sha256:1, expected sha256:2"};
    if (fake_find(call->fake, FAKE_CONTENT, call->space, digest)) {
        fake_remove(call->fake, writing->ingest);
        writing->ingest = NULL;
        return fake_exists;
    }
    item = fake_add(call, FAKE_CONTENT, digest);
    item->size = bytes->size;
    if (!(item->data = malloc(bytes->size + 1)))
        abort();
    memcpy(item->data, bytes->data ? bytes->data : "", bytes->size);
    fake_take_labels(item, request->labels, request->n_labels);
    fake_remove(call->fake, writing->ingest);
    writing->ingest = NULL;
    return OUTCOME_OK;
}

static struct outcome write_step(struct fake_call *call, struct writing *writing,
                                 const Content__WriteRequest *request)
{
    static const char *const names[] = {"Content/Write/stat", "Content/Write/data",
                                        "Content/Write/commit"};
    int action = request->action >= 0 && request->action < 3 ? request->action : 0;
    struct outcome outcome = OUTCOME_OK;

    call->verdict = call_log_add(call->fake->log, names[action],
                                 action == 0   ? request->ref
                                 : action == 1 ? writing->ref
                                               : request->expected);
    if (call->verdict == CALL_FAIL)
        return fake_failure(call->fake);
    pthread_mutex_lock(&call->fake->lock);
    if (!writing->ingest || action == 0)
        outcome = write_begin(call, writing, request);
    if (outcome.code == GRPC_STATUS_OK && request->data.len > 0)
        write_data(writing, request);
    if (outcome.code == GRPC_STATUS_OK && action == 2)
        outcome = write_commit(call, writing, request);
    pthread_mutex_unlock(&call->fake->lock);
    return call->verdict == CALL_FAIL_LATE ? fake_failure(call->fake) : outcome;
}

static struct outcome serve_write(struct fake_call *call)
{
    struct writing writing = {.ref = ""};
    struct outcome outcome = OUTCOME_OK;
    Content__WriteRequest *request;

    while (outcome.code == GRPC_STATUS_OK &&
           (request = fake_receive(call, &content__write_request__descriptor))) {
        Content__WriteResponse response = CONTENT__WRITE_RESPONSE__INIT;

        outcome = write_step(call, &writing, request);
        response.action = request->action;
        pthread_mutex_lock(&call->fake->lock);
        response.offset = (int64_t)(writing.shared   ? writing.shared->size
                                    : writing.ingest ? writing.ingest->size
                                                     : 0);
        pthread_mutex_unlock(&call->fake->lock);
        response.total = request->total;
        protobuf_c_message_free_unpacked(&request->base, NULL);
        if (outcome.code == GRPC_STATUS_OK && !fake_send(call, &response.base))
            break;
    }
    return outcome;
}

/* ---- streams that the client opens, and the daemon writes to ---- */

static struct fake_stream *find_stream(struct fake_containerd *fake, const char *id)
{
    for (struct fake_stream *stream = fake->streams; stream && *id; stream = stream->next)
        if (strcmp(stream->id, id) == 0)
            return stream;
    return NULL;
}

static struct fake_stream *add_stream(struct fake_containerd *fake, const char *id)
{
    struct fake_stream *stream = calloc(1, sizeof(*stream));

    if (!stream)
        abort();
    snprintf(stream->id, sizeof(stream->id), "%s", id);
    stream->last = &stream->messages;
    stream->next = fake->streams;
    fake->streams = stream;
    return stream;
}

static void free_stream(struct fake_containerd *fake, struct fake_stream *stream)
{
    struct fake_stream **at = &fake->streams;

    while (*at != stream)
        at = &(*at)->next;
    *at = stream->next;
    while (stream->messages) {
        struct fake_reply *message = stream->messages;

        stream->messages = message->next;
        free(message->data);
        free(message);
    }
    free(stream);
}

static void enqueue(struct fake_stream *stream, const ProtobufCMessage *message)
{
    struct fake_reply *reply = calloc(1, sizeof(*reply));

    if (!reply)
        abort();
    reply->size = protobuf_c_message_get_packed_size(message);
    if (!(reply->data = malloc(reply->size + 1)))
        abort();
    protobuf_c_message_pack(message, reply->data);
    *stream->last = reply;
    stream->last = &reply->next;
}

static void enqueue_any(struct fake_stream *stream, const char *type,
                        const ProtobufCMessage *message)
{
    Transfer__Any any = TRANSFER__ANY__INIT;
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *data = malloc(size + 1);

    if (!data)
        abort();
    protobuf_c_message_pack(message, data);
    any.type_url = (char *)type;
    any.value.data = data;
    any.value.len = size;
    enqueue(stream, &any.base);
    free(data);
}

/* Reads the answer to a question for credentials, and records it. */
static void read_credentials(struct fake_call *call)
{
    Transfer__Any *any = fake_receive(call, &transfer__any__descriptor);
    Transfer__AuthResponse *response =
        any ? (void *)protobuf_c_message_unpack(&transfer__auth_response__descriptor, NULL,
                                                any->value.len, any->value.data)
            : NULL;
    char text[300] = "none";

    if (response)
        snprintf(text, sizeof(text), "%d %s:%s", response->auth_type, response->username,
                 response->secret);
    (void)call_log_add(call->fake->log, "auth", text);
    if (response)
        protobuf_c_message_free_unpacked(&response->base, NULL);
    if (any)
        protobuf_c_message_free_unpacked(&any->base, NULL);
}

/* Sends what is enqueued until the stream has ended. */
static void drain(struct fake_call *call, struct fake_stream *stream)
{
    struct fake_containerd *fake = call->fake;
    bool alive = true;

    pthread_mutex_lock(&fake->lock);
    while (alive && !fake->stopping && (stream->messages || !stream->ended)) {
        struct fake_reply *message = stream->messages;

        if (!message) {
            pthread_cond_wait(&fake->changed, &fake->lock);
            continue;
        }
        stream->messages = message->next;
        if (!stream->messages)
            stream->last = &stream->messages;
        pthread_mutex_unlock(&fake->lock);
        alive = session_send_bytes(call->session, message->data, message->size);
        if (alive && strncmp(stream->id, "auth-", 5) == 0)
            read_credentials(call);
        free(message->data);
        free(message);
        pthread_mutex_lock(&fake->lock);
        stream->answered = true;
        pthread_cond_broadcast(&fake->changed);
    }
    stream->answered = true;
    free_stream(fake, stream);
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

/* The kind of a stream is its id up to the time: "progress-123" -> "progress". */
static void record_stream(struct fake_call *call, const char *id)
{
    char kind[32];

    snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(id, "-"), id);
    call->verdict = call_log_add(call->fake->log, "Streaming/Stream", kind);
}

/* A daemon that fails a transfer ends its streams; the client waits for that. */
static void end_all_streams(struct fake_containerd *fake)
{
    LOCK_SCOPE(&fake->lock);

    for (struct fake_stream *stream = fake->streams; stream; stream = stream->next)
        if (strcmp(stream->id, "events") != 0)
            stream->ended = true;
    pthread_cond_broadcast(&fake->changed);
}

static struct outcome serve_streaming(struct fake_call *call)
{
    Transfer__Any *any = fake_receive(call, &transfer__any__descriptor),
                  empty = TRANSFER__ANY__INIT;
    Transfer__StreamInit *init =
        any ? (void *)protobuf_c_message_unpack(&transfer__stream_init__descriptor, NULL,
                                                any->value.len, any->value.data)
            : NULL;
    struct fake_stream *stream = NULL;

    if (any)
        protobuf_c_message_free_unpacked(&any->base, NULL);
    if (!init)
        return (struct outcome){GRPC_STATUS_INVALID_ARGUMENT, "no stream init"};
    record_stream(call, init->id);
    if (call->verdict == CALL_SERVE) {
        pthread_mutex_lock(&call->fake->lock);
        stream = add_stream(call->fake, init->id);
        pthread_mutex_unlock(&call->fake->lock);
    }
    protobuf_c_message_free_unpacked(&init->base, NULL);
    if (!stream) {
        end_all_streams(call->fake);
        return fake_failure(call->fake);
    }
    (void)fake_send(call, &empty.base);
    drain(call, stream);
    return OUTCOME_OK;
}

void fake_streams_stop(struct fake_containerd *fake)
{
    LOCK_SCOPE(&fake->lock);

    fake->stopping = true;
    pthread_cond_broadcast(&fake->changed);
}

/* ---- Transfer ---- */

static void tell_events(struct fake_stream *stream, const struct fake_event *events)
{
    for (; stream && events && events->event; events++) {
        Transfer__Progress progress = TRANSFER__PROGRESS__INIT;

        progress.event = (char *)events->event;
        progress.name = (char *)events->name;
        progress.progress = events->progress;
        progress.total = events->total;
        enqueue_any(stream, "containerd.types.transfer.Progress", &progress.base);
    }
}

static void tell_logs(struct fake_stream *stream, const char *const *logs)
{
    for (; stream && logs && *logs; logs++) {
        Transfer__Data data = TRANSFER__DATA__INIT;

        data.data.data = (uint8_t *)*logs;
        data.data.len = strlen(*logs);
        enqueue_any(stream, "containerd.types.transfer.Data", &data.base);
    }
}

/* Waits for the answer of the client. */
static void ask_credentials(struct fake_containerd *fake, const char *id)
{
    struct fake_stream *stream = find_stream(fake, id);
    Transfer__AuthRequest request = TRANSFER__AUTH_REQUEST__INIT;

    if (!stream || !fake->auth_host)
        return;
    request.host = (char *)fake->auth_host;
    enqueue_any(stream, "containerd.types.transfer.AuthRequest", &request.base);
    pthread_cond_broadcast(&fake->changed);
    while ((stream = find_stream(fake, id)) && !stream->answered && !fake->stopping)
        pthread_cond_wait(&fake->changed, &fake->lock);
}

static void end_stream(struct fake_containerd *fake, const char *id)
{
    struct fake_stream *stream = find_stream(fake, id);

    if (stream)
        stream->ended = true;
}

struct transfer_parts {
    Transfer__OCIRegistry *registry;
    Transfer__ImageStore *store;
    bool push;
};

static bool parts_unpack(struct transfer_parts *parts, const Transfer__TransferRequest *request)
{
    const Transfer__Any *source = request->source, *to = request->destination;

    parts->push = strstr(source->type_url, "ImageStore") != NULL;
    if (parts->push) {
        source = request->destination;
        to = request->source;
    }
    parts->registry = (void *)protobuf_c_message_unpack(&transfer__ociregistry__descriptor, NULL,
                                                        source->value.len, source->value.data);
    parts->store = (void *)protobuf_c_message_unpack(&transfer__image_store__descriptor, NULL,
                                                     to->value.len, to->value.data);
    return parts->registry && parts->registry->resolver && parts->store;
}

static void parts_deinit(struct transfer_parts *parts)
{
    if (parts->registry)
        protobuf_c_message_free_unpacked(&parts->registry->base, NULL);
    if (parts->store)
        protobuf_c_message_free_unpacked(&parts->store->base, NULL);
}

static struct outcome transfer_parts(struct fake_call *call, const struct transfer_parts *parts,
                                     const char *progress_id)
{
    struct fake_containerd *fake = call->fake;
    const Transfer__RegistryResolver *resolver = parts->registry->resolver;
    struct outcome outcome = OUTCOME_OK;

    ask_credentials(fake, resolver->auth_stream);
    tell_events(find_stream(fake, progress_id), fake->events);
    tell_logs(find_stream(fake, resolver->logs_stream), fake->logs);
    if (!parts->push)
        outcome = fake_pull_image(call, parts->store->name, parts->store->n_unpacks > 0);
    else if (!fake_find(fake, FAKE_RECORD, call->space, parts->store->name))
        outcome = fake_not_found;
    end_stream(fake, progress_id);
    end_stream(fake, resolver->auth_stream);
    end_stream(fake, resolver->logs_stream);
    pthread_cond_broadcast(&fake->changed);
    return outcome;
}

static void record_transfer(struct fake_call *call, const struct transfer_parts *parts)
{
    const Transfer__ImageStore *store = parts->store;
    char text[600];

    snprintf(text, sizeof(text),
             "%s %s platforms=%zu unpacks=%zu snapshotter=%s scheme=%s hosts=%s",
             parts->push ? "push" : "pull", parts->registry->reference, store->n_platforms,
             store->n_unpacks, store->n_unpacks > 0 ? store->unpacks[0]->snapshotter : "",
             parts->registry->resolver->default_scheme, parts->registry->resolver->host_dir);
    snprintf(call->fake->transfer_os, sizeof(call->fake->transfer_os), "%s",
             store->n_platforms > 0 ? store->platforms[0]->os : "");
    call->verdict = call_log_add(call->fake->log, "Transfer/Transfer", text);
}

static struct outcome serve_transfer(struct fake_call *call)
{
    Transfer__TransferRequest *request =
        fake_receive(call, &transfer__transfer_request__descriptor);
    struct outcome outcome = {GRPC_STATUS_INVALID_ARGUMENT, "no request"};
    struct transfer_parts parts = {NULL, NULL, false};

    if (request && parts_unpack(&parts, request)) {
        record_transfer(call, &parts);
        outcome = fake_failure(call->fake);
        if (call->verdict != CALL_FAIL) {
            pthread_mutex_lock(&call->fake->lock);
            outcome = transfer_parts(call, &parts,
                                     request->options ? request->options->progress_stream : "");
            pthread_mutex_unlock(&call->fake->lock);
        }
        if (call->verdict == CALL_FAIL_LATE)
            outcome = fake_failure(call->fake);
        end_all_streams(call->fake);
    }
    parts_deinit(&parts);
    if (request)
        protobuf_c_message_free_unpacked(&request->base, NULL);
    if (outcome.code == GRPC_STATUS_OK)
        (void)session_send_bytes(call->session, "", 0);
    return outcome;
}

/* ---- events ---- */

static struct outcome serve_events(struct fake_call *call)
{
    Events__SubscribeRequest *request = fake_receive(call, &events__subscribe_request__descriptor);
    struct fake_stream *stream;

    if (request)
        protobuf_c_message_free_unpacked(&request->base, NULL);
    if (call_log_add(call->fake->log, "Events/Subscribe", "") != CALL_SERVE)
        return fake_failure(call->fake);
    pthread_mutex_lock(&call->fake->lock);
    stream = add_stream(call->fake, "events");
    pthread_mutex_unlock(&call->fake->lock);
    drain(call, stream);
    return OUTCOME_OK;
}

static void publish(struct fake_containerd *fake, const char *space, const char *topic,
                    Events__Any *event)
{
    Events__Envelope envelope = EVENTS__ENVELOPE__INIT;
    LOCK_SCOPE(&fake->lock);

    envelope.namespace_ = (char *)space;
    envelope.topic = (char *)topic;
    envelope.event = event;
    for (struct fake_stream *stream = fake->streams; stream; stream = stream->next)
        if (strcmp(stream->id, "events") == 0)
            enqueue(stream, &envelope.base);
    pthread_cond_broadcast(&fake->changed);
}

static struct outcome serve_publish(struct fake_call *call)
{
    Events__PublishRequest *request = fake_receive(call, &events__publish_request__descriptor);
    enum call_verdict verdict =
        call_log_add(call->fake->log, "Events/Publish", request ? request->topic : "");

    if (request && verdict != CALL_FAIL)
        publish(call->fake, call->space, request->topic, request->event);
    if (request)
        protobuf_c_message_free_unpacked(&request->base, NULL);
    if (verdict != CALL_SERVE)
        return fake_failure(call->fake);
    (void)session_send_bytes(call->session, "", 0);
    return OUTCOME_OK;
}

void fake_containerd_publish(struct fake_containerd *fake, const char *space, const char *topic)
{
    Events__Any event = EVENTS__ANY__INIT;

    publish(fake, space, topic, &event);
}

bool fake_serve_stream(struct fake_call *call, const char *path, struct outcome *outcome)
{
    static const struct {
        const char *path;
        struct outcome (*serve)(struct fake_call *call);
    } streams[] = {
        {"content.v1.Content/Write", serve_write},
        {"streaming.v1.Streaming/Stream", serve_streaming},
        {"transfer.v1.Transfer/Transfer", serve_transfer},
        {"events.v1.Events/Subscribe", serve_events},
        {"events.v1.Events/Publish", serve_publish},
    };

    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
        if (strcmp(streams[i].path, path) == 0) {
            *outcome = streams[i].serve(call);
            return true;
        }
    return false;
}
