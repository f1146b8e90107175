/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Events service. */
#pragma once

#include "base/arena.h"
#include "containerd/events.h"

#define EVENTS_FILTERS_MAX 8

/* `filters` ends with NULL and has at most EVENTS_FILTERS_MAX entries. */
void events_wire_subscribe(struct buf *out, const char *const *filters);

/* An event of the exporter, with `text` as its content. */
void events_wire_publish(struct buf *out, const char *topic, const char *text);

/* *text is the text of events_wire_publish(), or "" for an event of another type. All strings live
 * in the arena. */
bool events_wire_envelope(const struct buf *message, struct arena *arena, struct event *event,
                          const char **text, struct error *err) MUST_CHECK;
