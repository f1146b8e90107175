/* SPDX-License-Identifier: Apache-2.0 */
/* Entries are few and short-lived, so the cache is a plain array. Every access scans all of it and
 * removes expired entries. */
#include "credentials/credential_cache.h"

#include "base/clock.h"
#include "base/secret.h"

#include <string.h>

#define ENTRIES_MAX ((size_t)256)
#define BYTES_MAX   ((size_t)2 << 20) /* of all responses together */

struct entry {
    char *key;
    struct secret answer;
    size_t bytes;
    int64_t expires_ns;
};

struct credential_cache {
    pthread_mutex_t lock;
    struct entry entries[ENTRIES_MAX];
    size_t count, bytes;
};

struct credential_cache *credential_cache_new(struct error *err)
{
    struct credential_cache *cache = calloc(1, sizeof(*cache));

    if (cache)
        pthread_mutex_init(&cache->lock, NULL);
    else
        error_memory(err);
    return cache;
}

static void remove_entry(struct credential_cache *cache, struct entry *entry)
{
    free(entry->key);
    secret_deinit(&entry->answer);
    cache->bytes -= entry->bytes;
    *entry = cache->entries[--cache->count];
    cache->entries[cache->count] = (struct entry){0};
}

void credential_cache_free(struct credential_cache *cache)
{
    if (!cache)
        return;
    while (cache->count > 0)
        remove_entry(cache, &cache->entries[cache->count - 1]);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static void remove_expired(struct credential_cache *cache)
{
    int64_t now_ns = clock_now_ns();

    for (size_t i = cache->count; i > 0; i--)
        if (cache->entries[i - 1].expires_ns <= now_ns)
            remove_entry(cache, &cache->entries[i - 1]);
}

static struct entry *find(struct credential_cache *cache, const char *key)
{
    for (size_t i = 0; i < cache->count; i++)
        if (strcmp(cache->entries[i].key, key) == 0)
            return &cache->entries[i];
    return NULL;
}

bool credential_cache_get(struct credential_cache *cache, const char *key, struct buf *answer)
{
    LOCK_SCOPE(&cache->lock);
    const struct entry *entry;

    remove_expired(cache);
    entry = find(cache, key);
    if (entry)
        buf_append(answer, entry->answer.text, entry->bytes);
    return entry;
}

static void evict(struct credential_cache *cache, size_t bytes)
{
    while (cache->count == ENTRIES_MAX || cache->bytes + bytes > BYTES_MAX) {
        struct entry *first = &cache->entries[0];

        for (size_t i = 1; i < cache->count; i++)
            if (cache->entries[i].expires_ns < first->expires_ns)
                first = &cache->entries[i];
        remove_entry(cache, first);
    }
}

void credential_cache_put(struct credential_cache *cache, const char *key, const char *answer,
                          int64_t expires_ns)
{
    LOCK_SCOPE(&cache->lock);
    struct entry entry = {.bytes = strlen(answer), .expires_ns = expires_ns};
    struct entry *old = find(cache, key);
    struct error unused;

    if (old)
        remove_entry(cache, old);
    if (entry.bytes > BYTES_MAX)
        return;
    remove_expired(cache);
    evict(cache, entry.bytes);
    entry.key = strdup(key);
    if (!entry.key || !secret_set(&entry.answer, answer, entry.bytes, &unused)) {
        free(entry.key);
        return;
    }
    cache->entries[cache->count++] = entry;
    cache->bytes += entry.bytes;
}
