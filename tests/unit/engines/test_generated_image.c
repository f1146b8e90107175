/* SPDX-License-Identifier: Apache-2.0 */
/* That an image of new bytes is one: its documents name what is sent, and it is new. */
#include "engines/image/generated_image.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define FILE_BYTES ((uint64_t)100001)

static const struct platform arm = {"linux", "arm", "v7", false};

struct made {
    struct generated_image image;
    struct cancel cancel;
    struct error err;
};

static bool make(struct made *made, const struct push_content *content)
{
    *made = (struct made){0};
    cancel_init(&made->cancel, clock_now_ns() + 60 * NS_PER_SECOND);
    return generated_image_init(&made->image, content, &arm, &made->cancel, &made->err);
}

static void unmake(struct made *made)
{
    generated_image_deinit(&made->image);
    cancel_deinit(&made->cancel);
}

/* All of a layer, read `step` bytes at a time. */
static void read_layer(const struct generated_image *image, size_t number, size_t step,
                       struct buf *out)
{
    struct generated_layer layer;
    struct error err;
    char piece[4096];
    size_t n;

    buf_clear(out);
    assert_true(generated_layer_open(&layer, image, number, &err));
    do {
        generated_layer_read(&layer, piece, step, &n);
        buf_append(out, piece, n);
        assert_true(n == step || out->size == random_layer_tar_bytes(image->file_bytes));
    } while (n > 0);
    generated_layer_close(&layer);
    assert_true(buf_ok(out, &err));
}

static void check_digest(const struct descriptor *descriptor, const struct buf *body)
{
    char digest[DIGEST_TEXT_BYTES];
    struct error err;

    assert_true(digest_of(body->data, body->size, digest, &err));
    assert_string_equal(descriptor->digest, digest);
    assert_int_equal(descriptor->size, body->size);
}

static void names_the_layers_that_it_sends(void **state)
{
    static const size_t steps[] = {4096, 511, 512, 1000};
    CLEANUP(buf_deinit) struct buf whole = BUF_INIT(1 << 20);
    struct made made;

    (void)state;
    assert_true(make(&made, &(struct push_content){.layers = 5, .layer_bytes = FILE_BYTES}));
    assert_int_equal(made.image.n_layers, 5);
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < sizeof(steps) / sizeof(steps[0]); j++) {
            char name[16];

            read_layer(&made.image, i, steps[j], &whole);
            check_digest(&made.image.layers[i], &whole);
            snprintf(name, sizeof(name), "layer-%zu", i);
            assert_string_equal(whole.data, name);
            for (size_t at = RANDOM_LAYER_HEADER_BYTES + FILE_BYTES; at < whole.size; at++)
                assert_int_equal(whole.data[at], 0);
            for (size_t other = 0; other < i; other++)
                assert_string_not_equal(made.image.layers[i].digest,
                                        made.image.layers[other].digest);
        }
    unmake(&made);
}

static void check_documents(const struct generated_image *image, const char *const types[4])
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    struct image_config config;
    struct manifest manifest;
    struct error err;

    check_digest(&image->manifest, &image->manifest_body);
    check_digest(&image->config, &image->config_body);
    assert_true(manifest_parse(&manifest, types[0], image->manifest_body.data,
                               image->manifest_body.size, &arena, &err));
    assert_string_equal(image->manifest.media_type, types[0]);
    assert_string_equal(manifest.config.media_type, types[1]);
    assert_string_equal(manifest.config.digest, image->config.digest);
    assert_true(image_config_parse(&config, image->config_body.data, image->config_body.size,
                                   &arena, &err));
    assert_string_equal(config.platform.architecture, "arm");
    assert_int_equal(config.n_diff_ids, image->n_layers);
    assert_int_equal(manifest.n_children, image->n_layers);
    for (size_t i = 0; i < image->n_layers; i++) {
        assert_string_equal(manifest.children[i].media_type, types[2]);
        assert_true(manifest_is_layer(types[2]));
        assert_string_equal(manifest.children[i].digest, image->layers[i].digest);
        assert_int_equal(manifest.children[i].size, image->layers[i].size);
        assert_string_equal(config.diff_ids[i], image->layers[i].digest);
    }
}

static void check_index(const struct generated_image *image, const char *media_type)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    struct platform_matcher matcher;
    const struct descriptor *chosen;
    struct manifest index;
    struct error err;

    check_digest(&image->root, &image->index_body);
    assert_string_equal(image->root.media_type, media_type);
    assert_true(manifest_parse(&index, media_type, image->index_body.data, image->index_body.size,
                               &arena, &err));
    assert_true(platform_matcher_parse(&matcher, "linux/arm/v7", &err));
    chosen = platform_choose(&matcher, &index);
    assert_non_null(chosen);
    assert_string_equal(chosen->digest, image->manifest.digest);
    assert_string_equal(chosen->platform.variant, "v7");
}

static void writes_documents_of_both_kinds(void **state)
{
    static const char *const types[2][4] = {
        {MEDIA_TYPE_OCI_MANIFEST, MEDIA_TYPE_OCI_CONFIG, MEDIA_TYPE_OCI_LAYER,
         MEDIA_TYPE_OCI_INDEX},
        {MEDIA_TYPE_DOCKER_MANIFEST, MEDIA_TYPE_DOCKER_CONFIG, MEDIA_TYPE_DOCKER_LAYER,
         MEDIA_TYPE_DOCKER_LIST},
    };

    (void)state;
    for (int docker = 0; docker < 2; docker++)
        for (int index = 0; index < 2; index++) {
            const struct push_content content = {
                .layers = 3, .layer_bytes = 10, .docker_types = docker, .index = index};
            struct made made;
            const struct buf *root;

            assert_true(make(&made, &content));
            check_documents(&made.image, types[docker]);
            root = index ? &made.image.index_body : &made.image.manifest_body;
            check_digest(&made.image.root, root);
            assert_true(manifest_is_ours(root->data, root->size));
            if (index)
                check_index(&made.image, types[docker][3]);
            else
                assert_string_equal(made.image.root.digest, made.image.manifest.digest);
            unmake(&made);
        }
}

static void tells_what_it_is(void **state)
{
    const struct push_content content = {.layers = 2, .layer_bytes = 10, .index = true};
    struct engine_result result;
    struct made made;

    (void)state;
    engine_result_init(&result);
    assert_true(make(&made, &content));
    generated_image_report(&made.image, &result);
    assert_string_equal(result.digest, made.image.root.digest);
    assert_string_equal(result.manifest_digest, made.image.manifest.digest);
    assert_string_equal(result.media_type, MEDIA_TYPE_OCI_INDEX);
    assert_true(result.seed == made.image.seed && result.seed != 0);
    assert_int_equal(result.declared_bytes,
                     made.image.index_body.size + made.image.manifest_body.size +
                         made.image.config_body.size + 2 * random_layer_tar_bytes(10));
    unmake(&made);
}

static void is_another_one_every_time(void **state)
{
    const struct push_content content = {.layers = 1, .layer_bytes = 10};
    struct made one, other;

    (void)state;
    assert_true(make(&one, &content) && make(&other, &content));
    assert_true(one.image.seed != other.image.seed);
    assert_string_not_equal(one.image.layers[0].digest, other.image.layers[0].digest);
    assert_string_not_equal(one.image.root.digest, other.image.root.digest);
    unmake(&one);
    unmake(&other);
}

static void has_a_ceiling_and_can_be_stopped(void **state)
{
    struct generated_layer layer;
    struct made made;

    (void)state;
    assert_false(make(&made, &(struct push_content){.layers = GENERATED_LAYERS_MAX + 1}));
    assert_int_equal(made.err.code, ERROR_INVALID);
    unmake(&made);

    assert_true(
        make(&made, &(struct push_content){.layers = GENERATED_LAYERS_MAX, .layer_bytes = 1}));
    assert_false(generated_layer_open(&layer, &made.image, GENERATED_LAYERS_MAX, &made.err));
    generated_image_deinit(&made.image);
    cancel_now(&made.cancel);
    assert_false(generated_image_init(&made.image,
                                      &(struct push_content){.layers = 8, .layer_bytes = 1}, &arm,
                                      &made.cancel, &made.err));
    assert_int_equal(made.err.code, ERROR_CANCELED);
    unmake(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_the_layers_that_it_sends),
        cmocka_unit_test(writes_documents_of_both_kinds),
        cmocka_unit_test(tells_what_it_is),
        cmocka_unit_test(is_another_one_every_time),
        cmocka_unit_test(has_a_ceiling_and_can_be_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
