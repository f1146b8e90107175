/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of probes: derived values, limits, and errors with their positions. */
#include "collector/catalog.h"
#include "config/config.h"
#include "probe/probe.h"
#include "probe/probe_engine_choice.h"
#include "probe/probe_references.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define LIMIT_BYTES  ((size_t)1 << 16)

#define PROBE(operation, image) \
    "probes:\n- {name: a, operation: " operation ", image: '" image "', "
#define PULL      PROBE("pull", "r.io/a:x")
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

static void accepts_the_ends_of_ranges(void **state)
{
    static const char *const rows[] = {
        PUSH "content: {layers: 64, size: 4GiB}, upload: {chunk_size: 4KiB, mount_from: b}}\n",
        PUSH "content: {layers: 1, size: 1}, upload: {chunk_size: 4GiB}}\n",
        PULL "max_concurrent_downloads: 1}\n",
        PULL "max_concurrent_downloads: 16, expected: {digest: 'sha256:"
             "95cf004f559831017cdf4628aaf1bb30133677be8702a8c5f2994629f637a209'}}\n",
        PULL "labels: {a: x, b: x, c: x, d: x, e: x, f: x, g: x, h: x, i: x, j: x, k: x, l: x, "
             "m: x, n: x, o: x, a_9: x}}\n",
        ROUNDTRIP "read_back: registry, address_family: ipv4, platform: linux/arm64}\n",
        PULL "}\nregistries: {'r.io': {plain_http: true}, 'h:5000': {skip_verify: true}}\n",
        PROBE("push", "r.io/a:{timestamp}") "delete_remote: true}\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(fixture_deinit) struct fixture fixture;

        parse_good(&fixture, rows[i]);
    }
}

static void pull_has_defaults(void **state)
{
    CLEANUP(fixture_deinit) struct fixture fixture;
    const struct probe *probe;

    (void)state;
    parse_good(&fixture, PROBE("pull", "busybox") "}\n");
    probe = fixture.probe;
    assert_string_equal(probe->reference.name, "docker.io/library/busybox:latest");
    assert_string_equal(probe_image_text(probe), "docker.io/library/busybox:latest");
    assert_string_equal(probe->engine->name, "client");
    assert_string_equal(probe->engine_operation, "pull");
    assert_true(probe->unpack && !probe->all_platforms);
    assert_int_equal(probe->cold, COLD_REQUIRED);
    assert_int_equal(probe->family, HTTP_FAMILY_ANY);
    assert_int_equal(probe->slow_ns, 0);
    assert_string_equal(probe->push.content.image, "");
    assert_string_equal(probe->push.content.name_space, "k8s.io");
    assert_null(probe_read_back(probe));
}

static void push_has_the_defaults_of_a_pull(void **state)
{
    CLEANUP(fixture_deinit) struct fixture fixture;

    (void)state;
    parse_good(&fixture, PUSH "platform: linux/arm64, content: {format: docker}}\n");
    assert_string_equal(fixture.probe->snapshotter, "");
    assert_true(fixture.probe->unpack);
    assert_int_equal(fixture.probe->max_concurrent_downloads, 3);
    assert_string_equal(fixture.probe->expected.digest, "");
    assert_string_equal(fixture.probe->platform_text, "linux/arm64");
    assert_true(fixture.probe->push.content.docker_types);
}

static void platform_all_takes_every_image(void **state)
{
    CLEANUP(fixture_deinit) struct fixture fixture;

    (void)state;
    parse_good(&fixture, PULL "platform: all}\n");
    assert_true(fixture.probe->all_platforms);
    assert_string_equal(fixture.probe->platform_text, "all");
    assert_true(fixture.probe->matcher.n_accepted > 0); /* of this node: which image is unpacked */
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
        {PUSH "content: {layers: 0}}\n", "\"content.layers\": must be 1 to 64"},
        {PUSH "content: {size: 0}}\n", "\"content.size\": must be 1 to 4GiB"},
        {PUSH "content: {size: 4294967297}}\n", "\"content.size\": must be 1 to 4GiB"},
        {PUSH "content: {image: b, size: 1}}\n", "\"content.image\": is pushed unchanged"},
        {PUSH "content: {image: b, format: docker}}\n", "\"content.image\": is pushed unchanged"},
        {PUSH "cold: 'no', content: {image: b, namespace: ''}}\n",
         "\"content.namespace\": must not be empty"},
        {PUSH "upload: {chunk_size: 4095}}\n", "\"upload.chunk_size\": must be 0, or 4KiB"},
        {PUSH "upload: {chunk_size: 4294967297}}\n", "\"upload.chunk_size\": must be 0, or 4KiB"},
        {PUSH "upload: {mount_from: 'a@b'}}\n", "invalid repository \"a@b\""},
        {PROBE("push", "r.io/a:x@sha256:"
                       "95cf004f559831017cdf4628aaf1bb30133677be8702a8c5f2994629f637a209") "}\n",
         "\"image\": a push needs a reference with a tag and without a digest"},
        {ROUNDTRIP "read_back: docker, address_family: ipv4, engine: registry}\n",
         "\"read_back\": settings platform and address_family are not supported by engine"},
        {PULL "max_concurrent_downloads: 0}\n", "\"max_concurrent_downloads\": must be 1 to 16"},
        {PULL "max_concurrent_downloads: 17}\n", "\"max_concurrent_downloads\": must be 1 to 16"},
        {PULL "platform: 'a/b/c/d/e'}\n", "\"platform\": "},
        {PULL "engine: cri, platform: all}\n",
         "\"platform\": setting \"platform\" is not supported by engine \"cri\""},
        {PULL "engine: pigeon}\n",
         "\"engine\": unknown engine \"pigeon\" for operation pull: expected one of client, "},
        {PULL "expected: {digest: 'sha256:a'}}\n",
         "\"expected.digest\": invalid digest \"sha256:a\": expected sha256: and 64 hex digits"},
        {PULL "expected: {manifest_digest: 'a'}}\n",
         "\"expected.manifest_digest\": invalid digest \"a\""},
        {PULL "labels: {Team: x}}\n", "\"labels\": invalid label name \"Team\""},
        {PULL "labels: {1a: x}}\n", "invalid label name \"1a\""},
        {PULL "labels: {9a: x}}\n", "invalid label name \"9a\""},
        {PULL "labels: {0a: x}}\n", "invalid label name \"0a\""},
        {PULL "labels: {a__b: x}}\n", "invalid label name \"a__b\""},
        {PULL "labels: {'': x}}\n", "invalid label name \"\""},
        {PULL "labels: {job: x}}\n", "invalid label name \"job\""},
        {PULL "labels: {instance: x}}\n", "invalid label name \"instance\""},
        {PULL "labels: {probe: x}}\n", "invalid label name \"probe\""},
        {PULL "labels: {platform: x}}\n", "invalid label name \"platform\""},
        {PULL "labels: {a: x, b: x, c: x, d: x, e: x, f: x, g: x, h: x, i: x, j: x, k: x, l: x, "
              "m: x, n: x, o: x, p: x, q: x}}\n",
         "\"labels\": at most 16 labels"},
        {PULL "}\nregistries: {'A b': {plain_http: true}}\n", "expected a host as images name it"},
        {PULL "}\nregistries: {index.docker.io: {plain_http: true}}\n",
         "images of this registry belong to docker.io"},
        {PULL "auth: {password: p}}\n", "\"auth."},
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

/* A password of "*" must not reach a host that it was not meant for. */
static void a_host_without_credentials_takes_the_files_of_all_hosts(void **state)
{
    static const struct {
        const char *entry, *any, *docker_config, *provider, *bin_dir, *username;
    } rows[] = {
        {"{plain_http: true}", "{docker_config: /any}", "/any", "", "", ""},
        {"", "{docker_config: /any}", "/any", "", "", ""},
        {"{max_concurrent: 1}", "{credential_provider: {config: /c, bin_dir: /b}}", "", "/c", "/b",
         ""},
        {"{credential_provider: {}}", "{credential_provider: {config: /c, bin_dir: /b}}", "", "/c",
         "/b", ""},
        {"{plain_http: true}", "{auth: {username: u, password: p}}", "", "", "", ""},
        {"{plain_http: true}", "{auth: {username: u, password: p}, docker_config: /any}", "/any",
         "", "", ""},
        {"{docker_config: /own}", "{docker_config: /any}", "/own", "", "", ""},
        {"{docker_config: ''}", "{docker_config: /any}", "", "", "", ""},
        {"{docker_config: /own}", "{credential_provider: {config: /c, bin_dir: /b}}", "/own", "",
         "", ""},
        {"{auth: {username: me, password: p}}", "{docker_config: /any}", "", "", "", "me"},
        {"{credential_provider: {config: /d, bin_dir: /e}}", "{docker_config: /any}", "", "/d",
         "/e", ""},
        {"{plain_http: true}", "", "", "", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(fixture_deinit) struct fixture fixture;
        const struct credentials_settings *auth;
        char text[512];

        snprintf(text, sizeof(text), "registries:\n  r.io: %s\n  '*': %s\n" PULL "}\n",
                 rows[i].entry, rows[i].any);
        parse_good(&fixture, text);
        auth = &fixture.probe->registry_auth;
        if (strcmp(auth->docker_config, rows[i].docker_config) != 0 ||
            strcmp(auth->provider_config, rows[i].provider) != 0 ||
            strcmp(auth->provider_bin_dir, rows[i].bin_dir) != 0 ||
            strcmp(auth->username, rows[i].username) != 0)
            fail_msg("%s: \"%s\" \"%s\" \"%s\" \"%s\"", text, auth->docker_config,
                     auth->provider_config, auth->provider_bin_dir, auth->username);
        assert_int_equal(fixture.probe->host.plain_http, strstr(rows[i].entry, "plain") != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_the_ends_of_ranges),
        cmocka_unit_test(pull_has_defaults),
        cmocka_unit_test(push_has_the_defaults_of_a_pull),
        cmocka_unit_test(platform_all_takes_every_image),
        cmocka_unit_test(push_has_defaults),
        cmocka_unit_test(roundtrip_reads_back_with_the_engine_of_the_push),
        cmocka_unit_test(daemon_image_gets_its_full_name),
        cmocka_unit_test(placeholders_are_filled_for_each_run),
        cmocka_unit_test(new_tag_stays_in_the_repository),
        cmocka_unit_test(a_host_without_credentials_takes_the_files_of_all_hosts),
        cmocka_unit_test(rejects_bad_settings_with_their_position),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
