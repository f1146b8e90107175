/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of the services that the inventory uses: decoded ones and invalid ones. */
#include "containerd/wire/containerd_wire.h"
#include "containerd/wire/containers_wire.h"
#include "containerd/wire/content_wire.h"
#include "containerd/wire/images_wire.h"
#include "containerd/wire/snapshots_wire.h"
#include "support/wire_fixture.h"

#define YEAR_1 INT64_C(-62135596800) /* what containerd 1.6 sends for a time that is not set */

static void ingests_have_sizes_and_times(void **state)
{
    struct fixture *f = *state;
    struct ingests ingests;

    put_time(&f->part, 1, 100, 0);
    put_time(&f->part, 2, 200, 500000000);
    put_text(&f->part, 3, "layer");
    put_number(&f->part, 4, 7);
    put_number(&f->part, 5, 9);
    put_part(&f->message, 1, &f->part);
    put_time(&f->part, 1, YEAR_1, 0);
    put_time(&f->part, 2, YEAR_1 - 1, 0);
    put_number(&f->part, 4, -1);
    put_part(&f->message, 1, &f->part);
    put_text(&f->message, 1, "");
    assert_true(content_wire_ingests(&f->message, &f->arena, &ingests, &f->err));
    assert_int_equal(ingests.count, 3);
    assert_string_equal(ingests.items[0].ref, "layer");
    assert_int_equal(ingests.items[0].offset_bytes, 7);
    assert_int_equal(ingests.items[0].total_bytes, 9);
    assert_float_equal(ingests.items[0].started, 100, 0);
    assert_float_equal(ingests.items[0].updated, 200.5, 1e-9);
    for (size_t i = 1; i < 3; i++) { /* unset and absent times are the same */
        assert_string_equal(ingests.items[i].ref, "");
        assert_int_equal(ingests.items[i].offset_bytes, 0);
        assert_float_equal(ingests.items[i].started, 0, 0);
        assert_float_equal(ingests.items[i].updated, 0, 0);
    }
}

struct seen {
    char text[128];
    size_t n;
};

static bool see_container(void *arg, const struct container_info *info, struct error *err)
{
    struct seen *seen = arg;
    size_t used = strlen(seen->text);

    (void)err;
    seen->n++;
    snprintf(seen->text + used, sizeof(seen->text) - used, "[%s %s]", info->image, info->runtime);
    return true;
}

static bool refuse_container(void *arg, const struct container_info *info, struct error *err)
{
    (void)info;
    ++*(size_t *)arg;
    return error_set(err, ERROR_LIMIT, "enough");
}

static void put_container(struct fixture *f, const char *image, const char *runtime)
{
    struct buf name = BUF_INIT(LIMIT_BYTES);

    put_text(&f->part, 1, "id");
    put_text(&f->part, 3, image);
    if (runtime) {
        put_text(&name, 1, runtime);
        put_part(&f->part, 4, &name);
    }
    put_pair(&f->part, 5, "types.containerd.io/opencontainers/runtime-spec/1/Spec", "{}");
    put_part(&f->message, 1, &f->part);
    buf_deinit(&name);
}

static void containers_have_an_image_and_a_runtime(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    size_t calls = 0;

    put_container(f, "pause", "io.containerd.runc.v2");
    put_container(f, "", NULL);
    assert_true(containers_wire_visit_all(
        &f->message, &f->arena, &(struct containers_visitor){see_container, &seen}, &f->err));
    assert_string_equal(seen.text, "[pause io.containerd.runc.v2][ ]");
    assert_false(containers_wire_visit_all(
        &f->message, &f->arena, &(struct containers_visitor){refuse_container, &calls}, &f->err));
    assert_int_equal(calls, 1);
    assert_int_equal(f->err.code, ERROR_LIMIT);
}

static void a_stream_has_one_container_or_none(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};

    assert_true(containers_wire_visit_one(
        &f->message, &f->arena, &(struct containers_visitor){see_container, &seen}, &f->err));
    assert_int_equal(seen.n, 0);
    put_container(f, "a", "b");
    assert_true(containers_wire_visit_one(
        &f->message, &f->arena, &(struct containers_visitor){see_container, &seen}, &f->err));
    assert_string_equal(seen.text, "[a b]");
}

static void tasks_of_another_status_are_unknown(void **state)
{
    static const int64_t statuses[] = {1, 2, 2, 3, 4, 5, 0, 6, -1, INT32_MIN, INT64_MAX};
    struct fixture *f = *state;
    size_t counts[TASK_STATUSES] = {0};

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        put_text(&f->part, 2, "id");
        put_number(&f->part, 4, statuses[i]);
        put_part(&f->message, 1, &f->part);
    }
    assert_true(tasks_wire_count(&f->message, &f->arena, counts, &f->err));
    assert_int_equal(counts[TASK_CREATED], 1);
    assert_int_equal(counts[TASK_RUNNING], 2);
    assert_int_equal(counts[TASK_STOPPED], 1);
    assert_int_equal(counts[TASK_PAUSED], 1);
    assert_int_equal(counts[TASK_PAUSING], 1);
    assert_int_equal(counts[TASK_UNKNOWN], 5);
}

static bool see_snapshot(void *arg, const struct snapshot_info *info, struct error *err)
{
    struct seen *seen = arg;
    size_t used = strlen(seen->text);

    (void)err;
    snprintf(seen->text + used, sizeof(seen->text) - used, "[%s %d %.1f]", info->name,
             (int)info->kind, info->created);
    return true;
}

static void snapshots_of_another_kind_are_unknown(void **state)
{
    static const int64_t kinds[] = {1, 2, 3, 0, 4, -1};
    struct fixture *f = *state;
    struct seen seen = {0};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        put_text(&f->part, 1, "s");
        put_number(&f->part, 3, kinds[i]);
        put_time(&f->part, 4, i == 0 ? 12 : YEAR_1, 500000000);
        put_part(&f->message, 1, &f->part);
    }
    assert_true(snapshots_wire_visit(&f->message, &f->arena,
                                     &(struct snapshots_visitor){see_snapshot, &seen}, &f->err));
    assert_string_equal(seen.text, "[s 1 12.5][s 2 0.0][s 3 0.0][s 0 0.0][s 0 0.0][s 0 0.0]");
}

static void a_snapshot_has_a_time(void **state)
{
    struct fixture *f = *state;
    struct snapshot_info info;

    put_text(&f->part, 1, "s");
    put_number(&f->part, 3, 3);
    put_time(&f->part, 4, 12, 500000000);
    put_part(&f->message, 1, &f->part);
    assert_true(snapshots_wire_stat(&f->message, &f->arena, &info, &f->err));
    assert_string_equal(info.name, "s");
    assert_int_equal(info.kind, SNAPSHOT_COMMITTED);
    assert_float_equal(info.created, 12.5, 0);
    buf_clear(&f->message);
    assert_false(snapshots_wire_stat(&f->message, &f->arena, &info, &f->err));
    assert_int_equal(f->err.code, ERROR_PROTOCOL);
}

static void an_image_without_a_target_has_an_empty_one(void **state)
{
    struct fixture *f = *state;
    struct image_records records = {0};
    struct image_records_list list = {&records, &f->arena};
    struct image_record record;

    put_text(&f->part, 1, "name");
    put_part(&f->message, 1, &f->part);
    assert_true(images_wire_list(&f->message, &f->arena, &list, &f->err));
    assert_int_equal(records.count, 1);
    assert_string_equal(records.items[0].target.digest, "");
    assert_string_equal(records.items[0].target.media_type, "");
    assert_true(images_wire_got(&f->message, &f->arena, &record, &f->err));
    assert_string_equal(record.name, "name");
    buf_clear(&f->message);
    assert_false(images_wire_got(&f->message, &f->arena, &record, &f->err));
    assert_int_equal(f->err.code, ERROR_PROTOCOL);
}

static void plugins_have_exports_capabilities_and_an_error(void **state)
{
    struct fixture *f = *state;
    struct plugins plugins;
    struct buf status = BUF_INIT(LIMIT_BYTES);

    put_text(&f->part, 1, "io.containerd.snapshotter.v1");
    put_text(&f->part, 2, "overlayfs");
    put_pair(&f->part, 5, "root", "/r");
    put_pair(&f->part, 5, "other", "x");
    put_text(&f->part, 6, "remap-ids");
    put_text(&f->part, 6, "more");
    put_part(&f->message, 1, &f->part);
    put_text(&f->part, 2, "btrfs");
    put_number(&status, 1, 12);
    put_text(&status, 2, "skip plugin");
    put_part(&f->part, 7, &status);
    put_part(&f->message, 1, &f->part);
    put_number(&status, 1, -7);
    put_part(&f->part, 7, &status);
    put_part(&f->message, 1, &f->part);
    buf_deinit(&status);
    assert_true(introspection_wire_plugins(&f->message, &f->arena, &plugins, &f->err));
    assert_int_equal(plugins.count, 3);
    assert_string_equal(labels_get(&plugins.items[0].exports, "root"), "/r");
    assert_int_equal(plugins.items[0].n_capabilities, 2);
    assert_string_equal(plugins.items[0].capabilities[1], "more");
    assert_null(plugins.items[0].init_code);
    assert_string_equal(plugin_status(&plugins.items[0]), "ok");
    assert_string_equal(plugins.items[1].init_code, "Unimplemented");
    assert_string_equal(plugin_status(&plugins.items[1]), "skip");
    assert_null(labels_get(&plugins.items[1].exports, "root"));
    assert_string_equal(plugins.items[2].init_code, "Unknown");
    assert_string_equal(plugin_status(&plugins.items[2]), "error");
}

static void deprecations_have_an_id_and_a_time(void **state)
{
    struct fixture *f = *state;
    struct deprecations deprecations;

    put_text(&f->message, 1, "uuid");
    put_text(&f->part, 1, "io.containerd.deprecation/x");
    put_text(&f->part, 2, "do not");
    put_time(&f->part, 3, 1000, 0);
    put_part(&f->message, 4, &f->part);
    put_text(&f->message, 4, "");
    assert_true(introspection_wire_deprecations(&f->message, &f->arena, &deprecations, &f->err));
    assert_int_equal(deprecations.count, 2);
    assert_string_equal(deprecations.items[0].id, "io.containerd.deprecation/x");
    assert_float_equal(deprecations.items[0].last_occurrence, 1000, 0);
    assert_string_equal(deprecations.items[1].id, "");
    assert_float_equal(deprecations.items[1].last_occurrence, 0, 0);
}

/* Calls each decoder once. Returns how many of them fail. */
static size_t refusals(struct fixture *f)
{
    struct seen seen = {0};
    struct ingests ingests;
    struct plugins plugins;
    struct deprecations deprecations;
    size_t counts[TASK_STATUSES];
    const struct buf *m = &f->message;
    struct arena *a = &f->arena;

    return (size_t)!content_wire_ingests(m, a, &ingests, &f->err) +
           !containers_wire_visit_all(m, a, &(struct containers_visitor){see_container, &seen},
                                      &f->err) +
           !containers_wire_visit_one(m, a, &(struct containers_visitor){see_container, &seen},
                                      &f->err) +
           !tasks_wire_count(m, a, counts, &f->err) +
           !snapshots_wire_visit(m, a, &(struct snapshots_visitor){see_snapshot, &seen}, &f->err) +
           !introspection_wire_plugins(m, a, &plugins, &f->err) +
           !introspection_wire_deprecations(m, a, &deprecations, &f->err);
}

#define DECODERS 7

static void refuses_an_invalid_message(void **state)
{
    static const char *const rows[] = {
        "<html>",
        "\x0a",
        "\x0a\x05xy",
        "\x0a\xff\xff\xff\xff\x0f",
        "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        "\x07",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf_clear(&f->message);
        buf_append_str(&f->message, rows[i]);
        f->err.code = ERROR_NONE;
        assert_int_equal(refusals(f), DECODERS);
        assert_int_equal(f->err.code, ERROR_PROTOCOL);
    }
}

static void fails_if_the_arena_is_full(void **state)
{
    struct fixture *f = *state;
    struct ingests ingests;

    for (size_t i = 0; i < 8000; i++) /* two bytes each, and a hundred once unpacked */
        put_text(&f->message, 1, "");
    assert_false(content_wire_ingests(&f->message, &f->arena, &ingests, &f->err));
    assert_int_equal(f->err.code, ERROR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ingests_have_sizes_and_times, setup, teardown),
        cmocka_unit_test_setup_teardown(containers_have_an_image_and_a_runtime, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stream_has_one_container_or_none, setup, teardown),
        cmocka_unit_test_setup_teardown(tasks_of_another_status_are_unknown, setup, teardown),
        cmocka_unit_test_setup_teardown(snapshots_of_another_kind_are_unknown, setup, teardown),
        cmocka_unit_test_setup_teardown(a_snapshot_has_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(an_image_without_a_target_has_an_empty_one, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(plugins_have_exports_capabilities_and_an_error, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(deprecations_have_an_id_and_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_an_invalid_message, setup, teardown),
        cmocka_unit_test_setup_teardown(fails_if_the_arena_is_full, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
