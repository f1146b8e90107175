/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/image/recent_blobs.h"

#include "base/clock.h"
#include "base/own.h"
#include "base/text.h"
#include "containerd/content.h"
#include "containerd/leases.h"

#include <pthread.h>

#define ENTRIES           ((size_t)4096) /* the oldest is overwritten */
#define ARENA_LIMIT_BYTES ((size_t)16 << 20)
#define FOR_EVER          INT64_MAX

struct entry {
    uint64_t number; /* text_hash() of the digest */
    uint64_t removal;
    int64_t created_unix_ns, removed_unix_ns;
};

static struct {
    pthread_mutex_t lock;
    struct entry entries[ENTRIES];
    size_t next;
    uint64_t removals;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct noting {
    int64_t since_unix_ns;
    uint64_t removal;
};

static bool note(void *arg, const struct content_record *record, struct error *err)
{
    const struct noting *noting = arg;
    LOCK_SCOPE(&table.lock);

    (void)err;
    if (record->created_unix_ns < noting->since_unix_ns)
        return true;
    table.entries[table.next] = (struct entry){text_hash(TEXT_HASH_INIT, record->digest),
                                               noting->removal, record->created_unix_ns, FOR_EVER};
    table.next = (table.next + 1) % ENTRIES;
    return true;
}

/* Blobs of other runs in the same namespace would make their pulls look as if they shared them. */
static bool note_leased(const struct scope *scope, struct noting *noting, struct cancel *cancel,
                        struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    const struct scope without_lease = {scope->daemon, scope->name_space, NULL};
    struct lease_blobs blobs;

    return leases_blobs(scope, &arena, &blobs, cancel, err) &&
           content_find(&without_lease, blobs.digests, blobs.count, note, noting, cancel, err);
}

bool recent_blobs_note(const struct scope *scope, int64_t since_unix_ns, uint64_t *removal,
                       struct cancel *cancel, struct error *err)
{
    struct noting noting = {.since_unix_ns = since_unix_ns};

    {
        LOCK_SCOPE(&table.lock);

        noting.removal = *removal = ++table.removals;
    }
    return scope->lease ? note_leased(scope, &noting, cancel, err)
                        : content_records(scope, note, &noting, cancel, err);
}

void recent_blobs_removed(uint64_t removal)
{
    int64_t now_ns = clock_unix_ns();
    LOCK_SCOPE(&table.lock);

    for (size_t i = 0; i < ENTRIES; i++)
        if (table.entries[i].removal == removal && table.entries[i].removed_unix_ns == FOR_EVER)
            table.entries[i].removed_unix_ns = now_ns;
}

bool recent_blobs_shared(const char *digest, int64_t started_unix_ns, int64_t created_unix_ns)
{
    uint64_t number = text_hash(TEXT_HASH_INIT, digest);
    LOCK_SCOPE(&table.lock);

    for (size_t i = 0; i < ENTRIES; i++) {
        const struct entry *entry = &table.entries[i];

        if (entry->removal > 0 && entry->number == number &&
            entry->removed_unix_ns >= started_unix_ns && entry->created_unix_ns <= created_unix_ns)
            return true;
    }
    return false;
}
