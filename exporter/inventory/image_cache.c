/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each entry is one allocation: a document is parsed in a scratch arena, and the result is packed
 * behind the entry, so that thousands of small manifests take little more than their text.
 */
#include "inventory/image_cache.h"

#include "inventory/image_cache_pack.h"
#include "oci/digest.h"
#include "oci/name_map.h"

#include <malloc.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#define SCRATCH_LIMIT_BYTES ((size_t)64 << 20) /* of one document, parsed */
#define KEY_BYTES           256                /* digest, space and, of a manifest, media type */

struct entry {
    struct entry *next;
    const char *key;
    uint64_t generation;   /* cycle of the last look-up */
    int64_t doubt_ends_ns; /* INT64_MAX: certain */
    size_t bytes;
    bool readable;
    union { /* the key has a media type if it is a manifest */
        struct manifest manifest;
        struct image_config_facts config_facts;
    };
    alignas(max_align_t) char data[];
};

struct image_cache {
    struct entry *entries;
    struct name_map by_key; /* key -> address of the entry */
    uint64_t generation;
    bool again;
    bool has_read;  /* since the last malloc_trim() */
    int64_t now_ns; /* of this cycle */
    size_t bytes;
    struct buf document;
    struct arena scratch;
    struct error failure;
};

struct image_cache *image_cache_new(struct error *err)
{
    struct image_cache *cache = calloc(1, sizeof(*cache));

    if (!cache) {
        error_memory(err);
        return NULL;
    }
    cache->by_key = (struct name_map)NAME_MAP_INIT;
    cache->document = (struct buf)BUF_INIT(IMAGE_DOCUMENT_MAX);
    cache->scratch = (struct arena)ARENA_INIT(SCRATCH_LIMIT_BYTES);
    return cache;
}

/* Drops every entry whose last look-up was before `generation`. Returns whether there was one. */
static bool drop_older(struct image_cache *cache, uint64_t generation)
{
    bool dropped = false;

    for (struct entry **at = &cache->entries; *at;) {
        struct entry *entry = *at;

        if (entry->generation >= generation) {
            at = &entry->next;
            continue;
        }
        *at = entry->next;
        cache->bytes -= entry->bytes;
        free(entry);
        dropped = true;
    }
    return dropped;
}

void image_cache_free(struct image_cache *cache)
{
    if (!cache)
        return;
    drop_older(cache, UINT64_MAX);
    name_map_deinit(&cache->by_key);
    buf_deinit(&cache->document);
    arena_deinit(&cache->scratch);
    free(cache);
}

static void fail(struct image_cache *cache, const struct error *err)
{
    if (cache->failure.code == ERROR_NONE)
        cache->failure = *err;
}

/* Keeps only what this cycle has looked up. */
static void sweep(struct image_cache *cache)
{
    struct error err;

    if (!drop_older(cache, cache->generation))
        return;
    name_map_clear(&cache->by_key);
    for (const struct entry *entry = cache->entries; entry; entry = entry->next)
        if (!name_map_add(&cache->by_key, entry->key, (uintptr_t)entry, &err))
            fail(cache, &err); /* unexpected: the map was larger before */
}

void image_cache_begin(struct image_cache *cache, bool again)
{
    cache->generation++;
    cache->again = again;
    cache->now_ns = clock_now_ns();
    cache->failure = (struct error){0};
}

void image_cache_end(struct image_cache *cache, bool all)
{
    if (all)
        sweep(cache);
    buf_deinit(&cache->document);
    if (all && cache->has_read)
        malloc_trim(0); /* returns the memory of thousands of parsed documents */
    cache->has_read = cache->has_read && !all;
}

void image_cache_forgive(struct image_cache *cache)
{
    error_clear(&cache->failure);
}

bool image_cache_ok(const struct image_cache *cache, struct error *err)
{
    if (cache->failure.code == ERROR_NONE)
        return true;
    *err = cache->failure;
    return false;
}

size_t image_cache_count(const struct image_cache *cache)
{
    return cache->by_key.count;
}

size_t image_cache_bytes(const struct image_cache *cache)
{
    return cache->bytes;
}

/* An unreadable document has an entry of size 0. */
static struct entry *new_entry(const char *key, size_t size, struct error *err)
{
    size_t key_size = strlen(key) + 1;
    struct entry *entry = calloc(1, sizeof(*entry) + size + key_size);

    if (!entry) {
        error_memory(err);
        return NULL;
    }
    entry->bytes = sizeof(*entry) + size + key_size;
    entry->doubt_ends_ns = INT64_MAX;
    entry->key = memcpy(entry->data + size, key, key_size);
    return entry;
}

/* Whether the document is not to blame for the error. */
static bool is_outside_document(const struct error *err)
{
    return err->code == ERROR_CANCELED || err->code == ERROR_TIMEOUT ||
           error_code_is_unreachable(err->code) || err->code == ERROR_MEMORY;
}

static struct entry *parse_manifest(struct image_cache *cache, const char *key,
                                    const char *media_type, size_t size, struct error *err)
{
    struct manifest manifest;
    struct entry *entry;

    if (!manifest_read(&manifest, media_type, cache->document.data, size, &cache->scratch, err))
        return is_outside_document(err) ? NULL : new_entry(key, 0, err);
    entry = new_entry(key, image_cache_pack_manifest(&manifest, NULL, NULL), err);
    if (!entry)
        return NULL;
    entry->readable = true;
    image_cache_pack_manifest(&manifest, &entry->manifest, entry->data);
    return entry;
}

/* The chain id of a single layer is its diff id, whatever the algorithm. For more layers with an
 * unknown algorithm there is no snapshot to find. */
static bool chain_id_of(const struct image_config *config, char text[DIGEST_TEXT_BYTES],
                        const char **chain_id, struct error *err)
{
    *chain_id = config->n_diff_ids == 1 ? config->diff_ids[0] : "";
    if (config->n_diff_ids < 2)
        return true;
    if (digest_chain_id(config->diff_ids, config->n_diff_ids, text, err)) {
        *chain_id = text;
        return true;
    }
    return error_is_expected_code(err, ERROR_UNSUPPORTED);
}

static struct entry *parse_config(struct image_cache *cache, const char *key, size_t size,
                                  struct error *err)
{
    struct image_config config;
    struct image_config_facts facts;
    struct entry *entry;
    char text[DIGEST_TEXT_BYTES];

    if (!image_config_parse(&config, cache->document.data, size, &cache->scratch, err))
        return is_outside_document(err) ? NULL : new_entry(key, 0, err);
    facts.platform = config.platform;
    if (!chain_id_of(&config, text, &facts.chain_id, err))
        return NULL;
    entry = new_entry(key, image_cache_pack_config(&facts, NULL, NULL), err);
    if (!entry)
        return NULL;
    entry->readable = true;
    image_cache_pack_config(&facts, &entry->config_facts, entry->data);
    return entry;
}

static bool is_full(const struct image_cache *cache, const struct entry *entry)
{
    return image_cache_count(cache) >= IMAGE_CACHE_ENTRIES_MAX ||
           entry->bytes > IMAGE_CACHE_LIMIT_BYTES - cache->bytes;
}

static bool insert(struct image_cache *cache, struct entry *entry, struct error *err)
{
    if (is_full(cache, entry))
        sweep(cache);
    if (is_full(cache, entry))
        return error_set(err, ERROR_LIMIT,
                         "cache of image documents is full: %zu documents, %zu bytes",
                         image_cache_count(cache), cache->bytes);
    if (!name_map_add(&cache->by_key, entry->key, (uintptr_t)entry, err))
        return false;
    entry->generation = cache->generation;
    entry->next = cache->entries;
    cache->entries = entry;
    cache->bytes += entry->bytes;
    return true;
}

/* Reads the bytes into cache->document: those that the descriptor embeds, or those of the source.
 */
static bool read_document(struct image_cache *cache, const struct image_source *source,
                          const struct image_blob *blob, bool *certain, struct error *err)
{
    size_t size = (size_t)blob->size;

    *certain = blob->data; /* checked when the descriptor was parsed */
    buf_clear(&cache->document);
    if (size > IMAGE_DOCUMENT_MAX)
        return error_set(err, ERROR_LIMIT, "%s: document of %zu bytes is too large", blob->digest,
                         size);
    if (blob->data)
        buf_append(&cache->document, blob->data, size);
    else if (!source->read(source->arg, blob, &cache->document, certain, err))
        return false;
    return cache->document.size >= size ||
           error_set(err, ERROR_SIZE_MISMATCH, "%s: found %zu of %zu bytes", blob->digest,
                     cache->document.size, size);
}

/* Whether the bytes match the digest, so that they will never change. */
static bool is_certain(const struct image_cache *cache, const struct image_blob *blob)
{
    if (!digest_valid(blob->digest))
        return true; /* of an algorithm that the exporter does not compute */
    return digest_matches(blob->digest, cache->document.data, (size_t)blob->size);
}

/* Returns NULL, with *err, only if the document is not to blame. */
static struct entry *load(struct image_cache *cache, const struct image_source *source,
                          const struct image_blob *blob, const char *media_type, const char *key,
                          struct error *err)
{
    CLEANUP(freep) struct entry *entry = NULL;
    size_t size = (size_t)blob->size;
    bool certain;

    if (!read_document(cache, source, blob, &certain, err)) {
        certain = false;
        entry = is_outside_document(err) ? NULL : new_entry(key, 0, err);
    } else {
        certain = certain || is_certain(cache, blob);
        entry = media_type ? parse_manifest(cache, key, media_type, size, err)
                           : parse_config(cache, key, size, err);
    }
    if (entry && !certain)
        entry->doubt_ends_ns = cache->now_ns + IMAGE_CACHE_DOUBT_NS;
    return TAKE(entry);
}

/* Whether the entry can be used without reading it again. A cycle reads nothing twice. */
static bool is_fresh(const struct image_cache *cache, const struct entry *entry)
{
    return entry->generation == cache->generation || entry->doubt_ends_ns == INT64_MAX ||
           (!cache->again && cache->now_ns < entry->doubt_ends_ns);
}

/* Finds or reads a manifest, or a configuration if media_type is NULL. */
static struct entry *look_up(struct image_cache *cache, const struct image_source *source,
                             const struct image_blob *blob, const char *media_type)
{
    CLEANUP(freep) struct entry *entry = NULL;
    struct error err = {0};
    char key[KEY_BYTES];
    uint64_t address;
    int length = snprintf(key, sizeof(key), "%s %s", blob->digest, media_type ? media_type : "");

    if ((size_t)length >= sizeof(key))
        return NULL;
    if (name_map_find(&cache->by_key, key, &address)) {
        struct entry *known = (struct entry *)(uintptr_t)address;

        if (is_fresh(cache, known)) {
            known->generation = cache->generation;
            return known;
        }
        known->generation = 0; /* the next sweep drops it; the new entry takes the key */
    }
    cache->has_read = true;
    entry = load(cache, source, blob, media_type, key, &err);
    arena_deinit(&cache->scratch);
    if (entry && insert(cache, entry, &err))
        return TAKE(entry);
    fail(cache, &err);
    return NULL;
}

enum image_lookup image_cache_manifest(struct image_cache *cache, const struct image_source *source,
                                       const struct image_blob *blob, const char *media_type,
                                       const struct manifest **manifest)
{
    const struct entry *entry = look_up(cache, source, blob, media_type);

    if (!entry || !entry->readable)
        return IMAGE_UNREADABLE;
    *manifest = &entry->manifest;
    return IMAGE_FOUND;
}

enum image_lookup image_cache_config(struct image_cache *cache, const struct image_source *source,
                                     const struct image_blob *blob,
                                     const struct image_config_facts **config)
{
    const struct entry *entry = look_up(cache, source, blob, NULL);

    if (!entry || !entry->readable)
        return IMAGE_UNREADABLE;
    *config = &entry->config_facts;
    return IMAGE_FOUND;
}
