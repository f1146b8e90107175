/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/events.h"

#include "base/clock.h"
#include "containerd/wire/events_wire.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define MESSAGE_LIMIT_BYTES ((size_t)16 << 20)
#define REQUEST_LIMIT_BYTES ((size_t)16 << 10)
#define TOPIC_BYTES_MAX     64

/* No collector listens to it, and no namespace comes into being by an event. */
#define SYNC_TOPIC     "/containerd_exporter/sync"
#define SYNC_NAMESPACE "containerd-exporter.events"

/* The daemon does not tell when it has understood the subscription, and an event that is published
 * before that is lost: so it is published again until one comes back. */
#define SYNC_AGAIN_NS (50 * NS_PER_MS)
#define SYNC_LIMIT_NS (10 * NS_PER_SECOND)

static_assert(EVENTS_TOPICS_MAX < EVENTS_FILTERS_MAX, "one filter is for the topic of our own");

struct events {
    struct scope scope;
    struct cancel *cancel;
    struct rpc_channel *channel;
    struct rpc_stream *stream; /* NULL once it is broken */
    struct buf message;
    struct arena arena; /* of the last event */
    char nonce[33];     /* tells our own event from that of another exporter */
};

static void make_nonce(struct events *events)
{
    uint64_t random[2] = {0};

    if (getrandom(random, sizeof(random), GRND_NONBLOCK) < 0)
        random[0] = (uint64_t)clock_now_ns();
    snprintf(events->nonce, sizeof(events->nonce), "%016llx%016llx", (unsigned long long)random[0],
             (unsigned long long)random[1]);
}

static bool subscribe(struct events *events, const char *const *topics, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    char texts[EVENTS_TOPICS_MAX][TOPIC_BYTES_MAX + 16];
    const char *filters[EVENTS_FILTERS_MAX + 1] = {"topic==\"" SYNC_TOPIC "\""};
    const struct rpc_request call = {.method = "/containerd.services.events.v1.Events/Subscribe",
                                     .message = &request,
                                     .endless = true};

    for (size_t i = 0; i < EVENTS_TOPICS_MAX && topics[i]; i++) {
        snprintf(texts[i], sizeof(texts[i]), "topic~=\"^%.*s\"", TOPIC_BYTES_MAX, topics[i]);
        filters[i + 1] = texts[i];
    }
    events_wire_subscribe(&request, filters);
    if (!buf_ok(&request, err))
        return false;
    events->stream = rpc_stream_open(events->channel, &call, events->cancel, err);
    return events->stream;
}

/* Why the stream ended. */
static bool broken(struct events *events, struct error *err)
{
    if (!events->stream)
        return error_set(err, ERROR_RUNTIME_UNAVAILABLE, "the subscription has ended");
    if (containerd_stream_close(&events->scope, TAKE(events->stream), err))
        error_set(err, ERROR_RUNTIME_UNAVAILABLE, "containerd has ended the subscription");
    return error_wrap(err, "events");
}

/* The next envelope; *text is not "" where it is one of ours. */
static bool receive(struct events *events, struct event *event, const char **text, int64_t until_ns,
                    struct error *err)
{
    *err = (struct error){0};
    if (events->stream && !rpc_stream_ready(events->stream, until_ns))
        return false;
    if (!events->stream || !rpc_stream_next(events->stream, &events->message))
        return broken(events, err);
    arena_deinit(&events->arena);
    events->arena = (struct arena)ARENA_INIT(MESSAGE_LIMIT_BYTES);
    return events_wire_envelope(&events->message, &events->arena, event, text, err);
}

static bool publish(struct events *events, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REQUEST_LIMIT_BYTES);

    events_wire_publish(&request, SYNC_TOPIC, events->nonce);
    return containerd_call(&events->scope, "/containerd.services.events.v1.Events/Publish",
                           &request, &reply, events->cancel, err);
}

/* Whether our own event came back until `until_ns`; what came before it is not told. */
static bool came_back(struct events *events, int64_t until_ns, struct error *err)
{
    struct event event;
    const char *text;

    while (receive(events, &event, &text, until_ns, err))
        if (strcmp(event.topic, SYNC_TOPIC) == 0 && strcmp(text, events->nonce) == 0)
            return true;
    return false;
}

static bool wait_until_live(struct events *events, struct error *err)
{
    int64_t limit_ns = clock_now_ns() + SYNC_LIMIT_NS;

    while (clock_now_ns() < limit_ns) {
        if (!publish(events, err))
            return false;
        if (came_back(events, clock_now_ns() + SYNC_AGAIN_NS, err))
            return true;
        if (err->code != ERROR_NONE)
            return false;
    }
    return error_set(err, ERROR_TIMEOUT, "events: our own event did not come back");
}

struct events *events_open(struct containerd *containerd, const char *const *topics,
                           struct cancel *cancel, struct error *err)
{
    CLEANUP(events_closep) struct events *events = calloc(1, sizeof(*events));

    if (!events) {
        error_memory(err);
        return NULL;
    }
    events->scope = (struct scope){.daemon = containerd, .name_space = SYNC_NAMESPACE};
    events->cancel = cancel;
    events->message = (struct buf)BUF_INIT(MESSAGE_LIMIT_BYTES);
    make_nonce(events);
    events->channel = containerd_connect(containerd, err);
    if (!events->channel || !subscribe(events, topics, err) || !wait_until_live(events, err))
        return NULL;
    return TAKE(events);
}

bool events_next(struct events *events, struct event *event, int64_t until_ns, struct error *err)
{
    const char *text;

    while (receive(events, event, &text, until_ns, err))
        if (strcmp(event->topic, SYNC_TOPIC) != 0)
            return true;
    return false;
}

void events_close(struct events *events)
{
    struct error leaving;

    if (events->stream)
        (void)rpc_stream_close(events->stream, &leaving); /* left early: nobody cares */
    if (events->channel)
        rpc_channel_free(events->channel);
    arena_deinit(&events->arena);
    buf_deinit(&events->message);
    free(events);
}
