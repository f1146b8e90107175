/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One allocation per entry: a document is parsed in a scratch arena, and what it
 * says is then packed behind the entry, so that thousands of small manifests take
 * little more than their text.
 */
#include "client/image_cache.h"

#include "client/digest.h"
#include "client/digest_set.h"

#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#define SCRATCH_LIMIT_BYTES ((size_t)32 << 20) /* of one document, parsed */
#define KEY_BYTES           256                /* of a digest and a media type of a manifest */

struct entry {
    struct entry *next;
    const char *key;
    uint64_t generation; /* of the last look-up */
    size_t bytes;
    bool readable;
    struct manifest manifest;
    struct image_essence essence;
    alignas(max_align_t) char data[];
};

struct image_cache {
    struct entry *entries;
    struct digest_set by_key; /* key -> address of the entry */
    uint64_t generation;
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
    cache->by_key = (struct digest_set)DIGEST_SET_INIT;
    cache->document = (struct buf)BUF_INIT(MANIFEST_LIMIT_BYTES);
    cache->scratch = (struct arena)ARENA_INIT(SCRATCH_LIMIT_BYTES);
    return cache;
}

/* Everything that was last looked up before `generation`. */
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
    digest_set_deinit(&cache->by_key);
    buf_deinit(&cache->document);
    arena_deinit(&cache->scratch);
    free(cache);
}

static void fail(struct image_cache *cache, const struct error *err)
{
    if (cache->failure.code == ERROR_NONE)
        cache->failure = *err;
}

/* Leaves only what this cycle has asked for. */
static void sweep(struct image_cache *cache)
{
    struct error err;
    if (!drop_older(cache, cache->generation))
        return;
    digest_set_clear(&cache->by_key);
    for (const struct entry *entry = cache->entries; entry; entry = entry->next)
        if (!digest_set_add(&cache->by_key, entry->key, (uintptr_t)entry, &err))
            fail(cache, &err); /* cannot be: the set was larger before */
}

void image_cache_begin(struct image_cache *cache)
{
    cache->generation++;
    cache->failure = (struct error){0};
}

void image_cache_end(struct image_cache *cache)
{
    sweep(cache);
    buf_deinit(&cache->document);
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

/* Counts the bytes while there is no base, then copies them there. */
struct pack {
    char *base;
    size_t used;
};

static const char *pack_text(struct pack *pack, const char *text)
{
    size_t size = strlen(text) + 1;
    char *at = pack->base ? pack->base + pack->used : NULL;
    pack->used += size;
    return at ? memcpy(at, text, size) : text;
}

static void pack_platform(struct pack *pack, struct platform *platform)
{
    platform->os = pack_text(pack, platform->os);
    platform->architecture = pack_text(pack, platform->architecture);
    platform->variant = pack_text(pack, platform->variant);
}

static void pack_descriptor(struct pack *pack, struct descriptor *descriptor)
{
    descriptor->media_type = pack_text(pack, descriptor->media_type);
    descriptor->digest = pack_text(pack, descriptor->digest);
    if (descriptor->has_platform)
        pack_platform(pack, &descriptor->platform);
    else
        descriptor->platform = (struct platform){"", "", ""};
}

static void pack_manifest(struct pack *pack, struct manifest *manifest)
{
    manifest->media_type = pack_text(pack, manifest->media_type);
    if (manifest->kind == MANIFEST_IMAGE)
        pack_descriptor(pack, &manifest->config);
    for (size_t i = 0; i < manifest->n_children; i++)
        pack_descriptor(pack, &manifest->children[i]);
}

static void pack_essence(struct pack *pack, struct image_essence *essence)
{
    pack_platform(pack, &essence->platform);
    essence->chain_id = pack_text(pack, essence->chain_id);
}

/* A document that makes no sense has an entry, too: one of no size. */
static struct entry *new_entry(const char *key, size_t size, struct error *err)
{
    size_t key_size = strlen(key) + 1;
    struct entry *entry = calloc(1, sizeof(*entry) + size + key_size);
    if (!entry) {
        error_memory(err);
        return NULL;
    }
    entry->bytes = sizeof(*entry) + size + key_size;
    entry->key = memcpy(entry->data + size, key, key_size);
    return entry;
}

static struct entry *manifest_entry(const char *key, struct manifest *manifest, struct error *err)
{
    struct pack pack = {0};
    size_t array_size = manifest->n_children * sizeof(*manifest->children);
    pack_manifest(&pack, manifest);
    struct entry *entry = new_entry(key, array_size + pack.used, err);
    if (!entry)
        return NULL;
    entry->readable = true;
    entry->manifest = *manifest;
    if (array_size > 0)
        entry->manifest.children = memcpy(entry->data, manifest->children, array_size);
    pack = (struct pack){.base = entry->data + array_size};
    pack_manifest(&pack, &entry->manifest);
    return entry;
}

static struct entry *config_entry(const char *key, struct image_essence *essence, struct error *err)
{
    struct pack pack = {0};
    pack_essence(&pack, essence);
    struct entry *entry = new_entry(key, pack.used, err);
    if (!entry)
        return NULL;
    entry->readable = true;
    entry->essence = *essence;
    pack = (struct pack){.base = entry->data};
    pack_essence(&pack, &entry->essence);
    return entry;
}

static bool blames_us(const struct error *err)
{
    return err->code == ERROR_CANCELED || err->code == ERROR_TIMEOUT ||
           err->code == ERROR_RUNTIME_UNAVAILABLE || err->code == ERROR_MEMORY;
}

static struct entry *parse_manifest(struct image_cache *cache, const char *key,
                                    const char *media_type, size_t size, struct error *err)
{
    struct manifest manifest;
    if (manifest_parse(&manifest, media_type, cache->document.data, size, &cache->scratch, err))
        return manifest_entry(key, &manifest, err);
    return blames_us(err) ? NULL : new_entry(key, 0, err);
}

/* A single layer is its own chain, whatever its algorithm; no other chain than one of sha256 is
 * ever computed by a daemon, so there is no snapshot to be found. */
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
    return err->code == ERROR_UNSUPPORTED;
}

static struct entry *parse_config(struct image_cache *cache, const char *key, size_t size,
                                  struct error *err)
{
    struct image_config config;
    struct image_essence essence;
    char text[DIGEST_TEXT_BYTES];
    if (!image_config_parse(&config, cache->document.data, size, &cache->scratch, err))
        return blames_us(err) ? NULL : new_entry(key, 0, err);
    essence.platform = config.platform;
    if (!chain_id_of(&config, text, &essence.chain_id, err))
        return NULL;
    return config_entry(key, &essence, err);
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
        return error_set(err, ERROR_LIMIT, "documents of images: %zu, %zu bytes: no room for more",
                         image_cache_count(cache), cache->bytes);
    if (!digest_set_add(&cache->by_key, entry->key, (uintptr_t)entry, err))
        return false;
    entry->generation = cache->generation;
    entry->next = cache->entries;
    cache->entries = entry;
    cache->bytes += entry->bytes;
    return true;
}

/* NULL with *err: not this time; an entry that is not readable: never. */
static struct entry *load(struct image_cache *cache, const struct image_source *source,
                          const struct content_info *blob, const char *media_type, const char *key,
                          struct error *err)
{
    size_t size = (size_t)blob->size;
    buf_clear(&cache->document);
    if (!source->read(source->arg, blob->digest, &cache->document, err))
        return err->code == ERROR_LIMIT ? new_entry(key, 0, err) : NULL;
    if (cache->document.size < size) {
        error_set(err, ERROR_SIZE_MISMATCH, "%s: %zu of %zu bytes", blob->digest,
                  cache->document.size, size);
        return NULL;
    }
    if (media_type)
        return parse_manifest(cache, key, media_type, size, err);
    return parse_config(cache, key, size, err);
}

/* media_type NULL: a configuration. */
static struct entry *look_up(struct image_cache *cache, const struct image_source *source,
                             const struct content_info *blob, const char *media_type)
{
    struct error err = {0};
    char key[KEY_BYTES];
    uint64_t address;
    int length = snprintf(key, sizeof(key), "%s %s", blob->digest, media_type ? media_type : "");
    if ((size_t)length >= sizeof(key))
        return NULL;
    if (digest_set_find(&cache->by_key, key, &address)) {
        struct entry *known = (struct entry *)(uintptr_t)address;
        known->generation = cache->generation;
        return known;
    }
    CLEANUP(freep) struct entry *entry = load(cache, source, blob, media_type, key, &err);
    arena_deinit(&cache->scratch);
    if (entry && insert(cache, entry, &err))
        return TAKE(entry);
    if (entry || blames_us(&err))
        fail(cache, &err);
    return NULL;
}

enum image_lookup image_cache_manifest(struct image_cache *cache, const struct image_source *source,
                                       const struct content_info *blob, const char *media_type,
                                       const struct manifest **manifest)
{
    const struct entry *entry = look_up(cache, source, blob, media_type);
    if (!entry || !entry->readable)
        return IMAGE_UNREADABLE;
    *manifest = &entry->manifest;
    return IMAGE_FOUND;
}

enum image_lookup image_cache_config(struct image_cache *cache, const struct image_source *source,
                                     const struct content_info *blob,
                                     const struct image_essence **config)
{
    const struct entry *entry = look_up(cache, source, blob, NULL);
    if (!entry || !entry->readable)
        return IMAGE_UNREADABLE;
    *config = &entry->essence;
    return IMAGE_FOUND;
}
