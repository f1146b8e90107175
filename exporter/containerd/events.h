/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What containerd tells of changes while they happen. A hint, never the truth: garbage
 * collection tells nothing, a reconnect loses what happened meanwhile, so whoever
 * listens lists again from time to time.
 *
 * One subscription is one call on a connection of its own, so that bulk transfers on
 * the daemon's other connection cannot delay it. It is counted among the daemon's
 * failures where it breaks, but never among the durations.
 */
#ifndef CONTAINERD_EVENTS_H
#define CONTAINERD_EVENTS_H

#include "containerd/containerd.h"

#define EVENTS_TOPICS_MAX 7

struct event {
    const char *name_space; /* "" where the event belongs to none */
    const char *topic;      /* "/images/create" */
};

struct events; /* a subscription; belongs to one thread */

/* Returns when the subscription is known to be live (an event that we published came back): all
 * that changed before must be listed, all that changes from now on is told. `topics` are prefixes
 * such as "/images/", of letters and slashes, ending with NULL; at most EVENTS_TOPICS_MAX.
 * *cancel ends whatever waits, then and later, so it must outlive the subscription: the cancel of
 * a collector's watch() is one and the same, and lives until close() has returned. */
struct events *events_open(struct containerd *containerd, const char *const *topics,
                           struct cancel *cancel, struct error *err);

/* Waits for the next event, at most until `until_ns` (INT64_MAX: for as long as it takes). False
 * with ERROR_NONE: there was none; with any other error: the subscription is broken. The strings
 * live until the next call. */
bool events_next(struct events *events, struct event *event, int64_t until_ns, struct error *err);

void events_close(struct events *events);
DEFINE_CLEANUP(struct events *, events_close)

#endif
