/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/namespace_changes.h"

#include "base/clock.h"
#include "base/text.h"
#include "containerd/events.h"
#include "containerd/namespaces.h"

#include <stdio.h>
#include <string.h>

/* Debounce time after the first event: a pull sends an event per layer. */
#define BURST_NS (250 * NS_PER_MS)

static const char *const prefixes[] = {"/images/", "/content/", "/snapshot/", "/namespaces/", NULL};

static const char *const usual_topics[] = {
    "/images/create",     "/images/update",     "/images/delete",    "/content/create",
    "/content/delete",    "/snapshot/commit",   "/snapshot/prepare", "/snapshot/remove",
    "/namespaces/create", "/namespaces/update", "/namespaces/delete"};

struct namespace_changes {
    struct containerd *daemon;
    struct events *events; /* of the waiting thread; NULL: not subscribed */
    pthread_mutex_t lock;  /* of the members below */
    struct changed_namespaces changed;
    struct topic_counts counts;
};

void topic_counts_init(struct topic_counts *counts)
{
    *counts = (struct topic_counts){0};
    for (size_t i = 0; i < sizeof(usual_topics) / sizeof(usual_topics[0]); i++)
        snprintf(counts->items[counts->count++].topic, CHANGES_TOPIC_BYTES, "%s", usual_topics[i]);
}

struct namespace_changes *namespace_changes_new(struct containerd *daemon, struct error *err)
{
    struct namespace_changes *changes = calloc(1, sizeof(*changes));

    if (!changes) {
        error_memory(err);
        return NULL;
    }
    changes->daemon = daemon;
    pthread_mutex_init(&changes->lock, NULL);
    topic_counts_init(&changes->counts);
    return changes;
}

void namespace_changes_free(struct namespace_changes *changes)
{
    if (changes->events)
        events_close(changes->events);
    pthread_mutex_destroy(&changes->lock);
    free(changes);
}

static void count_topic(struct topic_counts *counts, const char *topic)
{
    size_t i = 0;

    if (strlen(topic) >= CHANGES_TOPIC_BYTES ||
        (counts->count >= CHANGES_TOPICS_MAX && strcmp(topic, CHANGES_TOPIC_OTHER) == 0))
        topic = CHANGES_TOPIC_OTHER;
    while (i < counts->count && strcmp(counts->items[i].topic, topic) != 0)
        i++;
    if (i == counts->count && i >= CHANGES_TOPICS_MAX) {
        topic = CHANGES_TOPIC_OTHER; /* always the last item */
        i = CHANGES_TOPICS_MAX;
    }
    if (i >= counts->count) {
        snprintf(counts->items[i].topic, CHANGES_TOPIC_BYTES, "%s", topic);
        counts->count = i + 1;
    }
    counts->items[i].n_events++;
}

static void mark(struct changed_namespaces *changed, const char *name)
{
    for (size_t i = 0; i < changed->count; i++)
        if (strcmp(changed->names[i], name) == 0)
            return;
    if (changed->count == CHANGES_NAMES_MAX || strlen(name) >= CHANGES_NAME_BYTES)
        changed->all = true;
    else
        snprintf(changed->names[changed->count++], CHANGES_NAME_BYTES, "%s", name);
}

/* Counts the event. Returns whether the inventory may have changed. */
static bool add_event(struct namespace_changes *changes, const struct event *event)
{
    LOCK_SCOPE(&changes->lock);

    if (namespace_is_probes(event->name_space))
        return false;
    count_topic(&changes->counts, event->topic);
    if (event->name_space[0] == '\0' || text_starts_with(event->topic, "/namespaces/"))
        changes->changed.all =
            true; /* the namespace of the event may differ from the changed one */
    else
        mark(&changes->changed, event->name_space);
    return true;
}

static bool subscribe(struct namespace_changes *changes, struct cancel *cancel, struct error *err)
{
    changes->events = events_open(changes->daemon, prefixes, cancel, err);
    if (!changes->events)
        return false;
    LOCK_SCOPE(&changes->lock);
    changes->changed.all = true; /* earlier changes sent no event to this subscription */
    return true;
}

bool namespace_changes_wait(struct namespace_changes *changes, struct cancel *cancel,
                            struct error *err)
{
    struct event event;
    bool matters = false;

    if (!changes->events)
        return subscribe(changes, cancel, err);
    while (!matters && events_next(changes->events, &event, INT64_MAX, err))
        matters = add_event(changes, &event);
    if (matters) {
        int64_t until_ns = clock_now_ns() + BURST_NS;

        while (events_next(changes->events, &event, until_ns, err))
            (void)add_event(changes, &event);
    }
    if (err->code != ERROR_NONE) /* the subscription is broken */
        events_close(TAKE(changes->events));
    return matters;
}

void namespace_changes_take(struct namespace_changes *changes, struct changed_namespaces *taken)
{
    LOCK_SCOPE(&changes->lock);

    *taken = changes->changed;
    changes->changed.all = false;
    changes->changed.count = 0;
}

void namespace_changes_count(struct namespace_changes *changes, struct topic_counts *counts)
{
    LOCK_SCOPE(&changes->lock);

    *counts = changes->counts;
}
