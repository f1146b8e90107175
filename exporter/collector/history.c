/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/history.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ALLOCATION_BYTES ((size_t)16) /* that the allocator takes for itself, about */

/* A record with its texts behind it. */
struct kept {
    struct run_record record;
    atomic_size_t references;
    uint64_t number; /* counted up: which came later */
    size_t bytes;
    struct kept *newer; /* of the same probe */
    char texts[];
};

struct shelf { /* of one probe that has records */
    struct shelf *next;
    struct kept *oldest, **end;
    size_t count, bytes;
    char probe[];
};

struct history {
    size_t limit, limit_bytes;
    pthread_mutex_t lock; /* of what follows */
    struct shelf *shelves;
    uint64_t number;
    struct history_stats stats;
};

struct list { /* what a struct history_list is the visible part of */
    struct history_list list;
    const struct run_record *records[];
};

const char *run_trigger_name(enum run_trigger trigger)
{
    static const char *const names[] = {
        [RUN_SCHEDULED] = "scheduled", [RUN_RETRY] = "retry", [RUN_DEMAND] = "demand"};

    return names[trigger];
}

struct history *history_new(size_t limit, size_t limit_bytes, struct error *err)
{
    struct history *history = calloc(1, sizeof(*history));

    if (!history) {
        error_memory(err);
        return NULL;
    }
    history->limit = limit > 0 ? limit : 1;
    history->limit_bytes = limit_bytes;
    pthread_mutex_init(&history->lock, NULL);
    return history;
}

/* ---- one record ---- */

/* The texts of a record, for a walk over all of them. */
#define TEXTS(record)                                                                   \
    {                                                                                   \
        &(record)->probe, &(record)->operation, &(record)->engine, &(record)->registry, \
            &(record)->image, &(record)->host, &(record)->digest, &(record)->message,   \
            &(record)->warning, &(record)->log,                                         \
    }
#define N_TEXTS 10

static struct kept *copy(const struct run_record *record)
{
    struct run_record texts = *record;
    const char **from[N_TEXTS] = TEXTS(&texts);
    size_t bytes = sizeof(struct kept);
    struct kept *kept;
    char *at;

    for (size_t i = 0; i < N_TEXTS; i++) {
        *from[i] = *from[i] ? *from[i] : "";
        bytes += strlen(*from[i]) + 1;
    }
    kept = malloc(bytes);
    if (!kept)
        return NULL;
    *kept = (struct kept){.record = texts, .references = 1, .bytes = bytes + ALLOCATION_BYTES};
    at = kept->texts;
    for (size_t i = 0; i < N_TEXTS; i++) {
        const char **to[N_TEXTS] = TEXTS(&kept->record);

        *to[i] = at;
        at = stpcpy(at, *from[i]) + 1;
    }
    return kept;
}

static void unref(struct kept *kept)
{
    if (atomic_fetch_sub(&kept->references, 1) == 1)
        free(kept);
}

/* ---- shelves; called with the lock held ---- */

static struct shelf **find_shelf(struct history *history, const char *probe)
{
    struct shelf **place = &history->shelves;

    while (*place && strcmp((*place)->probe, probe) != 0)
        place = &(*place)->next;
    return place;
}

static struct shelf *shelf_for(struct history *history, const char *probe)
{
    struct shelf **place = find_shelf(history, probe);
    size_t bytes = sizeof(struct shelf) + strlen(probe) + 1;

    if (*place)
        return *place;
    *place = malloc(bytes);
    if (!*place)
        return NULL;
    **place = (struct shelf){.end = &(*place)->oldest, .bytes = bytes + ALLOCATION_BYTES};
    strcpy((*place)->probe, probe);
    history->stats.bytes += (*place)->bytes;
    return *place;
}

static void put(struct history *history, struct shelf *shelf, struct kept *kept)
{
    kept->number = ++history->number;
    *shelf->end = kept;
    shelf->end = &kept->newer;
    shelf->count++;
    history->stats.records++;
    history->stats.bytes += kept->bytes;
}

static void take_out(struct history *history, struct shelf *shelf, struct kept **place)
{
    struct kept *kept = *place;

    *place = kept->newer;
    if (!*place)
        shelf->end = place;
    shelf->count--;
    history->stats.records--;
    history->stats.bytes -= kept->bytes;
    unref(kept);
}

static void remove_shelf(struct history *history, struct shelf **place)
{
    struct shelf *shelf = *place;

    while (shelf->oldest)
        take_out(history, shelf, &shelf->oldest);
    *place = shelf->next;
    history->stats.bytes -= shelf->bytes;
    free(shelf);
}

static void make_room_on(struct history *history, struct shelf *shelf)
{
    struct kept **place = &shelf->oldest;

    for (size_t i = 0; i < (shelf->count + 1) / 2; i++, place = &(*place)->newer)
        if ((*place)->record.reason == ERROR_NONE) {
            take_out(history, shelf, place);
            return;
        }
    take_out(history, shelf, &shelf->oldest);
}

/* Of those that have the most the one that has waited longest. */
static struct shelf **fullest(struct history *history)
{
    struct shelf **best = &history->shelves;

    for (struct shelf **at = best; *at; at = &(*at)->next)
        if ((*at)->count > (*best)->count ||
            ((*at)->count == (*best)->count && (*at)->oldest->number < (*best)->oldest->number))
            best = at;
    return best;
}

static void make_room(struct history *history)
{
    while (history->stats.bytes > history->limit_bytes && history->shelves) {
        struct shelf **place = fullest(history);

        make_room_on(history, *place);
        if ((*place)->count == 0)
            remove_shelf(history, place);
    }
}

/* ---- what everybody calls ---- */

void history_free(struct history *history)
{
    while (history->shelves)
        remove_shelf(history, &history->shelves);
    pthread_mutex_destroy(&history->lock);
    free(history);
}

void history_add(struct history *history, const struct run_record *record)
{
    struct run_record shorter = *record;
    struct shelf *shelf;
    struct kept *kept;
    LOCK_SCOPE(&history->lock);

    if (record->reason == ERROR_NONE && history->stats.bytes > history->limit_bytes / 2)
        shorter.log = "";
    kept = copy(&shorter);
    shelf = kept ? shelf_for(history, kept->record.probe) : NULL;
    if (!shelf) {
        free(kept);
        history->stats.dropped++;
        return;
    }
    put(history, shelf, kept);
    if (shelf->count > history->limit)
        make_room_on(history, shelf);
    make_room(history);
}

void history_forget(struct history *history, const char *probe)
{
    struct shelf **place;
    LOCK_SCOPE(&history->lock);

    place = find_shelf(history, probe);
    if (*place)
        remove_shelf(history, place);
}

struct history_stats history_stats(struct history *history)
{
    LOCK_SCOPE(&history->lock);

    return history->stats;
}

/* ---- lists ---- */

static struct kept *kept_of(const struct run_record *record)
{
    return (struct kept *)record; /* its first member */
}

static int newer_first(const void *a, const void *b)
{
    uint64_t first = kept_of(*(const struct run_record *const *)a)->number;
    uint64_t second = kept_of(*(const struct run_record *const *)b)->number;

    return (first < second) - (first > second);
}

/* The fitting ones, not yet referenced: `found` has room for all records. */
static size_t exchange_stream(const struct history *history, const char *probe, const char *id,
                              const struct run_record **found)
{
    size_t n = 0;

    for (const struct shelf *shelf = history->shelves; shelf; shelf = shelf->next) {
        if (probe && strcmp(shelf->probe, probe) != 0)
            continue;
        for (const struct kept *kept = shelf->oldest; kept; kept = kept->newer)
            if (!id || strcmp(kept->record.id, id) == 0)
                found[n++] = &kept->record;
    }
    qsort(found, n, sizeof(*found), newer_first);
    return n;
}

struct history_list *history_find(struct history *history, const char *probe, const char *id,
                                  size_t max)
{
    struct list *list;
    LOCK_SCOPE(&history->lock);

    list = malloc(sizeof(*list) + (history->stats.records + 1) * sizeof(list->records[0]));
    if (!list)
        return NULL;
    list->list.records = list->records;
    list->list.count = exchange_stream(history, probe, id, list->records);
    if (max > 0 && list->list.count > max)
        list->list.count = max;
    for (size_t i = 0; i < list->list.count; i++)
        atomic_fetch_add(&kept_of(list->records[i])->references, 1);
    return &list->list;
}

void history_list_free(struct history_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        unref(kept_of(list->records[i]));
    free(list);
}
