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
#define SERVICE             "/containerd.services.events.v1.Events/"

/* No collector subscribes to this topic. Publishing in a namespace does not create it. */
#define SYNC_TOPIC     "/containerd_exporter/sync"
#define SYNC_NAMESPACE "containerd-exporter.events"

/* The daemon does not report when a subscription is active, and it drops events published before.
 * So the subscriber publishes a sync event again and again until one comes back. */
#define SYNC_RETRY_NS (50 * NS_PER_MS)
#define SYNC_LIMIT_NS (10 * NS_PER_SECOND)

static_assert(EVENTS_TOPICS_MAX < EVENTS_FILTERS_MAX, "one filter is for SYNC_TOPIC");

/* Where containerd is searched for, this is the time between two looks at the choice. */
#define CHOICE_NS (10 * NS_PER_SECOND)

struct events {
    struct scope scope;
    struct containerd *source; /* chooses the daemon of `scope` */
    struct cancel *cancel;
    struct rpc_channel *channel;
    struct rpc_stream *stream; /* NULL once broken */
    struct buf message;
    struct arena arena; /* of the last event */
    char nonce[33];     /* of this subscriber's sync events */
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
    const struct rpc_request call = {
        .method = SERVICE "Subscribe", .message = &request, .endless = true};

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

/* Fills *err with the reason why the stream ended. Returns false. */
static bool fail(struct events *events, struct error *err)
{
    if (!events->stream)
        return error_set(err, ERROR_RUNTIME_UNAVAILABLE, "the event subscription has ended");
    if (containerd_current(events->source) != events->scope.daemon)
        return error_set(err, ERROR_RUNTIME_UNAVAILABLE, "events: another containerd is used now");
    if (containerd_stream_close(&events->scope, TAKE(events->stream), err))
        error_set(err, ERROR_RUNTIME_UNAVAILABLE, "containerd closed the event subscription");
    return error_wrap(err, "events");
}

/* Returns false at `until_ns`. Returns true for a message, for the end of the stream, and when
 * another daemon is used. */
static bool wait_for_message(struct events *events, int64_t until_ns)
{
    struct containerd *daemon = events->scope.daemon;
    bool ready = false, current = true;

    if (events->source == daemon) /* its address is configured */
        return rpc_stream_ready(events->stream, until_ns);
    while (!ready && current && clock_now_ns() < until_ns) {
        int64_t look_ns = clock_now_ns() + CHOICE_NS;

        ready = rpc_stream_ready(events->stream, look_ns < until_ns ? look_ns : until_ns);
        current = containerd_current(events->source) == daemon;
    }
    return ready || !current;
}

/* Waits for the next envelope. *text is the nonce if an exporter published it, else "". */
static bool receive(struct events *events, struct event *event, const char **text, int64_t until_ns,
                    struct error *err)
{
    *err = (struct error){0};
    if (events->stream && !wait_for_message(events, until_ns))
        return false;
    if (!events->stream || containerd_current(events->source) != events->scope.daemon ||
        !rpc_stream_next(events->stream, &events->message))
        return fail(events, err);
    arena_deinit(&events->arena);
    events->arena = (struct arena)ARENA_INIT(MESSAGE_LIMIT_BYTES);
    return events_wire_envelope(&events->message, &events->arena, event, text, err);
}

static bool publish(struct events *events, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);

    events_wire_publish(&request, SYNC_TOPIC, events->nonce);
    return containerd_query(&events->scope, SERVICE "Publish", &request, NULL, NULL, NULL,
                            events->cancel, err);
}

/* Whether the sync event comes back before `until_ns`. Skips earlier events. */
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
        if (came_back(events, clock_now_ns() + SYNC_RETRY_NS, err))
            return true;
        if (err->code != ERROR_NONE)
            return false;
    }
    return error_set(err, ERROR_TIMEOUT,
                     "events: the daemon did not deliver the sync event within 10 seconds");
}

struct events *events_open(struct containerd *containerd, const char *const *topics,
                           struct cancel *cancel, struct error *err)
{
    CLEANUP(events_closep) struct events *events = calloc(1, sizeof(*events));

    if (!events) {
        error_memory(err);
        return NULL;
    }
    events->source = containerd;
    events->scope = (struct scope){containerd_current(containerd), SYNC_NAMESPACE, NULL};
    events->cancel = cancel;
    events->message = (struct buf)BUF_INIT(MESSAGE_LIMIT_BYTES);
    make_nonce(events);
    events->channel = containerd_connect(events->scope.daemon, err);
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
    struct error ignored; /* the caller leaves early */

    if (events->stream)
        (void)rpc_stream_close(events->stream, &ignored);
    if (events->channel)
        rpc_channel_free(events->channel);
    arena_deinit(&events->arena);
    buf_deinit(&events->message);
    free(events);
}
