/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Events service. */
#ifndef CONTAINERD_WIRE_EVENTS_WIRE_H
#define CONTAINERD_WIRE_EVENTS_WIRE_H

#include "base/arena.h"
#include "containerd/events.h"

#define EVENTS_FILTERS_MAX 8

/* `filters` ends with NULL; at most EVENTS_FILTERS_MAX of them. */
void events_wire_subscribe(struct buf *out, const char *const *filters);

/* An event of our own, with a text for its content. */
void events_wire_publish(struct buf *out, const char *topic, const char *text);

/* *text is what events_wire_publish() put there, "" where an event holds something else. All
 * strings are in the arena. */
bool events_wire_envelope(const struct buf *message, struct arena *arena, struct event *event,
                          const char **text, struct error *err) MUST_CHECK;

#endif
