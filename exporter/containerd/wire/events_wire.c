/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/wire/events_wire.h"

#include "containerd/wire/types_wire.h"
#include "events.pb-c.h"

#include <string.h>

#define TEXT_TYPE "containerd_exporter.Text"

void events_wire_subscribe(struct buf *out, const char *const *filters)
{
    Events__SubscribeRequest request = EVENTS__SUBSCRIBE_REQUEST__INIT;
    char *copy[EVENTS_FILTERS_MAX];

    for (; request.n_filters < EVENTS_FILTERS_MAX && filters[request.n_filters];
         request.n_filters++)
        copy[request.n_filters] = (char *)filters[request.n_filters];
    request.filters = copy;
    wire_pack(&request.base, out);
}

void events_wire_publish(struct buf *out, const char *topic, const char *text)
{
    Events__Any event = EVENTS__ANY__INIT;
    Events__PublishRequest request = EVENTS__PUBLISH_REQUEST__INIT;

    event.type_url = (char *)TEXT_TYPE;
    event.value.data = (uint8_t *)text;
    event.value.len = strlen(text);
    request.topic = (char *)topic;
    request.event = &event;
    wire_pack(&request.base, out);
}

static const char *text_of(const Events__Any *event, struct arena *arena)
{
    char *text;

    if (!event || strcmp(event->type_url, TEXT_TYPE) != 0)
        return "";
    text = arena_alloc(arena, event->value.len + 1);
    if (text)
        memcpy(text, event->value.data ? (const char *)event->value.data : "", event->value.len);
    return text;
}

bool events_wire_envelope(const struct buf *message, struct arena *arena, struct event *event,
                          const char **text, struct error *err)
{
    const Events__Envelope *envelope =
        wire_unpack(&events__envelope__descriptor, message, arena, err);

    if (!envelope)
        return false;
    event->name_space = envelope->namespace_;
    event->topic = envelope->topic;
    *text = text_of(envelope->event, arena);
    return arena_ok(arena, err);
}
