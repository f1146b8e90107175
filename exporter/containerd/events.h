/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of containerd. They are hints only: the garbage collector sends none, and those sent
 * during a reconnect are lost. A subscriber must also list from time to time.
 *
 * A subscription is one call on its own connection, so that bulk transfers cannot delay it. The
 * call statistics count its failures, but not its duration.
 */
#pragma once

#include "containerd/containerd.h"

#define EVENTS_TOPICS_MAX 7

struct event {
    const char *name_space; /* "" if the event belongs to none */
    const char *topic;      /* "/images/create" */
};

struct events; /* a subscription; belongs to one thread */

/* Returns once the subscription is live: the daemon has returned an event that this function
 * published. Every later change is reported; the caller must list for earlier ones. `topics` are
 * prefixes such as "/images/", of letters and slashes, ending with NULL; at most EVENTS_TOPICS_MAX.
 * *cancel also ends every later wait, so it must outlive the subscription. */
struct events *events_open(struct containerd *containerd, const char *const *topics,
                           struct cancel *cancel, struct error *err);

/* Waits for the next event until `until_ns` (INT64_MAX: without limit). Clears *err first. False
 * with ERROR_NONE means that none came in time; with any other error the subscription is broken.
 * The strings live until the next call. */
bool events_next(struct events *events, struct event *event, int64_t until_ns, struct error *err);

void events_close(struct events *events);
DEFINE_CLEANUP(struct events *, events_close)
