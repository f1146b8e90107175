/* SPDX-License-Identifier: Apache-2.0 */
/* How many bytes of a pull by the daemon crossed the network, by the times of its blobs. */
#include "engines/image/recent_blobs.h"
#include "support/engine_fixture.h"

#define HOUR_NS (3600 * NS_PER_SECOND)

static void pull(struct engine_world *w)
{
    if (!engine_world_run(w, "pull", "transfer"))
        fail_msg("%s\n%s", w->err.message, w->log.text.data);
}

static void assert_cached(struct engine_world *w, uint64_t bytes)
{
    pull(w);
    assert_int_equal(w->result.cached_bytes, bytes);
    assert_int_equal(w->result.traffic.fetched_bytes, fake_image_bytes(&w->image) - bytes);
    assert_int_equal(w->result.declared_bytes, fake_image_bytes(&w->image));
}

/* A layer in a namespace, older than the pull by `age_ns`. */
static struct fake_item *add_layer(struct engine_world *w, const char *space, size_t layer,
                                   int64_t age_ns)
{
    struct fake_item *item = fake_containerd_find(w->containerd, FAKE_NAMESPACE, "", space);

    if (!item)
        fake_containerd_add(w->containerd, FAKE_NAMESPACE, "", space);
    item = fake_containerd_add(w->containerd, FAKE_CONTENT, space, w->image.layers[layer].digest);
    item->created_ns -= age_ns;
    return item;
}

static void blobs_of_other_namespaces_were_not_fetched(void **state)
{
    struct engine_world *w = *state;

    add_layer(w, "aaa", 0, HOUR_NS); /* the list of namespaces has the probe's own in the middle */
    add_layer(w, "zzz", 1, HOUR_NS);
    assert_cached(w, fake_image_layer_bytes(&w->image));
    assert_non_null(strstr(w->result.note, "existed before, in this namespace or another: 2"));
}

static void newer_blobs_of_other_namespaces_do_not_count(void **state)
{
    struct engine_world *w = *state;

    add_layer(w, "zzz", 1, -HOUR_NS); /* that namespace got the blob after this one */
    assert_cached(w, 0);
    assert_null(strstr(w->result.note, "existed before"));
}

static void note(struct engine_world *w, uint64_t *removal)
{
    const struct scope scope = {w->request.containerd, "zzz", NULL};

    assert_true(recent_blobs_note(&scope, 0, removal, &w->cancel, &w->err));
    fake_containerd_empty(w->containerd); /* its run has removed them */
}

/* Another run fetched them, and has cleaned up before this run looks at other namespaces. */
static void blobs_that_another_run_has_removed_were_not_fetched(void **state)
{
    struct engine_world *w = *state;
    uint64_t removal, later;

    add_layer(w, "zzz", 1, 0);
    note(w, &removal);
    assert_cached(w, (uint64_t)w->image.layers[1].size);
    add_layer(w, "zzz", 0, -HOUR_NS); /* that run got the blob after this one */
    note(w, &later);
    assert_cached(w, (uint64_t)w->image.layers[1].size);
    recent_blobs_removed(removal);
    recent_blobs_removed(later);
    assert_cached(w, 0); /* a later pull has fetched them again */
}

static void isolated_namespaces_do_not_count(void **state)
{
    static const struct fake_plugin isolated[] = {
        {"io.containerd.metadata.v1", "bolt", "policy", "isolated", NULL},
        {NULL, NULL, NULL, NULL, NULL}};
    struct engine_world *w = *state;

    w->containerd->plugins = isolated;
    add_layer(w, "aaa", 0, HOUR_NS);
    add_layer(w, "zzz", 1, HOUR_NS);
    assert_cached(w, 0);
    fake_item_label(fake_containerd_find(w->containerd, FAKE_NAMESPACE, "", "aaa"),
                    "containerd.io/namespace.shareable", "false");
    fake_item_label(fake_containerd_find(w->containerd, FAKE_NAMESPACE, "", "zzz"),
                    "containerd.io/namespace.shareable", "true");
    assert_cached(w, (uint64_t)w->image.layers[1].size);
}

static void discarded_layers_with_new_snapshots_were_fetched(void **state)
{
    struct engine_world *w = *state;

    w->containerd->discards_unpacked = true;
    assert_cached(w, 0);
    assert_non_null(strstr(w->result.note, "unpacked and discarded: 2"));
    assert_int_equal(w->result.unpacked_bytes, fake_image_layer_bytes(&w->image));
}

/* A client removes blobs right after the pull. */
static void remove_layer(void *arg, const char *line)
{
    struct engine_world *w = arg;
    struct fake_item *item;

    if (strncmp(line, "Images/Get", 10) != 0)
        return;
    item =
        fake_containerd_find(w->containerd, FAKE_CONTENT, PROBE_SPACE, w->image.layers[0].digest);
    if (item)
        item->name[8] = 'x';
}

static void missing_blobs_without_a_snapshot_do_not_count_as_fetched(void **state)
{
    struct engine_world *w = *state;

    w->request.unpack = false;
    w->log.on_call = remove_layer;
    w->log.arg = w;
    assert_cached(w, (uint64_t)w->image.layers[0].size);
    assert_non_null(strstr(w->result.note, "count as not fetched: 1"));
}

static void blobs_that_were_not_asked_for_are_ignored(void **state)
{
    struct engine_world *w = *state;

    w->containerd->lists_all_content = true;
    fake_containerd_add(w->containerd, FAKE_NAMESPACE, "", "zzz");
    fake_containerd_add(w->containerd, FAKE_CONTENT, "zzz", w->other.layers[0].digest);
    assert_cached(w, 0);
}

static void the_unpacked_size_is_left_out_where_it_is_not_wanted(void **state)
{
    struct engine_world *w = *state;

    w->request.unpack = false;
    pull(w);
    assert_int_equal(w->result.unpacked_bytes, 0);
    assert_false(call_log_has(&w->log, "Snapshots/Usage"));
}

static void the_times_of_foreign_namespaces_are_needed(void **state)
{
    struct engine_world *w = *state;

    add_layer(w, "zzz", 1, HOUR_NS);
    w->log.fail_method = "Content/List";
    w->log.fail_at = 2;
    assert_false(engine_world_run(w, "pull", "transfer"));
    assert_non_null(strstr(w->err.message, "namespace zzz"));
    assert_non_null(strstr(w->err.message, w->name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(blobs_of_other_namespaces_were_not_fetched, engine_world_reset),
        cmocka_unit_test_setup(newer_blobs_of_other_namespaces_do_not_count, engine_world_reset),
        cmocka_unit_test_setup(blobs_that_another_run_has_removed_were_not_fetched,
                               engine_world_reset),
        cmocka_unit_test_setup(isolated_namespaces_do_not_count, engine_world_reset),
        cmocka_unit_test_setup(discarded_layers_with_new_snapshots_were_fetched,
                               engine_world_reset),
        cmocka_unit_test_setup(missing_blobs_without_a_snapshot_do_not_count_as_fetched,
                               engine_world_reset),
        cmocka_unit_test_setup(blobs_that_were_not_asked_for_are_ignored, engine_world_reset),
        cmocka_unit_test_setup(the_unpacked_size_is_left_out_where_it_is_not_wanted,
                               engine_world_reset),
        cmocka_unit_test_setup(the_times_of_foreign_namespaces_are_needed, engine_world_reset),
    };

    return cmocka_run_group_tests(tests, engine_world_start, engine_world_stop);
}
