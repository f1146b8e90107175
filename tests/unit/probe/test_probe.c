/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of probes that push: derived values, and errors with their positions. */
#include "collector/catalog.h"
#include "config/config.h"
#include "probe/probe.h"
#include "probe/probe_engine_choice.h"
#include "probe/probe_references.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define LIMIT_BYTES  ((size_t)1 << 16)

#define PROBE(operation, image) \
    "probes:\n- {name: a, operation: " operation ", image: '" image "', "
#define PUSH      PROBE("push", "r.io/a:x")
#define ROUNDTRIP PROBE("roundtrip", "r.io/a:x")
#define TAG       PROBE("tag", "r.io/a:x")

static const struct config_section sections[] = {{0}};
static const struct config_schema schema = {catalog, sections, 0};

struct fixture {
    struct config config;
    struct buf problems;
    const struct probe *probe; /* of the probe */
};

static void fixture_deinit(struct fixture *fixture)
{
    config_deinit(&fixture->config);
    buf_deinit(&fixture->problems);
}

static bool parse(struct fixture *fixture, const char *text)
{
    struct error err;

    *fixture = (struct fixture){.problems = BUF_INIT(LIMIT_BYTES)};
    if (!config_parse(&fixture->config, &schema, "f", text, strlen(text), &fixture->problems, &err))
        return false;
    for (size_t i = 0; i < fixture->config.n_jobs; i++)
        if (strcmp(fixture->config.jobs[i].name, "a") == 0)
            fixture->probe = fixture->config.jobs[i].state;
    return true;
}

static void parse_good(struct fixture *fixture, const char *text)
{
    if (!parse(fixture, text))
        fail_msg("%s", fixture->problems.data);
}

static void push_has_defaults(void **state)
{
    CLEANUP(fixture_deinit) struct fixture fixture;
    const struct push_request *push;

    (void)state;
    parse_good(&fixture, PUSH "}\n");
    push = &fixture.probe->push;
    assert_int_equal(push->content.layers, 1);
    assert_int_equal(push->content.layer_bytes, 1 << 20);
    assert_false(push->content.docker_types || push->content.index || push->overwrite);
    assert_string_equal(push->content.image, "");
    assert_string_equal(push->content.name_space, "k8s.io");
    assert_int_equal(push->chunk_bytes, 0);
    assert_string_equal(push->mount_from, "");
    assert_false(fixture.probe->delete_remote);
    assert_string_equal(fixture.probe->engine->operation, "push");
    assert_null(probe_read_back(fixture.probe));
}

static void roundtrip_reads_back_with_the_engine_of_the_push(void **state)
{
    static const char *const rows[][2] = {
        {ROUNDTRIP "}\n", "client"},
        {ROUNDTRIP "read_back: registry}\n", "registry"},
        {ROUNDTRIP "read_back: docker}\n", "docker"},
        {ROUNDTRIP "engine: auto}\n", "registry"}, /* until one is chosen */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(fixture_deinit) struct fixture fixture;

        parse_good(&fixture, rows[i][0]);
        assert_string_equal(fixture.probe->operation, "roundtrip");
        assert_string_equal(probe_read_back(fixture.probe)->operation, "pull");
        assert_string_equal(probe_read_back(fixture.probe)->name, rows[i][1]);
    }
}

static void daemon_image_gets_its_full_name(void **state)
{
    CLEANUP(fixture_deinit) struct fixture fixture;

    (void)state;
    parse_good(&fixture, PUSH "cold: 'no', content: {image: busybox, namespace: 'default'}}\n");
    assert_string_equal(fixture.probe->push.content.image, "docker.io/library/busybox:latest");
    assert_string_equal(fixture.probe->push.content.name_space, "default");
}

static void placeholders_are_filled_for_each_run(void **state)
{
    CLEANUP(fixture_deinit) struct fixture fixture;
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    const struct placeholders values = {"Worker-1", "a", 1770000000};
    struct reference image, new_tag;
    const char *key;
    struct error err;

    (void)state;
    parse_good(
        &fixture,
        PROBE("push", "r.io/{node}/a:{timestamp}") "delete_remote: true}\n"
                                                   "registries: {r.io: {plain_http: true}}\n");
    assert_true(fixture.probe->host.plain_http);
    assert_string_equal(probe_image_text(fixture.probe), "r.io/{node}/a:{timestamp}");
    assert_true(probe_references(fixture.probe, &values, &arena, &image, &new_tag, &key, &err));
    assert_string_equal(image.name, "r.io/worker-1/a:20260202-024000");
    assert_null(new_tag.name);
}

static void new_tag_stays_in_the_repository(void **state)
{
    CLEANUP(fixture_deinit) struct fixture fixture;
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    const struct placeholders values = {"worker-1", "a", 0};
    struct reference image, new_tag;
    const char *key;
    struct error err;

    (void)state;
    parse_good(&fixture, PROBE("tag", "busybox@sha256:"
                                      "95cf004f559831017cdf4628aaf1bb30133677be8702a8c5f2994629f637"
                                      "a209") "tag: 'canary-{node}'}\n");
    assert_string_equal(fixture.probe->engine->name, "registry");
    assert_true(probe_references(fixture.probe, &values, &arena, &image, &new_tag, &key, &err));
    assert_string_equal(new_tag.name, "docker.io/library/busybox:canary-worker-1");
    assert_string_equal(new_tag.endpoint, image.endpoint);
    assert_null(new_tag.digest);
}

static void rejects_bad_settings_with_their_position(void **state)
{
    static const char *const rows[][2] = {
        {PROBE("push", "r.io/a:{host}") "}\n",
         "2:37: \"image\": unknown placeholder \"{host}\": expected {node}"},
        {PROBE("push", "{node}.io/a:x") "}\n",
         "\"image\": the registry, before the first \"/\", must not"},
        {PROBE("push", "r.io/a:{timestamp}") "}\n",
         "2:37: \"image\": {timestamp} requires delete_remote: true, or every run leaves"},
        {PROBE("pull", "r.io/a:{timestamp}") "}\n",
         "2:37: \"image\": {timestamp} is supported by push and roundtrip only"},
        {TAG "tag: '{timestamp}'}\n",
         "\"tag\": {timestamp} is supported by push and roundtrip only"},
        {TAG "tag: 'b/c'}\n", "\"tag\": invalid tag \"b/c\": must not contain / or @"},
        {TAG "tag: '-b'}\n", "\"tag\": \"-b\" is not a tag"},
        {TAG "tag: '{x}'}\n", "\"tag\": unknown placeholder \"{x}\""},
        {TAG "}\n", "\"tag\" is missing"},
        {TAG "tag: b, engine: client}\n",
         "\"engine\": unknown engine \"client\" for operation tag: expected one of registry, auto"},
        {PUSH "delete_remote: maybe}\n", "\"delete_remote\""},
        {PUSH "content: {format: v3}}\n", "\"content.format\": expected one of oci, docker"},
        {PUSH "content: {layers: 65}}\n", "\"content.layers\": must be 1 to 64"},
        {PUSH "content: {size: 5GiB}}\n", "\"content.size\": must be 1 to 4GiB"},
        {PUSH "content: {image: b, layers: 2}}\n",
         "\"content.image\": is pushed unchanged and excludes"},
        {PUSH "content: {image: b, index: true}}\n",
         "\"content.image\": is pushed unchanged and excludes"},
        {PUSH "content: {image: 'B/c'}}\n", "\"content.image\": \"B/c\" is not a repository"},
        {PUSH "engine: registry, content: {image: b}}\n",
         "\"content.image\": setting \"content.image\" is not supported by "
         "engine \"registry\""},
        {PUSH "upload: {chunk_size: 100}}\n", "\"upload.chunk_size\": must be 0, or 4KiB to 4GiB"},
        {PUSH "upload: {mount_from: 'a:b'}}\n",
         "\"upload.mount_from\": invalid repository \"a:b\": must not contain"},
        {PUSH "upload: {mount_from: 'A'}}\n", "\"upload.mount_from\": \"A\" is not a repository"},
        {PUSH "read_back: registry}\n", "unknown key \"read_back\""},
        {ROUNDTRIP "read_back: pigeon}\n",
         "\"read_back\": unknown engine \"pigeon\" for operation pull: expected one of "
         ""},
        {ROUNDTRIP "read_back: cri, platform: linux/arm64}\n",
         "\"read_back\": settings platform and address_family are not supported by engine \"cri\""},
        {PROBE("roundtrip",
               "r.io/a@sha256:"
               "95cf004f559831017cdf4628aaf1bb30133677be8702a8c5f2994629f637a209") "}\n",
         "\"image\": a push needs a reference with a tag and without a digest"},
        {PROBE("pull", "r.io/a:x") "delete_remote: true}\n", "unknown key \"delete_remote\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(fixture_deinit) struct fixture fixture;

        if (parse(&fixture, rows[i][0]))
            fail_msg("nothing is wrong: %s", rows[i][0]);
        if (!strstr(fixture.problems.data, rows[i][1]))
            fail_msg("%s: %s", rows[i][0], fixture.problems.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(push_has_defaults),
        cmocka_unit_test(roundtrip_reads_back_with_the_engine_of_the_push),
        cmocka_unit_test(daemon_image_gets_its_full_name),
        cmocka_unit_test(placeholders_are_filled_for_each_run),
        cmocka_unit_test(new_tag_stays_in_the_repository),
        cmocka_unit_test(rejects_bad_settings_with_their_position),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
