/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of documents: what is read once or again, what is dropped, which errors are reported.
 */
#include "inventory/image_cache.h"

#include "oci/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define IMAGE MEDIA_TYPE_OCI_MANIFEST
#define INDEX MEDIA_TYPE_OCI_INDEX
#define A     "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B     "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct store { /* holds one text under any digest */
    const char *text;
    enum error_code failure;
    size_t reads;
    bool damaged; /* what it holds is not what the digest says */
};

static bool read_text(void *arg, const struct image_blob *blob, struct buf *out, bool *certain,
                      struct error *err)
{
    struct store *store = arg;
    (void)blob;
    store->reads++;
    *certain = !store->damaged;
    buf_append_str(out, store->text);
    if (store->failure != ERROR_NONE)
        return error_set(err, store->failure, "as told");
    return buf_ok(out, err);
}

static enum image_lookup manifest_of(struct image_cache *cache, struct store *store,
                                     const char *digest, const char *media_type,
                                     const struct manifest **manifest)
{
    const struct image_source source = {read_text, store};
    const struct image_blob blob = {.digest = digest, .size = strlen(store->text)};
    return image_cache_manifest(cache, &source, &blob, media_type, manifest);
}

static enum image_lookup config_of(struct image_cache *cache, struct store *store,
                                   const char *digest, const struct image_config_facts **config)
{
    const struct image_source source = {read_text, store};
    const struct image_blob blob = {.digest = digest, .size = strlen(store->text)};
    return image_cache_config(cache, &source, &blob, config);
}

static struct image_cache *new_cache(void)
{
    struct error err;
    struct image_cache *cache = image_cache_new(&err);
    assert_non_null(cache);
    image_cache_begin(cache, false);
    return cache;
}

static void reads_a_document_once(void **state)
{
    CLEANUP(image_cache_freep) struct image_cache *cache = new_cache();
    struct store store = {"{\"config\":{\"digest\":\"" A "\",\"size\":3},"
                          "\"layers\":[{\"digest\":\"" B "\",\"size\":5}]}"};
    struct error err;
    (void)state;
    for (size_t cycle = 0; cycle < 3; cycle++) {
        const struct manifest *manifest;
        assert_int_equal(manifest_of(cache, &store, A, IMAGE, &manifest), IMAGE_FOUND);
        assert_int_equal(manifest->kind, MANIFEST_IMAGE);
        assert_string_equal(manifest->media_type, IMAGE);
        assert_string_equal(manifest->config.digest, A);
        assert_int_equal(manifest->n_children, 1);
        assert_string_equal(manifest->children[0].digest, B);
        assert_int_equal(manifest->children[0].size, 5);
        assert_true(image_cache_ok(cache, &err));
        image_cache_end(cache, true);
        image_cache_begin(cache, false);
    }
    assert_int_equal(store.reads, 1);
    assert_int_equal(image_cache_count(cache), 1);
}

static void keeps_platforms_of_an_index(void **state)
{
    CLEANUP(image_cache_freep) struct image_cache *cache = new_cache();
    struct store store = {"{\"manifests\":[{\"digest\":\"" A "\",\"platform\":{\"os\":\"linux\","
                          "\"architecture\":\"arm\",\"variant\":\"v7\"}},{}]}"};
    const struct manifest *index;
    (void)state;
    assert_int_equal(manifest_of(cache, &store, A, INDEX, &index), IMAGE_FOUND);
    assert_int_equal(index->n_children, 2);
    assert_string_equal(index->children[0].platform.variant, "v7");
    assert_false(index->children[1].has_platform);
    assert_string_equal(index->children[1].platform.os, "");
}

static void separates_media_types_and_configurations(void **state)
{
    CLEANUP(image_cache_freep) struct image_cache *cache = new_cache();
    struct store store = {"{}"};
    const struct manifest *manifest;
    const struct image_config_facts *config;
    (void)state;
    assert_int_equal(manifest_of(cache, &store, A, IMAGE, &manifest), IMAGE_FOUND);
    assert_int_equal(manifest->kind, MANIFEST_IMAGE);
    assert_int_equal(manifest_of(cache, &store, A, INDEX, &manifest), IMAGE_FOUND);
    assert_int_equal(manifest->kind, MANIFEST_INDEX);
    assert_int_equal(config_of(cache, &store, A, &config), IMAGE_FOUND);
    assert_string_equal(config->chain_id, "");
    assert_int_equal(store.reads, 3);
}

static void caches_invalid_documents(void **state)
{
    CLEANUP(image_cache_freep) struct image_cache *cache = new_cache();
    struct store store = {"{\"manifests\":[]}"};
    struct error err;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const struct manifest *manifest;
        const struct image_config_facts *config;
        assert_int_equal(manifest_of(cache, &store, A, IMAGE, &manifest), IMAGE_UNREADABLE);
        store.text = "[]";
        assert_int_equal(config_of(cache, &store, B, &config), IMAGE_UNREADABLE);
        assert_true(image_cache_ok(cache, &err));
    }
    assert_int_equal(store.reads, 2);
}

static void caches_that_a_document_is_too_large(void **state)
{
    CLEANUP(image_cache_freep) struct image_cache *cache = new_cache();
    struct store store = {"", .failure = ERROR_LIMIT};
    const struct manifest *manifest;
    struct error err;
    (void)state;
    assert_int_equal(manifest_of(cache, &store, A, IMAGE, &manifest), IMAGE_UNREADABLE);
    assert_int_equal(manifest_of(cache, &store, A, IMAGE, &manifest), IMAGE_UNREADABLE);
    assert_int_equal(store.reads, 1);
    assert_true(image_cache_ok(cache, &err));
}

static void reads_uncertain_documents_again(void **state)
{
    static const struct {
        enum error_code failure;
        bool document; /* is to blame, not we */
    } rows[] = {{ERROR_NOT_FOUND, true}, {ERROR_RUNTIME, true}, {ERROR_TIMEOUT, false},
                {ERROR_CANCELED, false}, {ERROR_MEMORY, false}, {ERROR_RUNTIME_UNAVAILABLE, false}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(image_cache_freep) struct image_cache *cache = new_cache();
        struct store store = {"{}", .failure = rows[i].failure};
        const struct manifest *manifest;
        struct error err = {0};
        assert_int_equal(manifest_of(cache, &store, A, IMAGE, &manifest), IMAGE_UNREADABLE);
        assert_int_equal(image_cache_ok(cache, &err), rows[i].document);
        assert_int_equal(err.code, rows[i].document ? ERROR_NONE : rows[i].failure);
        image_cache_begin(cache, false);
        store.failure = ERROR_NONE;
        assert_int_equal(manifest_of(cache, &store, A, IMAGE, &manifest),
                         rows[i].document ? IMAGE_UNREADABLE : IMAGE_FOUND);
        image_cache_begin(cache, true);
        assert_int_equal(manifest_of(cache, &store, A, IMAGE, &manifest), IMAGE_FOUND);
        assert_true(image_cache_ok(cache, &err));
    }
}

static void does_not_trust_a_truncated_blob(void **state)
{
    CLEANUP(image_cache_freep) struct image_cache *cache = new_cache();
    struct store store = {"{}"};
    const struct image_source source = {read_text, &store};
    const struct image_blob longer = {.digest = A, .size = 3}, shorter = {.digest = B, .size = 2};
    const struct manifest *manifest;
    (void)state;
    assert_int_equal(image_cache_manifest(cache, &source, &longer, IMAGE, &manifest),
                     IMAGE_UNREADABLE);
    assert_int_equal(image_cache_count(cache), 1);
    store.text = "{}{}"; /* what follows the recorded size is not looked at */
    assert_int_equal(image_cache_manifest(cache, &source, &shorter, IMAGE, &manifest), IMAGE_FOUND);
}

/* Bytes that do not match the digest expire, because a disk can be repaired. */
static void does_not_keep_bytes_of_another_digest(void **state)
{
    static const char good[] = "{\"layers\":[{}]}";
    CLEANUP(image_cache_freep) struct image_cache *cache = new_cache();
    struct store store = {"{\"layers\":[]} ", .damaged = true};
    const struct manifest *manifest;
    (void)state;
    assert_int_equal(manifest_of(cache, &store, A, IMAGE, &manifest), IMAGE_FOUND);
    assert_int_equal(manifest->n_children, 0);
    store = (struct store){.text = good};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(manifest_of(cache, &store, A, IMAGE, &manifest), IMAGE_FOUND);
        assert_int_equal(manifest->n_children, i);
        image_cache_end(cache, true);
        image_cache_begin(cache, i == 0);
        assert_int_equal(image_cache_count(cache), 1);
    }
    assert_int_equal(manifest_of(cache, &store, A, IMAGE, &manifest), IMAGE_FOUND);
    assert_int_equal(store.reads, 1);
}

static void reads_no_embedded_and_no_oversized_document(void **state)
{
    CLEANUP(image_cache_freep) struct image_cache *cache = new_cache();
    struct store store = {"{}"};
    const struct image_source source = {read_text, &store};
    const struct image_blob carried = {A, strlen("{\"layers\":[{}]}"), "{\"layers\":[{}]}"};
    const struct image_blob huge = {.digest = B, .size = IMAGE_DOCUMENT_MAX + 1};
    const struct manifest *manifest;
    (void)state;
    assert_int_equal(image_cache_manifest(cache, &source, &carried, IMAGE, &manifest), IMAGE_FOUND);
    assert_int_equal(manifest->n_children, 1);
    assert_int_equal(image_cache_manifest(cache, &source, &huge, IMAGE, &manifest),
                     IMAGE_UNREADABLE);
    assert_int_equal(store.reads, 0);
}

static void drops_what_a_cycle_did_not_look_up(void **state)
{
    CLEANUP(image_cache_freep) struct image_cache *cache = new_cache();
    struct store store = {"{}"};
    const struct manifest *manifest;
    (void)state;
    assert_int_equal(manifest_of(cache, &store, A, IMAGE, &manifest), IMAGE_FOUND);
    assert_int_equal(manifest_of(cache, &store, B, IMAGE, &manifest), IMAGE_FOUND);
    image_cache_end(cache, true);
    assert_int_equal(image_cache_count(cache), 2);
    image_cache_begin(cache, false);
    assert_int_equal(manifest_of(cache, &store, B, IMAGE, &manifest), IMAGE_FOUND);
    image_cache_end(cache, true);
    assert_int_equal(image_cache_count(cache), 1);
    image_cache_begin(cache, false);
    image_cache_end(cache, true);
    assert_int_equal(image_cache_count(cache), 0);
    assert_int_equal(image_cache_bytes(cache), 0);
    assert_int_equal(store.reads, 2);
}

static void evicts_old_entries_at_the_limit(void **state)
{
    CLEANUP(image_cache_freep) struct image_cache *cache = new_cache();
    struct store store = {"{}"};
    const struct manifest *manifest;
    struct error err = {0};
    (void)state;
    for (size_t i = 0; i < IMAGE_CACHE_ENTRIES_MAX; i++) {
        char digest[80];
        snprintf(digest, sizeof(digest), "sha256:%064zx", i);
        assert_int_equal(manifest_of(cache, &store, digest, IMAGE, &manifest), IMAGE_FOUND);
    }
    assert_int_equal(manifest_of(cache, &store, A, IMAGE, &manifest), IMAGE_UNREADABLE);
    assert_false(image_cache_ok(cache, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    image_cache_begin(cache, false); /* the cycle failed, so there was no end of it */
    assert_int_equal(manifest_of(cache, &store, A, IMAGE, &manifest), IMAGE_FOUND);
    assert_true(image_cache_ok(cache, &err));
    assert_int_equal(image_cache_count(cache), 1);
}

static void computes_the_chain(void **state)
{
    static const char *const diff_ids[] = {A, B};
    static const struct {
        const char *text, *want; /* NULL: of both layers */
    } rows[] = {
        {"{\"rootfs\":{\"diff_ids\":[]}}", ""},
        {"{\"rootfs\":{\"diff_ids\":[\"" A "\"]}}", A},
        {"{\"rootfs\":{\"diff_ids\":[\"sha512:1\"]}}", "sha512:1"},
        {"{\"rootfs\":{\"diff_ids\":[\"" A "\",\"" B "\"]}}", NULL},
        {"{\"rootfs\":{\"diff_ids\":[\"" A "\",\"sha512:1\"]}}", ""},
    };
    struct error err;
    char chain[DIGEST_TEXT_BYTES];
    (void)state;
    assert_true(digest_chain_id(diff_ids, 2, chain, &err));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(image_cache_freep) struct image_cache *cache = new_cache();
        struct store store = {rows[i].text};
        const struct image_config_facts *config;
        assert_int_equal(config_of(cache, &store, A, &config), IMAGE_FOUND);
        assert_string_equal(config->chain_id, rows[i].want ? rows[i].want : chain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_document_once),
        cmocka_unit_test(keeps_platforms_of_an_index),
        cmocka_unit_test(separates_media_types_and_configurations),
        cmocka_unit_test(caches_invalid_documents),
        cmocka_unit_test(caches_that_a_document_is_too_large),
        cmocka_unit_test(reads_uncertain_documents_again),
        cmocka_unit_test(does_not_trust_a_truncated_blob),
        cmocka_unit_test(does_not_keep_bytes_of_another_digest),
        cmocka_unit_test(reads_no_embedded_and_no_oversized_document),
        cmocka_unit_test(drops_what_a_cycle_did_not_look_up),
        cmocka_unit_test(evicts_old_entries_at_the_limit),
        cmocka_unit_test(computes_the_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
