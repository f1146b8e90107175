/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collects from the daemon's events in which namespaces images, content or snapshots have changed:
 * a hint for the collectors that list them.
 *
 * One thread calls namespace_changes_wait(); any thread may call the other functions.
 */
#pragma once

#include "containerd/containerd.h"

#define CHANGES_NAMES_MAX   32 /* if more have changed, all count as changed */
#define CHANGES_NAME_BYTES  80 /* the daemon allows 76 */
#define CHANGES_TOPICS_MAX  24 /* further ones count as CHANGES_TOPIC_OTHER */
#define CHANGES_TOPIC_BYTES 64
#define CHANGES_TOPIC_OTHER "other"

struct namespace_changes;

struct namespace_changes *namespace_changes_new(struct containerd *daemon, struct error *err);
/* Must not be called while a thread waits. */
void namespace_changes_free(struct namespace_changes *changes);
DEFINE_CLEANUP(struct namespace_changes *, namespace_changes_free)

/* Waits for a change, and then a little longer, because changes come in bursts. False if the
 * subscription fails. *cancel must be the same in all calls and outlive them. */
bool namespace_changes_wait(struct namespace_changes *changes, struct cancel *cancel,
                            struct error *err) MUST_CHECK;

struct changed_namespaces {
    bool all; /* all, or the names are unknown */
    size_t count;
    char names[CHANGES_NAMES_MAX][CHANGES_NAME_BYTES];
};

/* Takes the changes since the last call. */
void namespace_changes_take(struct namespace_changes *changes, struct changed_namespaces *taken);

struct topic_counts {
    size_t count;
    struct topic_count {
        char topic[CHANGES_TOPIC_BYTES];
        uint64_t n_events;
    } items[CHANGES_TOPICS_MAX + 1];
};

/* Counts all events so far, without those of probes. The usual topics are always included. */
void namespace_changes_count(struct namespace_changes *changes, struct topic_counts *counts);
/* The counts before the first event. */
void topic_counts_init(struct topic_counts *counts);
