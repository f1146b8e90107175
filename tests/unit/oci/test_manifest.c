/* SPDX-License-Identifier: Apache-2.0 */
/* Accepted and rejected documents; written documents can be read. */
#include "oci/manifest.h"

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

static void maps_media_types_to_kinds(void **state)
{
    static const struct {
        const char *media_type;
        enum manifest_kind kind;
        bool layer;
    } rows[] = {
        {MEDIA_TYPE_OCI_MANIFEST, MANIFEST_IMAGE, false},
        {MEDIA_TYPE_DOCKER_MANIFEST, MANIFEST_IMAGE, false},
        {MEDIA_TYPE_OCI_INDEX, MANIFEST_INDEX, false},
        {MEDIA_TYPE_DOCKER_LIST, MANIFEST_INDEX, false},
        {"", MANIFEST_OTHER, false},
        {MEDIA_TYPE_OCI_CONFIG, MANIFEST_OTHER, false},
        {MEDIA_TYPE_OCI_LAYER, MANIFEST_OTHER, true},
        {MEDIA_TYPE_OCI_LAYER_GZIP, MANIFEST_OTHER, true},
        {"application/vnd.docker.image.rootfs.diff.tar.gzip", MANIFEST_OTHER, true},
        {"application/vnd.in-toto+json", MANIFEST_OTHER, false},
        {"application/vnd.oci.image.layer.v1.tar+gzip+encrypted", MANIFEST_OTHER, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(manifest_kind(rows[i].media_type), rows[i].kind);
        assert_int_equal(manifest_is_layer(rows[i].media_type), rows[i].layer);
    }
}

static void knows_what_else_may_be_a_layer(void **state)
{
    static const struct {
        const char *media_type;
        bool may_be, foreign;
    } rows[] = {
        {MEDIA_TYPE_OCI_LAYER_GZIP, true, false},
        {MEDIA_TYPE_DOCKER_LAYER, true, false},
        {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", true, true},
        {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", true, true},
        {"application/vnd.oci.image.layer.v1.tar+gzip+encrypted", true, false},
        {"application/vnd.oci.image.layer.v1.erofs", true, false},
        {"application/vnd.erofs.layer.v1", true, false},
        {"application/vnd.erofs+zstd", true, false},
        {"application/vnd.in-toto+json", false, false},
        {"application/vnd.cncf.helm.chart.content.v1.tar+gzip", false, false},
        {MEDIA_TYPE_OCI_CONFIG, false, false},
        {"", false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(manifest_may_be_layer(rows[i].media_type), rows[i].may_be);
        assert_int_equal(manifest_is_foreign_layer(rows[i].media_type), rows[i].foreign);
    }
}

static void accepts_and_rejects_documents(void **state)
{
    static const struct {
        const char *media_type, *text;
        enum error_code want;
    } rows[] = {
        {IMAGE, "{}", ERROR_NONE},
        {INDEX, "{}", ERROR_NONE},
        {IMAGE, "null", ERROR_NONE},
        {IMAGE, "[]", ERROR_PROTOCOL},
        {IMAGE, "", ERROR_PROTOCOL},
        {IMAGE, "{\"layers\":[]", ERROR_PROTOCOL},
        {"text/plain", "{}", ERROR_PROTOCOL},
        {"", "{}", ERROR_PROTOCOL},
        /* the wrong kind of document; a null key counts, in any case */
        {IMAGE, "{\"fsLayers\":[]}", ERROR_UNSUPPORTED},
        {INDEX, "{\"FSLAYERS\":null}", ERROR_UNSUPPORTED},
        {"application/vnd.docker.distribution.manifest.v1+prettyjws", "{}", ERROR_UNSUPPORTED},
        {"application/vnd.docker.distribution.manifest.v1+json", "", ERROR_UNSUPPORTED},
        {IMAGE, "{\"manifests\":[]}", ERROR_PROTOCOL},
        {IMAGE, "{\"manifests\":null}", ERROR_PROTOCOL},
        {IMAGE, "{\"Manifests\":[]}", ERROR_PROTOCOL},
        {INDEX, "{\"config\":{}}", ERROR_PROTOCOL},
        {INDEX, "{\"layers\":null}", ERROR_PROTOCOL},
        {IMAGE, "{\"mediaType\":\"" INDEX "\"}", ERROR_PROTOCOL},
        {IMAGE, "{\"mediaType\":\"" MEDIA_TYPE_DOCKER_LIST "\"}", ERROR_PROTOCOL},
        {INDEX, "{\"mediaType\":\"" IMAGE "\"}", ERROR_PROTOCOL},
        {IMAGE, "{\"mediaType\":\"" MEDIA_TYPE_DOCKER_MANIFEST "\"}", ERROR_NONE},
        {IMAGE, "{\"mediaType\":\"something/else\"}", ERROR_NONE},
        /* fields of the wrong type */
        {IMAGE, "{\"schemaVersion\":\"2\"}", ERROR_PROTOCOL},
        {IMAGE, "{\"mediaType\":7}", ERROR_PROTOCOL},
        {IMAGE, "{\"config\":[]}", ERROR_PROTOCOL},
        {IMAGE, "{\"config\":null,\"layers\":null}", ERROR_NONE},
        {IMAGE, "{\"layers\":{}}", ERROR_PROTOCOL},
        {IMAGE, "{\"layers\":[7]}", ERROR_PROTOCOL},
        {IMAGE, "{\"layers\":[null]}", ERROR_NONE},
        {IMAGE, "{\"config\":{\"digest\":7}}", ERROR_PROTOCOL},
        {IMAGE, "{\"config\":{\"digest\":\"a\\u0000b\"}}", ERROR_PROTOCOL},
        {IMAGE, "{\"config\":{\"size\":-1}}", ERROR_PROTOCOL},
        {IMAGE, "{\"config\":{\"size\":1.0}}", ERROR_PROTOCOL},
        {IMAGE, "{\"config\":{\"size\":1e3}}", ERROR_PROTOCOL},
        {IMAGE, "{\"config\":{\"size\":\"1\"}}", ERROR_PROTOCOL},
        {IMAGE, "{\"config\":{\"size\":9223372036854775808}}", ERROR_PROTOCOL},
        {IMAGE, "{\"config\":{\"size\":9223372036854775807}}", ERROR_NONE},
        {IMAGE, "{\"config\":{\"annotations\":{\"a\":1}}}", ERROR_PROTOCOL},
        {IMAGE, "{\"config\":{\"urls\":\"x\"}}", ERROR_PROTOCOL},
        {IMAGE, "{\"annotations\":{\"a\":\"b\",\"c\":null}}", ERROR_NONE},
        {IMAGE, "{\"annotations\":[]}", ERROR_PROTOCOL},
        {INDEX, "{\"manifests\":[{\"platform\":\"linux\"}]}", ERROR_PROTOCOL},
        {INDEX, "{\"manifests\":[{\"platform\":{\"os\":1}}]}", ERROR_PROTOCOL},
        {INDEX, "{\"manifests\":[{\"platform\":{\"os.features\":\"x\"}}]}", ERROR_PROTOCOL},
        {INDEX, "{\"manifests\":[{\"platform\":{}}]}", ERROR_NONE},
        {INDEX, "{\"unknown\":[{\"platform\":7}]}", ERROR_NONE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
        struct manifest manifest;
        struct error err = {0};
        bool ok = manifest_parse(&manifest, rows[i].media_type, rows[i].text, strlen(rows[i].text),
                                 &arena, &err);
        if (err.code != rows[i].want || ok != (rows[i].want == ERROR_NONE))
            fail_msg("%s: %s", rows[i].text, err.message);
    }
}

static bool parse(struct manifest *manifest, const char *media_type, const char *text,
                  struct arena *arena)
{
    struct error err;
    return manifest_parse(manifest, media_type, text, strlen(text), arena, &err);
}

static void reads_an_image(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    struct manifest manifest;
    (void)state;
    assert_true(parse(&manifest, MEDIA_TYPE_DOCKER_MANIFEST,
                      "{\"Config\":{\"mediaType\":\"c\",\"size\":7,\"DIGEST\":\"" A "\"},"
                      "\"layers\":[{\"mediaType\":\"l\",\"size\":9,\"digest\":\"" B "\"},{}]}",
                      &arena));
    assert_int_equal(manifest.kind, MANIFEST_IMAGE);
    assert_string_equal(manifest.media_type, MEDIA_TYPE_DOCKER_MANIFEST);
    assert_string_equal(manifest.config.digest, A);
    assert_string_equal(manifest.config.media_type, "c");
    assert_int_equal(manifest.config.size, 7);
    assert_int_equal(manifest.n_children, 2);
    assert_string_equal(manifest.children[0].digest, B);
    assert_string_equal(manifest.children[1].digest, "");
    assert_string_equal(manifest.children[1].media_type, "");
    assert_int_equal(manifest.children[1].size, 0);
    assert_false(manifest.children[0].has_platform);
}

static void reads_an_index(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    struct manifest manifest;
    (void)state;
    assert_true(parse(&manifest, INDEX,
                      "{\"manifests\":[{\"platform\":{\"os\":\"linux\",\"architecture\":\"arm\","
                      "\"variant\":\"v7\"}},{\"platform\":null,\"digest\":\"" A "\"}]}",
                      &arena));
    assert_int_equal(manifest.kind, MANIFEST_INDEX);
    assert_int_equal(manifest.n_children, 2);
    assert_true(manifest.children[0].has_platform);
    assert_string_equal(manifest.children[0].platform.os, "linux");
    assert_string_equal(manifest.children[0].platform.architecture, "arm");
    assert_string_equal(manifest.children[0].platform.variant, "v7");
    assert_false(manifest.children[1].has_platform);
    assert_string_equal(manifest.children[1].platform.os, "");
}

#define EMPTY_DIGEST "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

/* Embedded data counts only if it matches size and digest. */
static void keeps_matching_inline_data(void **state)
{
    static const struct {
        const char *config;
        bool readable, believed;
    } rows[] = {
        {"{\"digest\":\"" EMPTY_DIGEST "\",\"size\":2,\"data\":\"e30=\"}", true, true},
        {"{\"digest\":\"" EMPTY_DIGEST "\",\"size\":3,\"data\":\"e30=\"}", true, false},
        {"{\"digest\":\"" EMPTY_DIGEST "\",\"size\":2,\"data\":\"e34=\"}", true, false},
        {"{\"digest\":\"" A "\",\"size\":2,\"data\":\"e30=\"}", true, false},
        {"{\"digest\":\"" EMPTY_DIGEST "\",\"size\":2,\"data\":null}", true, false},
        {"{\"digest\":\"" EMPTY_DIGEST "\",\"size\":2,\"data\":5}", false, false},
        {"{\"digest\":\"" EMPTY_DIGEST "\",\"size\":2,\"data\":\"!\"}", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
        struct manifest manifest;
        char text[512];
        snprintf(text, sizeof(text), "{\"config\":%s}", rows[i].config);
        assert_int_equal(parse(&manifest, IMAGE, text, &arena), rows[i].readable);
        if (rows[i].readable)
            assert_int_equal(manifest.config.data != NULL, rows[i].believed);
        if (rows[i].believed)
            assert_memory_equal(manifest.config.data, "{}", 2);
    }
}

/* containerd accepts any number as a size; manifest_parse() does not. */
static void only_parse_rejects_negative_sizes(void **state)
{
    static const char text[] = "{\"layers\":[{\"size\":-5}]}";
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    struct manifest manifest;
    struct error err;
    (void)state;
    assert_true(manifest_read(&manifest, IMAGE, text, sizeof(text) - 1, &arena, &err));
    assert_int_equal(manifest.children[0].size, -5);
    assert_false(manifest_parse(&manifest, IMAGE, text, sizeof(text) - 1, &arena, &err));
    assert_int_equal(err.code, ERROR_PROTOCOL);
}

static void limits_the_number_of_children(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(16 << 20);
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);
    struct manifest manifest;
    struct error err = {0};
    (void)state;
    buf_append_str(&text, "{\"layers\":[");
    for (size_t i = 0; i < MANIFEST_CHILDREN_MAX; i++)
        buf_append_str(&text, "{},");
    buf_append_str(&text, "{}]}");
    assert_true(buf_ok(&text, &err));
    assert_false(manifest_parse(&manifest, IMAGE, text.data, text.size, &arena, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

static void fails_if_the_arena_is_full(void **state)
{
    static const char text[] = "{\"layers\":[{},{},{},{},{},{},{},{}]}";
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(100);
    struct manifest manifest;
    struct error err = {0};
    (void)state;
    assert_false(manifest_parse(&manifest, IMAGE, text, sizeof(text) - 1, &arena, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

static void reads_configurations(void **state)
{
    static const struct {
        const char *text;
        enum error_code want;
        size_t n_diff_ids;
    } rows[] = {
        {"{}", ERROR_NONE, 0},
        {"null", ERROR_NONE, 0},
        {"{\"rootfs\":null}", ERROR_NONE, 0},
        {"{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"a\",\"b\"]}}", ERROR_NONE, 2},
        {"{\"RootFS\":{\"Diff_IDs\":[\"a\",null]}}", ERROR_NONE, 2},
        {"{\"rootfs\":{\"diff_ids\":null}}", ERROR_NONE, 0},
        {"{\"rootfs\":{\"diff_ids\":\"a\"}}", ERROR_PROTOCOL, 0},
        {"{\"rootfs\":{\"diff_ids\":[1]}}", ERROR_PROTOCOL, 0},
        {"{\"rootfs\":{\"type\":1}}", ERROR_PROTOCOL, 0},
        {"{\"rootfs\":[]}", ERROR_PROTOCOL, 0},
        {"{\"os\":1}", ERROR_PROTOCOL, 0},
        {"[]", ERROR_PROTOCOL, 0},
        {"x", ERROR_PROTOCOL, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
        struct image_config config;
        struct error err = {0};
        bool ok = image_config_parse(&config, rows[i].text, strlen(rows[i].text), &arena, &err);
        if (err.code != rows[i].want || (ok && config.n_diff_ids != rows[i].n_diff_ids))
            fail_msg("%s: %s", rows[i].text, err.message);
    }
}

static void reads_the_manifests_it_writes(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);
    const struct descriptor config = {MEDIA_TYPE_OCI_CONFIG, A, 10};
    const struct descriptor layers[] = {{MEDIA_TYPE_OCI_LAYER_GZIP, A, 0},
                                        {"odd \"type\"\n", B, INT64_MAX}};
    struct manifest manifest;

    (void)state;
    manifest_write(&text, IMAGE, &config, layers, 2);
    assert_true(parse(&manifest, IMAGE, text.data, &arena));
    assert_string_equal(manifest.config.media_type, config.media_type);
    assert_int_equal(manifest.config.size, 10);
    assert_int_equal(manifest.n_children, 2);
    assert_string_equal(manifest.children[1].media_type, layers[1].media_type);
    assert_string_equal(manifest.children[1].digest, B);
    assert_true(manifest.children[1].size == INT64_MAX);
    assert_true(manifest_is_ours(text.data, text.size));
    assert_false(manifest_is_ours(text.data, text.size - 1));
    assert_false(manifest_is_ours("{\"annotations\":{\"a\":\"b\"}}", 25));
    buf_clear(&text);
    manifest_write(&text, IMAGE, &config, NULL, 0);
    assert_true(parse(&manifest, IMAGE, text.data, &arena));
    assert_int_equal(manifest.n_children, 0);
}

static void reads_the_indexes_it_writes(void **state)
{
    static const char *const types[][2] = {
        {MEDIA_TYPE_OCI_INDEX, MEDIA_TYPE_OCI_MANIFEST},
        {MEDIA_TYPE_DOCKER_LIST, MEDIA_TYPE_DOCKER_MANIFEST},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
        CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);
        const struct descriptor entries[] = {
            {types[i][1], A, 7, true, {"linux", "arm", "v7", false}, NULL},
            {.media_type = types[i][1], .digest = B, .size = 8},
        };
        struct manifest index;

        manifest_write_index(&text, types[i][0], entries, 2);
        assert_true(parse(&index, types[i][0], text.data, &arena));
        assert_int_equal(index.kind, MANIFEST_INDEX);
        assert_int_equal(index.n_children, 2);
        assert_string_equal(index.children[0].media_type, types[i][1]);
        assert_string_equal(index.children[0].digest, A);
        assert_int_equal(index.children[0].size, 7);
        assert_string_equal(index.children[0].platform.os, "linux");
        assert_string_equal(index.children[0].platform.architecture, "arm");
        assert_string_equal(index.children[0].platform.variant, "v7");
        assert_false(index.children[1].has_platform);
        assert_true(manifest_is_ours(text.data, text.size));
    }
}

static void reads_the_configurations_it_writes(void **state)
{
    static const struct platform platforms[] = {{"linux", "amd64", ""}, {"linux", "arm", "v7"}};
    static const char *const diff_ids[] = {A, B};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
        CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);
        struct image_config config;
        struct error err;
        image_config_write(&text, &platforms[i], diff_ids, i + 1);
        assert_true(image_config_is_ours(text.data, text.size));
        assert_false(image_config_is_ours(text.data, text.size - 1));
        assert_false(manifest_is_ours(text.data, text.size));
        assert_true(image_config_parse(&config, text.data, text.size, &arena, &err));
        assert_string_equal(config.platform.architecture, platforms[i].architecture);
        assert_string_equal(config.platform.variant, platforms[i].variant);
        assert_int_equal(config.n_diff_ids, i + 1);
        assert_string_equal(config.diff_ids[i], diff_ids[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_media_types_to_kinds),
        cmocka_unit_test(knows_what_else_may_be_a_layer),
        cmocka_unit_test(accepts_and_rejects_documents),
        cmocka_unit_test(reads_an_image),
        cmocka_unit_test(reads_an_index),
        cmocka_unit_test(keeps_matching_inline_data),
        cmocka_unit_test(only_parse_rejects_negative_sizes),
        cmocka_unit_test(limits_the_number_of_children),
        cmocka_unit_test(fails_if_the_arena_is_full),
        cmocka_unit_test(reads_configurations),
        cmocka_unit_test(reads_the_manifests_it_writes),
        cmocka_unit_test(reads_the_indexes_it_writes),
        cmocka_unit_test(reads_the_configurations_it_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
