/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gRPC server inside the test, on the C core: one thread accepts, each call has a thread and a
 * queue of its own. What a method does is told by its name; see `methods`. The methods abort
 * where the library says no, as cmocka's assertions belong to the main thread.
 */
#ifndef TESTS_GRPC_SERVER_H
#define TESTS_GRPC_SERVER_H

#include "base/own.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COUNT_MESSAGES ((size_t)256)
#define COUNT_BYTES    ((size_t)65536)

struct session;

struct outcome {
    grpc_status_code code;
    const char *words;
};

typedef struct outcome session_server(struct session *session);

struct grpc_fake {
    grpc_server *server;
    session_server *serve;
    void *arg;                           /* for `serve` */
    grpc_completion_queue *queue, *last; /* the second hears of the end only */
    pthread_t acceptor;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned sessions, hanging, canceled;
    char directory[64], target[96];
};

struct session {
    struct grpc_fake *fake;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
    grpc_completion_queue *queue;
    int canceled;
};

static inline bool session_run(struct session *session, grpc_op op)
{
    if (grpc_call_start_batch(session->call, &op, 1, session, NULL) != GRPC_CALL_OK)
        abort();
    return grpc_completion_queue_next(session->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL)
        .success;
}

/* NULL where the client has ended. */
static inline grpc_byte_buffer *session_receive(struct session *session)
{
    grpc_byte_buffer *message = NULL;

    session_run(session,
                (grpc_op){.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &message});
    return message;
}

/* Takes the message. */
static inline bool session_send(struct session *session, grpc_byte_buffer *message)
{
    bool ok = session_run(
        session, (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = message});

    grpc_byte_buffer_destroy(message);
    return ok;
}

static inline bool session_send_bytes(struct session *session, const void *data, size_t size)
{
    grpc_slice slice = grpc_slice_from_copied_buffer(data, size);
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&slice, 1);

    grpc_slice_unref(slice);
    return session_send(session, message);
}

/* Echoes every message until the client has said all. */
static inline struct outcome serve_chat(struct session *session)
{
    grpc_byte_buffer *message;

    while ((message = session_receive(session)))
        session_send(session, message);
    return (struct outcome){GRPC_STATUS_OK, ""};
}

static inline struct outcome serve_count(struct session *session)
{
    CLEANUP(freep) char *zeros = calloc(1, COUNT_BYTES);

    for (size_t i = 0; zeros && i < COUNT_MESSAGES; i++)
        if (!session_send_bytes(session, zeros, COUNT_BYTES))
            break;
    return (struct outcome){GRPC_STATUS_OK, ""};
}

/* Replies with "name=value;" for each header whose name begins with "x-". */
static inline struct outcome serve_headers(struct session *session)
{
    char text[512] = "";

    for (size_t i = 0; i < session->metadata.count; i++) {
        char *name = grpc_slice_to_c_string(session->metadata.metadata[i].key);
        char *value = grpc_slice_to_c_string(session->metadata.metadata[i].value);
        size_t used = strlen(text);

        if (strncmp(name, "x-", 2) == 0)
            snprintf(text + used, sizeof(text) - used, "%s=%s;", name, value);
        gpr_free(name);
        gpr_free(value);
    }
    session_send_bytes(session, text, strlen(text));
    return (struct outcome){GRPC_STATUS_OK, ""};
}

/* The first byte of the message is the status to end with. */
static inline struct outcome serve_status(struct session *session)
{
    grpc_byte_buffer *message = session_receive(session);
    grpc_status_code code = GRPC_STATUS_INTERNAL;
    grpc_byte_buffer_reader reader;
    grpc_slice slice;

    if (!message || !grpc_byte_buffer_reader_init(&reader, message))
        return (struct outcome){code, "no message"};
    slice = grpc_byte_buffer_reader_readall(&reader);
    if (GRPC_SLICE_LENGTH(slice) > 0)
        code = (grpc_status_code)GRPC_SLICE_START_PTR(slice)[0];
    grpc_slice_unref(slice);
    grpc_byte_buffer_reader_destroy(&reader);
    grpc_byte_buffer_destroy(message);
    return (struct outcome){code, "as told"};
}

static inline struct outcome serve_hang(struct session *session)
{
    pthread_mutex_lock(&session->fake->lock);
    session->fake->hanging++;
    pthread_cond_broadcast(&session->fake->changed);
    pthread_mutex_unlock(&session->fake->lock);
    session_run(session, (grpc_op){.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                                   .data.recv_close_on_server.cancelled = &session->canceled});
    pthread_mutex_lock(&session->fake->lock);
    session->fake->canceled++;
    pthread_cond_broadcast(&session->fake->changed);
    pthread_mutex_unlock(&session->fake->lock);
    return (struct outcome){-1, ""};
}

/* Answers the first message, twice, then refuses, and reads no further. */
static inline struct outcome serve_refuse(struct session *session)
{
    grpc_byte_buffer_destroy(session_receive(session));
    session_send_bytes(session, "one", 3);
    session_send_bytes(session, "two", 3);
    return (struct outcome){GRPC_STATUS_ALREADY_EXISTS, "have it"};
}

/* More words than an error holds. */
static inline struct outcome serve_wordy(struct session *session)
{
    static char words[2000];

    (void)session;
    memset(words, '.', sizeof(words) - 1);
    memcpy(words, "first", 5);
    memcpy(words + sizeof(words) - 5, "last", 4);
    return (struct outcome){GRPC_STATUS_UNKNOWN, words};
}

static inline struct outcome serve_silent(struct session *session)
{
    (void)session;
    return (struct outcome){GRPC_STATUS_OK, ""};
}

static const struct {
    const char *path;
    struct outcome (*serve)(struct session *session);
} methods[] = {
    {"/test.Test/Chat", serve_chat},       {"/test.Test/Count", serve_count},
    {"/test.Test/Headers", serve_headers}, {"/test.Test/Status", serve_status},
    {"/test.Test/Hang", serve_hang},       {"/test.Test/Refuse", serve_refuse},
    {"/test.Test/Silent", serve_silent},   {"/test.Test/Wordy", serve_wordy},
};

static inline struct outcome session_serve(struct session *session)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (grpc_slice_str_cmp(session->details.method, methods[i].path) == 0)
            return methods[i].serve(session);
    return (struct outcome){GRPC_STATUS_UNIMPLEMENTED, "unknown method"};
}

static inline void session_end(struct session *session, struct outcome outcome)
{
    grpc_slice words = grpc_slice_from_copied_string(outcome.words);
    grpc_op ops[] = {
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
         .data.send_status_from_server = {.status = outcome.code, .status_details = &words}},
        {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
         .data.recv_close_on_server.cancelled = &session->canceled},
    };

    if (grpc_call_start_batch(session->call, ops, 2, session, NULL) != GRPC_CALL_OK)
        abort();
    (void)grpc_completion_queue_next(session->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    grpc_slice_unref(words);
}

static inline void queue_end(grpc_completion_queue *queue)
{
    grpc_completion_queue_shutdown(queue);
    while (grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL).type !=
           GRPC_QUEUE_SHUTDOWN)
        continue;
    grpc_completion_queue_destroy(queue);
}

static inline void session_free(struct session *session)
{
    if (session->call)
        grpc_call_unref(session->call);
    queue_end(session->queue);
    grpc_call_details_destroy(&session->details);
    grpc_metadata_array_destroy(&session->metadata);
    free(session);
}

static inline void *session_thread(void *arg)
{
    struct session *session = arg;
    struct grpc_fake *fake = session->fake;
    struct outcome outcome;

    session_run(session, (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA});
    outcome = fake->serve(session);
    if ((int)outcome.code >= 0)
        session_end(session, outcome);
    session_free(session);
    LOCK_SCOPE(&fake->lock);
    fake->sessions--;
    pthread_cond_broadcast(&fake->changed);
    return NULL;
}

static inline struct session *session_new(struct grpc_fake *fake)
{
    struct session *session = calloc(1, sizeof(*session));

    if (!session)
        abort();
    session->fake = fake;
    grpc_call_details_init(&session->details);
    grpc_metadata_array_init(&session->metadata);
    session->queue = grpc_completion_queue_create_for_next(NULL);
    return session;
}

static inline void *accept_thread(void *arg)
{
    struct grpc_fake *fake = arg;

    for (;;) {
        struct session *session = session_new(fake);
        pthread_t thread;

        if (grpc_server_request_call(fake->server, &session->call, &session->details,
                                     &session->metadata, session->queue, fake->queue,
                                     session) != GRPC_CALL_OK ||
            !grpc_completion_queue_next(fake->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL)
                 .success) {
            session_free(session);
            return NULL;
        }
        pthread_mutex_lock(&fake->lock);
        fake->sessions++;
        pthread_mutex_unlock(&fake->lock);
        if (pthread_create(&thread, NULL, session_thread, session) != 0)
            abort();
        pthread_detach(thread);
    }
}

/* The library must have been initialised. `serve` is called by the thread of each call. */
static inline void grpc_fake_start_with(struct grpc_fake *fake, session_server *serve, void *arg)
{
    grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();

    *fake = (struct grpc_fake){.serve = serve, .arg = arg, .directory = "/tmp/test_rpc.XXXXXX"};
    pthread_mutex_init(&fake->lock, NULL);
    pthread_cond_init(&fake->changed, NULL);
    if (!mkdtemp(fake->directory))
        abort();
    snprintf(fake->target, sizeof(fake->target), "unix:%s/socket", fake->directory);
    fake->queue = grpc_completion_queue_create_for_next(NULL);
    fake->server = grpc_server_create(NULL, NULL);
    fake->last = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(fake->server, fake->queue, NULL);
    grpc_server_register_completion_queue(fake->server, fake->last, NULL);
    if (!grpc_server_add_http2_port(fake->server, fake->target, credentials))
        abort();
    grpc_server_credentials_release(credentials);
    grpc_server_start(fake->server);
    if (pthread_create(&fake->acceptor, NULL, accept_thread, fake) != 0)
        abort();
}

/* With the methods of the table above. */
static inline void grpc_fake_start(struct grpc_fake *fake)
{
    grpc_fake_start_with(fake, session_serve, NULL);
}

static inline void grpc_fake_await(struct grpc_fake *fake, const unsigned *counter, unsigned least)
{
    LOCK_SCOPE(&fake->lock);

    while (*counter < least)
        pthread_cond_wait(&fake->changed, &fake->lock);
}

static inline void grpc_fake_stop(struct grpc_fake *fake)
{
    grpc_server_shutdown_and_notify(fake->server, fake->last, NULL);
    grpc_server_cancel_all_calls(fake->server);
    pthread_join(fake->acceptor, NULL); /* its request has failed */
    pthread_mutex_lock(&fake->lock);
    while (fake->sessions > 0)
        pthread_cond_wait(&fake->changed, &fake->lock);
    pthread_mutex_unlock(&fake->lock);
    (void)grpc_completion_queue_next(fake->last, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    grpc_server_destroy(fake->server);
    queue_end(fake->last);
    queue_end(fake->queue);
    pthread_cond_destroy(&fake->changed);
    pthread_mutex_destroy(&fake->lock);
    (void)unlink(fake->target + strlen("unix:")); /* the server may have done so */
    (void)rmdir(fake->directory);
}

#endif
