/* SPDX-License-Identifier: Apache-2.0 */
/* Which engine a probe uses, on a node with servers in the test. */
#include "probe/probe_engine_choice.h"
#include "support/engine_fixture.h"
#include "support/probe_fixture.h"
#include "support/snapshot_text.h"

/* Opens the probe "a" of the registry of the test on a node that has its daemons. */
static void open_probe(struct probe_fixture *f, struct engine_world *w, bool docker,
                       const char *settings)
{
    const struct node node = {.name = "n",
                              .one_shot = "",
                              .hosts_roots = (char *)"",
                              .containerd = w->request.containerd,
                              .docker = docker ? w->request.docker : NULL};
    char text[1000];

    snprintf(text, sizeof(text),
             "probes:\n- {name: a, image: '%s/" REPOSITORY ":" TAG "', %s}\n"
             "registries: {'%s': {plain_http: true}}\n",
             w->registry.http.address, settings, w->registry.http.address);
    probe_fixture_open_on(f, text, &node);
}

static void run_good(struct probe_fixture *f, const char *engine)
{
    if (!probe_fixture_run(f))
        fail_msg("%s", f->err.message);
    assert_string_equal(f->record.engine, engine);
    assert_string_equal(probe_engine_name(f->probe), engine);
}

static void auto_takes_the_best_engine_that_the_node_offers(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    open_probe(&f, *state, true, "operation: pull, engine: auto, cold: preferred");
    assert_string_equal(probe_engine_name(f.probe), "auto");
    run_good(&f, "client");
    assert_int_equal(f.probe->counters.attempts, 1);
}

static void auto_without_containerd_takes_the_next(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    ((struct engine_world *)*state)->containerd->serving = false;
    open_probe(&f, *state, false, "operation: pull, engine: auto");
    run_good(&f, "registry");
}

static void auto_changes_to_a_better_engine_and_not_back(void **state)
{
    struct engine_world *w = *state;
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    w->containerd->serving = false;
    open_probe(&f, w, false, "operation: pull, engine: auto, cold: preferred");
    run_good(&f, "registry");
    run_good(&f, "registry");
    assert_int_equal(f.probe->counters.attempts, 2);
    w->containerd->serving = true;
    run_good(&f, "client");
    assert_int_equal(f.probe->counters.attempts, 1); /* the counters began again */
    w->containerd->serving = false;
    (void)probe_fixture_run(&f);
    assert_string_equal(probe_engine_name(f.probe), "client");
    assert_int_equal(f.probe->counters.attempts, 2);
}

static void auto_skips_engines_without_the_abilities(void **state)
{
    struct engine_world *w = *state;
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    w->containerd->serving = false;
    open_probe(&f, w, true,
               "operation: push, engine: auto, overwrite: true, content: {index: true}");
    run_good(&f, "registry"); /* Docker pushes no index */
}

static void auto_fails_if_no_engine_fits(void **state)
{
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    ((struct engine_world *)*state)->containerd->serving = false;
    open_probe(&f, *state, false,
               "operation: push, engine: auto, content: {image: 'r.io/x:1'}, "
               "cold: 'no'");
    assert_false(probe_fixture_run(&f));
    assert_int_equal(f.err.code, ERROR_UNSUPPORTED);
    assert_non_null(strstr(f.err.message, "this node offers no engine for these settings"));
    assert_string_equal(f.record.engine, "auto");
    assert_int_equal(f.probe->counters.failures, 1);
}

static void roundtrip_pushes_reads_back_and_deletes(void **state)
{
    struct engine_world *w = *state;
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    open_probe(&f, w, false,
               "operation: roundtrip, engine: registry, delete_remote: true, overwrite: true");
    if (!probe_fixture_run(&f))
        fail_msg("%s", f.err.message);
    assert_true(f.record.phases[PHASE_UPLOAD].seconds >= 0);
    assert_true(f.record.phases[PHASE_READ_BACK].seconds >= 0);
    assert_true(f.record.phases[PHASE_CLEANUP].seconds >= 0);
    assert_true(f.record.uploaded_bytes > 1 << 20);
    assert_int_equal(f.run.warning.code, ERROR_NONE);
    assert_null(fake_registry_find(&w->registry, REPOSITORY, f.record.digest));
}

static void push_without_read_back_leaves_the_image(void **state)
{
    struct engine_world *w = *state;
    CLEANUP(probe_fixture_close) struct probe_fixture f;

    open_probe(&f, w, false, "operation: push, engine: registry, overwrite: true");
    if (!probe_fixture_run(&f))
        fail_msg("%s", f.err.message);
    assert_true(f.record.phases[PHASE_READ_BACK].seconds < 0);
    assert_non_null(fake_registry_find(&w->registry, REPOSITORY, f.record.digest));
    /* The probe may replace its own image. */
    f.probe->push.overwrite = false;
    assert_true(probe_fixture_run(&f));
}

/* ---- abilities ---- */

static void settings_need_an_engine_with_the_ability(void **state)
{
    struct probe plain = {
        .platform = "",
        .unpack = true,
        .snapshotter = "overlayfs",
        .max_concurrent_downloads = 3,
        .expected = {.manifest_digest = "", .served_by = ""},
        .push = {.content = {.image = "", .name_space = "k8s.io"}, .mount_from = ""}};
    struct probe probes[14];
    const struct {
        unsigned ability;
        const char *key;
    } rows[] = {
        {ENGINE_ALL_PLATFORMS, "platform"},
        {ENGINE_PLATFORM, "platform"},
        {ENGINE_UNPACK, "unpack"},
        {ENGINE_SNAPSHOTTER, "snapshotter"},
        {ENGINE_OWN_NETWORK, "address_family"},
        {ENGINE_OWN_NETWORK, "max_concurrent_downloads"},
        {ENGINE_SEES_MANIFEST, "expected.manifest_digest"},
        {ENGINE_SEES_HOST, "expected.served_by"},
        {ENGINE_DAEMON_IMAGE, "content.image"},
        {ENGINE_NAMESPACE, "content.namespace"},
        {ENGINE_TYPES, "content.format"},
        {ENGINE_TYPES, "content.index"},
        {ENGINE_CHUNKS, "upload.chunk_size"},
        {ENGINE_MOUNT, "upload.mount_from"},
    };
    const size_t n = sizeof(rows) / sizeof(rows[0]);
    const char *key;
    struct error err;

    (void)state;
    for (size_t i = 0; i < n; i++)
        probes[i] = plain;
    probes[0].platform = "all";
    probes[0].all_platforms = true;
    probes[1].platform = "linux/arm64";
    probes[2].unpack = false;
    probes[3].snapshotter = "native";
    probes[4].family = HTTP_FAMILY_IPV4;
    probes[5].max_concurrent_downloads = 4;
    probes[6].expected.manifest_digest = DIGEST_A;
    probes[7].expected.served_by = "r.io";
    probes[8].push.content.image = "x";
    probes[9].push.content.name_space = "default";
    probes[10].push.content.docker_types = true;
    probes[11].push.content.index = true;
    probes[12].push.chunk_bytes = 1;
    probes[13].push.mount_from = "x";
    for (size_t i = 0; i < n; i++) {
        const struct engine none = {.operation = "pull", .name = "none"};
        const struct engine one = {
            .operation = "pull", .name = "one", .abilities = rows[i].ability};
        const struct engine others = {
            .operation = "pull", .name = "others", .abilities = ~rows[i].ability};

        assert_true(probe_engine_check_abilities(&probes[i], &key, &err));
        probes[i].engine = &one;
        assert_true(probe_engine_check_abilities(&probes[i], &key, &err));
        probes[i].engine = &others;
        assert_false(probe_engine_check_abilities(&probes[i], &key, &err));
        probes[i].engine = &none;
        assert_false(probe_engine_check_abilities(&probes[i], &key, &err));
        assert_string_equal(key, rows[i].key);
        assert_non_null(strstr(err.message, "is not supported by engine \"none\""));
        plain.engine = &none;
        assert_true(probe_engine_check_abilities(&plain, &key, &err));
    }
}

#define TEST(name) cmocka_unit_test_setup(name, engine_world_reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(auto_takes_the_best_engine_that_the_node_offers),
        TEST(auto_without_containerd_takes_the_next),
        TEST(auto_changes_to_a_better_engine_and_not_back),
        TEST(auto_skips_engines_without_the_abilities),
        TEST(auto_fails_if_no_engine_fits),
        TEST(roundtrip_pushes_reads_back_and_deletes),
        TEST(push_without_read_back_leaves_the_image),
        cmocka_unit_test(settings_need_an_engine_with_the_ability),
    };

    return cmocka_run_group_tests(tests, engine_world_start, engine_world_stop);
}
