/* SPDX-License-Identifier: Apache-2.0 */
/* The archive that Docker loads: whole, of the size that was told, and the image that it is. */
#include "engines/image/docker_archive.h"

#include "encoding/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BLOCK      ((size_t)512)
#define NAME       "registry.example:5000/canary/image:v1"
#define WHOLE_MAX  ((size_t)1 << 20)
#define FILE_BYTES 1500

struct member {
    char name[101];
    const char *data;
    size_t size;
};

static void make(struct generated_image *image, uint64_t layers)
{
    const struct push_content content = {.layers = layers, .layer_bytes = FILE_BYTES};
    const struct platform platform = {.os = "linux", .architecture = "amd64", .variant = ""};
    struct cancel cancel;
    struct error err;

    cancel_init(&cancel, INT64_MAX);
    assert_true(generated_image_init(image, &content, &platform, &cancel, &err));
    cancel_deinit(&cancel);
}

static void read_all(struct docker_archive *archive, size_t step, struct buf *whole)
{
    char piece[4096];
    struct error err;
    size_t n;

    do {
        assert_true(docker_archive_read(archive, piece, step, &n, &err));
        assert_true(n <= step);
        buf_append(whole, piece, n);
    } while (n > 0);
    assert_true(buf_ok(whole, &err));
}

/* The next member of the tar; false at its end. */
static bool next(const struct buf *tar, size_t *at, struct member *member)
{
    const char *header = tar->data + *at;
    char size[13] = "";
    unsigned sum = 0;

    assert_true(*at + BLOCK <= tar->size);
    if (*header == '\0')
        return false;
    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= 148 && i < 156 ? ' ' : (unsigned char)header[i];
    assert_int_equal(strtoul(header + 148, NULL, 8), sum);
    snprintf(member->name, sizeof(member->name), "%.100s", header);
    memcpy(size, header + 124, 12);
    member->size = strtoul(size, NULL, 8);
    member->data = header + BLOCK;
    for (size_t i = member->size; i % BLOCK != 0; i++)
        assert_int_equal(member->data[i], 0);
    *at += BLOCK + (member->size + BLOCK - 1) / BLOCK * BLOCK;
    return true;
}

static void check_digest(const struct member *member, const char *expected)
{
    char digest[DIGEST_TEXT_BYTES];
    struct error err;

    assert_true(digest_of(member->data, member->size, digest, &err));
    assert_string_equal(digest, expected);
}

static void check_manifest(const struct member *member, const struct generated_image *image)
{
    struct error err;
    CLEANUP(json_freep)
    struct json_document *document = json_parse(member->data, member->size, &err);
    const struct json *entry = document ? json_item(json_root(document), 0) : NULL;
    const struct json *layers = json_member(entry, "Layers");
    const char *config = json_text(json_member(entry, "Config"));
    char name[32];

    assert_non_null(config);
    assert_memory_equal(config, image->config.digest + strlen("sha256:"), 64);
    assert_string_equal(config + 64, ".json");
    assert_string_equal(json_text(json_item(json_member(entry, "RepoTags"), 0)), NAME);
    assert_int_equal(json_count(layers), image->n_layers);
    for (size_t i = 0; i < image->n_layers; i++) {
        snprintf(name, sizeof(name), "layer-%zu.tar", i);
        assert_string_equal(json_text(json_item(layers, i)), name);
    }
}

static void check_archive(const struct buf *whole, const struct generated_image *image)
{
    struct member member;
    char name[32];
    size_t at = 0;

    assert_true(next(whole, &at, &member));
    assert_string_equal(member.name, "manifest.json");
    check_manifest(&member, image);
    assert_true(next(whole, &at, &member));
    assert_memory_equal(member.name, image->config.digest + strlen("sha256:"), 64);
    check_digest(&member, image->config.digest);
    for (size_t i = 0; i < image->n_layers; i++) {
        assert_true(next(whole, &at, &member));
        snprintf(name, sizeof(name), "layer-%zu.tar", i);
        assert_string_equal(member.name, name);
        check_digest(&member, image->layers[i].digest);
    }
    assert_false(next(whole, &at, &member));
    assert_int_equal(whole->size - at, 2 * BLOCK);
    for (; at < whole->size; at++)
        assert_int_equal(whole->data[at], 0);
}

static void is_the_image_however_it_is_read(void **state)
{
    static const size_t steps[] = {1, 511, 512, 1000, 4096};

    (void)state;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        CLEANUP(buf_deinit) struct buf whole = BUF_INIT(WHOLE_MAX);
        CLEANUP(generated_image_deinit) struct generated_image image;
        CLEANUP(docker_archive_deinit) struct docker_archive archive;
        struct error err;

        make(&image, 3);
        assert_true(docker_archive_init(&archive, &image, NAME, &err));
        assert_false(docker_archive_ended(&archive));
        read_all(&archive, steps[i], &whole);
        assert_true(docker_archive_ended(&archive));
        assert_int_equal(whole.size, docker_archive_bytes(&archive));
        check_archive(&whole, &image);
    }
}

static void has_not_ended_before_its_last_byte(void **state)
{
    CLEANUP(generated_image_deinit) struct generated_image image;
    CLEANUP(docker_archive_deinit) struct docker_archive archive;
    struct error err;
    char byte;
    size_t n;

    (void)state;
    make(&image, 1);
    assert_true(docker_archive_init(&archive, &image, NAME, &err));
    for (uint64_t left = docker_archive_bytes(&archive); left > 0; left--) {
        assert_false(docker_archive_ended(&archive));
        assert_true(docker_archive_read(&archive, &byte, 1, &n, &err));
        assert_int_equal(n, 1);
    }
    assert_true(docker_archive_ended(&archive));
}

static void names_are_quoted(void **state)
{
    CLEANUP(buf_deinit) struct buf whole = BUF_INIT(WHOLE_MAX);
    CLEANUP(generated_image_deinit) struct generated_image image;
    CLEANUP(docker_archive_deinit) struct docker_archive archive;
    struct error err;

    (void)state;
    make(&image, GENERATED_LAYERS_MAX);
    assert_true(docker_archive_init(&archive, &image, "a\"b", &err));
    read_all(&archive, 4096, &whole);
    assert_non_null(strstr(whole.data + BLOCK, "[\"a\\\"b\"]"));
    assert_int_equal(whole.size, docker_archive_bytes(&archive));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_image_however_it_is_read),
        cmocka_unit_test(has_not_ended_before_its_last_byte),
        cmocka_unit_test(names_are_quoted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
