/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/history.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ALLOCATION_BYTES ((size_t)16) /* overhead of one allocation, estimated */

/* One allocation: a record, followed by its texts. */
struct entry {
    struct run_record record;
    atomic_size_t references;
    uint64_t number; /* increases with every record */
    size_t bytes;
    struct entry *newer; /* of the same probe */
    char texts[];
};

struct probe_runs { /* the records of one probe, never empty while unlocked */
    struct probe_runs *next;
    struct entry *oldest, **end;
    size_t count, bytes;
    char probe[];
};

struct history {
    size_t limit, limit_bytes;
    pthread_mutex_t lock; /* protects the rest */
    struct probe_runs *probes;
    uint64_t number;
    struct history_stats stats;
};

struct list {
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

/* Pointers to all texts of a record. */
#define TEXTS(record)                                                                   \
    {                                                                                   \
        &(record)->probe, &(record)->operation, &(record)->engine, &(record)->registry, \
            &(record)->image, &(record)->host, &(record)->digest, &(record)->message,   \
            &(record)->warning, &(record)->log,                                         \
    }
#define N_TEXTS 10

static struct entry *copy(const struct run_record *record)
{
    struct run_record texts = *record;
    const char **from[N_TEXTS] = TEXTS(&texts);
    size_t bytes = sizeof(struct entry);
    struct entry *entry;
    char *at;

    for (size_t i = 0; i < N_TEXTS; i++) {
        *from[i] = *from[i] ? *from[i] : "";
        bytes += strlen(*from[i]) + 1;
    }
    entry = malloc(bytes);
    if (!entry)
        return NULL;
    *entry = (struct entry){.record = texts, .references = 1, .bytes = bytes + ALLOCATION_BYTES};
    at = entry->texts;
    for (size_t i = 0; i < N_TEXTS; i++) {
        const char **to[N_TEXTS] = TEXTS(&entry->record);

        *to[i] = at;
        at = stpcpy(at, *from[i]) + 1;
    }
    return entry;
}

static void unref(struct entry *entry)
{
    if (atomic_fetch_sub(&entry->references, 1) == 1)
        free(entry);
}

/* ---- records of a probe; the caller must hold the lock ---- */

static struct probe_runs **find_runs(struct history *history, const char *probe)
{
    struct probe_runs **link = &history->probes;

    while (*link && strcmp((*link)->probe, probe) != 0)
        link = &(*link)->next;
    return link;
}

static struct probe_runs *runs_for(struct history *history, const char *probe)
{
    struct probe_runs **link = find_runs(history, probe);
    size_t bytes = sizeof(struct probe_runs) + strlen(probe) + 1;

    if (*link)
        return *link;
    *link = malloc(bytes);
    if (!*link)
        return NULL;
    **link = (struct probe_runs){.end = &(*link)->oldest, .bytes = bytes + ALLOCATION_BYTES};
    strcpy((*link)->probe, probe);
    history->stats.bytes += (*link)->bytes;
    return *link;
}

static void append(struct history *history, struct probe_runs *runs, struct entry *entry)
{
    entry->number = ++history->number;
    *runs->end = entry;
    runs->end = &entry->newer;
    runs->count++;
    history->stats.records++;
    history->stats.bytes += entry->bytes;
}

static void remove_entry(struct history *history, struct probe_runs *runs, struct entry **link)
{
    struct entry *entry = *link;

    *link = entry->newer;
    if (!*link)
        runs->end = link;
    runs->count--;
    history->stats.records--;
    history->stats.bytes -= entry->bytes;
    unref(entry);
}

static void remove_runs(struct history *history, struct probe_runs **link)
{
    struct probe_runs *runs = *link;

    while (runs->oldest)
        remove_entry(history, runs, &runs->oldest);
    *link = runs->next;
    history->stats.bytes -= runs->bytes;
    free(runs);
}

static void evict_from(struct history *history, struct probe_runs *runs)
{
    struct entry **link = &runs->oldest;

    for (size_t i = 0; i < (runs->count + 1) / 2; i++, link = &(*link)->newer)
        if ((*link)->record.reason == ERROR_NONE) {
            remove_entry(history, runs, link);
            return;
        }
    remove_entry(history, runs, &runs->oldest);
}

/* Returns the probe with the most records; of several, the one with the oldest record. */
static struct probe_runs **find_largest(struct history *history)
{
    struct probe_runs **best = &history->probes;

    for (struct probe_runs **at = best; *at; at = &(*at)->next)
        if ((*at)->count > (*best)->count ||
            ((*at)->count == (*best)->count && (*at)->oldest->number < (*best)->oldest->number))
            best = at;
    return best;
}

static void evict(struct history *history)
{
    while (history->stats.bytes > history->limit_bytes && history->probes) {
        struct probe_runs **link = find_largest(history);

        evict_from(history, *link);
        if ((*link)->count == 0)
            remove_runs(history, link);
    }
}

/* ---- interface ---- */

void history_free(struct history *history)
{
    while (history->probes)
        remove_runs(history, &history->probes);
    pthread_mutex_destroy(&history->lock);
    free(history);
}

void history_add(struct history *history, const struct run_record *record)
{
    struct run_record shorter = *record;
    struct probe_runs *runs;
    struct entry *entry;
    LOCK_SCOPE(&history->lock);

    if (record->reason == ERROR_NONE && history->stats.bytes > history->limit_bytes / 2)
        shorter.log = "";
    entry = copy(&shorter);
    runs = entry ? runs_for(history, entry->record.probe) : NULL;
    if (!runs) {
        free(entry);
        history->stats.dropped++;
        return;
    }
    append(history, runs, entry);
    if (runs->count > history->limit)
        evict_from(history, runs);
    evict(history);
}

void history_forget(struct history *history, const char *probe)
{
    struct probe_runs **link;
    LOCK_SCOPE(&history->lock);

    link = find_runs(history, probe);
    if (*link)
        remove_runs(history, link);
}

struct history_stats history_stats(struct history *history)
{
    LOCK_SCOPE(&history->lock);

    return history->stats;
}

/* ---- lists ---- */

static struct entry *entry_of(const struct run_record *record)
{
    return (struct entry *)record; /* the first member */
}

static int newer_first(const void *a, const void *b)
{
    uint64_t first = entry_of(*(const struct run_record *const *)a)->number;
    uint64_t second = entry_of(*(const struct run_record *const *)b)->number;

    return (first < second) - (first > second);
}

/* Does not take references. `found` must have room for all records. */
static size_t find_records(const struct history *history, const char *probe, const char *id,
                           const struct run_record **found)
{
    size_t n = 0;

    for (const struct probe_runs *runs = history->probes; runs; runs = runs->next) {
        if (probe && strcmp(runs->probe, probe) != 0)
            continue;
        for (const struct entry *entry = runs->oldest; entry; entry = entry->newer)
            if (!id || strcmp(entry->record.id, id) == 0)
                found[n++] = &entry->record;
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
    list->list.count = find_records(history, probe, id, list->records);
    if (max > 0 && list->list.count > max)
        list->list.count = max;
    for (size_t i = 0; i < list->list.count; i++)
        atomic_fetch_add(&entry_of(list->records[i])->references, 1);
    return &list->list;
}

void history_list_free(struct history_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        unref(entry_of(list->records[i]));
    free(list);
}
