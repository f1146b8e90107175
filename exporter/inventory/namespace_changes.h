/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In which namespaces images, content or snapshots have changed, as far as the daemon
 * tells: a hint for whoever lists them.
 *
 * One thread waits, another takes what was gathered; nothing else is shared.
 */
#ifndef INVENTORY_NAMESPACE_CHANGES_H
#define INVENTORY_NAMESPACE_CHANGES_H

#include "containerd/containerd.h"

#define CHANGES_NAMES_MAX   32 /* where more have changed, all are said to have */
#define CHANGES_NAME_BYTES  80 /* the daemon takes names of 76 */
#define CHANGES_TOPICS_MAX  24 /* the rest is counted as CHANGES_TOPIC_OTHER */
#define CHANGES_TOPIC_BYTES 64
#define CHANGES_TOPIC_OTHER "other"

struct namespace_changes;

struct namespace_changes *namespace_changes_new(struct containerd *daemon, struct error *err);
/* Once nobody waits. */
void namespace_changes_free(struct namespace_changes *changes);
DEFINE_CLEANUP(struct namespace_changes *, namespace_changes_free)

/* Waits until something has changed, and a little longer, because changes come in crowds. False
 * where the daemon cannot be listened to. All calls share one *cancel, which ends after them. */
bool namespace_changes_wait(struct namespace_changes *changes, struct cancel *cancel,
                            struct error *err) MUST_CHECK;

struct changed_namespaces {
    bool all; /* or it is not known which */
    size_t count;
    char names[CHANGES_NAMES_MAX][CHANGES_NAME_BYTES];
};

/* What has changed since it was last taken. */
void namespace_changes_take(struct namespace_changes *changes, struct changed_namespaces *taken);

struct topic_counts {
    size_t count;
    struct topic_count {
        char topic[CHANGES_TOPIC_BYTES];
        uint64_t n_events;
    } items[CHANGES_TOPICS_MAX + 1];
};

/* All events so far, without those of probes; the usual topics are there from the start. */
void namespace_changes_count(struct namespace_changes *changes, struct topic_counts *counts);
/* What that is before anything happened. */
void topic_counts_init(struct topic_counts *counts);

#endif
