/* SPDX-License-Identifier: Apache-2.0 */
/* Cycles over a fake daemon: namespaces, what is kept between cycles, and when lists are skipped.
 */
#include "inventory/image_inventory.h"

#include "base/clock.h"
#include "containerd/namespaces.h"
#include "support/containerd_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct image_inventory *inventory;
static struct fake_image image;
static char database[] = "/tmp/test_image_inventory.XXXXXX";

static int make_inventory(void **state)
{
    struct containerd_fixture *f;

    if (containerd_fixture_reset(state) != 0)
        return -1;
    f = *state;
    inventory = image_inventory_new(f->daemon, "", &f->err);
    fake_image_init(&image, "inventory", 2, 0);
    fake_containerd_add_image(f->fake, SPACE, "a", &image);
    fake_containerd_add_snapshots(f->fake, SPACE, &image);
    return inventory ? 0 : -1;
}

static int free_inventory(void **state)
{
    (void)state;
    image_inventory_free(inventory);
    fake_image_deinit(&image);
    return 0;
}

static struct image_namespace *find(const char *name)
{
    return image_inventory_find(inventory, name);
}

/* A cycle over all namespaces, with the failures that are planned. */
static bool run_cycle_as_planned(struct containerd_fixture *f)
{
    const struct image_namespaces *namespaces = image_inventory_namespaces(inventory);

    if (!image_inventory_begin(inventory, true, &f->cancel, &f->err))
        return false;
    if (!image_inventory_is_current(inventory)) {
        if (!image_inventory_list(inventory, &f->cancel, &f->err))
            return false;
        for (size_t i = 0; i < namespaces->count; i++)
            if (!image_inventory_scan(inventory, &namespaces->items[i], namespaces->count - i,
                                      &f->cancel, &f->err))
                return false;
    }
    image_inventory_end(inventory, true);
    return true;
}

static bool run_cycle(struct containerd_fixture *f)
{
    call_log_clear(&f->log);
    return run_cycle_as_planned(f);
}

static void scans_all_namespaces_but_those_of_probes(void **state)
{
    struct containerd_fixture *f = *state;
    struct fake_item *other = fake_containerd_add(f->fake, FAKE_NAMESPACE, "", "b");

    (void)fake_containerd_add(f->fake, FAKE_NAMESPACE, "", PROBE_NAMESPACE_PREFIX "x");
    fake_item_label(other, "containerd.io/defaults/snapshotter", "native");
    fake_item_label(fake_containerd_add(f->fake, FAKE_NAMESPACE, "", "a"),
                    "containerd.io/defaults/snapshotter", "");
    fake_containerd_add_image(f->fake, "b", "c", &image);
    assert_null(find(SPACE));
    assert_true(run_cycle(f));
    assert_int_equal(image_inventory_namespaces(inventory)->count, 3);
    assert_string_equal(image_inventory_namespaces(inventory)->items[0].name, "a"); /* sorted */
    assert_string_equal(find("a")->snapshotter, "overlayfs");
    assert_string_equal(find("b")->snapshotter, "native");
    assert_string_equal(find(SPACE)->snapshotter, "overlayfs");
    assert_int_equal(find(SPACE)->findings.count, 1);
    assert_true(find(SPACE)->findings.items[0].verdict.unpacked);
    assert_true(find("b")->findings.items[0].verdict.unpack_failed);
    assert_null(find(PROBE_NAMESPACE_PREFIX "x"));
    assert_true(call_log_has(&f->log, "Snapshots/List native"));
}

/* Moves the snapshots of the image from the daemon's usual snapshotter to that one. */
static void move_snapshots(struct containerd_fixture *f, const char *snapshotter)
{
    for (size_t i = 0; i < f->fake->n_items; i++)
        if (f->fake->items[i]->kind == FAKE_SNAPSHOT)
            snprintf(f->fake->items[i]->snapshotter, sizeof(f->fake->items[i]->snapshotter), "%s",
                     snapshotter);
    f->fake->other_snapshotter = snapshotter;
}

static void knows_the_snapshotter_of_cri(void **state)
{
    static const struct fake_plugin plugins[] = {
        {"io.containerd.snapshotter.v1", "overlayfs", "root", "/o", NULL},
        {"io.containerd.snapshotter.v1", "zfs", "root", "/tank/images", NULL},
        {NULL, NULL, NULL, NULL, NULL},
    };
    static const struct {
        const char *root, *snapshotter;
    } rows[] = {
        {NULL, "overlayfs"}, /* no CRI */
        {"", "overlayfs"},
        {"/var/lib/containerd/io.containerd.snapshotter.v1.native", "native"},
        {"/var/lib/containerd/io.containerd.snapshotter.v1.stargz", "stargz"}, /* a proxy */
        {"/tank/images", "zfs"},
        {"/tank", "overlayfs"},
        {"io.containerd.snapshotter.v1.", "overlayfs"},
    };
    struct containerd_fixture *f = *state;

    f->fake->plugins = plugins;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        f->fake->cri_image_root = rows[i].root;
        assert_true(image_inventory_list(inventory, &f->cancel, &f->err));
        assert_string_equal(find(SPACE)->snapshotter, rows[i].snapshotter);
    }
    f->fake->cri_image_root = "/io.containerd.snapshotter.v1.native";
    move_snapshots(f, "native");
    assert_true(run_cycle(f));
    assert_true(find(SPACE)->findings.items[0].verdict.unpacked);
}

static void a_given_snapshotter_is_the_only_one(void **state)
{
    struct containerd_fixture *f = *state;
    struct image_inventory *usual = inventory;
    bool unpacked[2];

    f->fake->other_snapshotter = "native";
    f->fake->cri_image_root = "/io.containerd.snapshotter.v1.overlayfs";
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(image_inventory_freep)
        struct image_inventory *fresh =
            image_inventory_new(f->daemon, i == 0 ? "native" : "overlayfs", &f->err);

        inventory = fresh;
        assert_true(run_cycle(f));
        unpacked[i] = find(SPACE)->findings.items[0].verdict.unpacked;
        inventory = usual;
    }
    assert_false(unpacked[0]); /* its configuration has a label, which does not count */
    assert_true(unpacked[1]);
}

static void identifies_the_daemon_once(void **state)
{
    struct containerd_fixture *f = *state;

    assert_true(run_cycle(f));
    assert_int_equal(call_log_count(&f->log, "Version/Version"), 1);
    assert_int_equal(call_log_count(&f->log, "Introspection/Plugins"), 1);
    assert_true(run_cycle(f));
    assert_int_equal(call_log_count(&f->log, "Version/Version"), 1);
    assert_int_equal(call_log_count(&f->log, "Introspection/Plugins"), 0);
    f->fake->version = "1.6.20"; /* another daemon */
    assert_true(run_cycle(f));
    assert_int_equal(call_log_count(&f->log, "Introspection/Plugins"), 1);
    call_log_clear(&f->log);
    assert_true(image_inventory_begin(inventory, false, &f->cancel, &f->err));
    image_inventory_end(inventory, false);
    assert_calls(f, "");
}

static void a_first_cycle_over_some_namespaces_identifies_the_daemon(void **state)
{
    struct containerd_fixture *f = *state;

    assert_true(image_inventory_begin(inventory, false, &f->cancel, &f->err));
    assert_true(call_log_has(&f->log, "Version/Version"));
    assert_true(image_inventory_list(inventory, &f->cancel, &f->err));
    assert_true(image_inventory_scan(inventory, find(SPACE), 1, &f->cancel, &f->err));
    image_inventory_end(inventory, false);
    assert_int_equal(find(SPACE)->findings.items[0].verdict.status, IMAGE_COMPLETE);
}

static void keeps_findings_over_a_list_of_namespaces(void **state)
{
    struct containerd_fixture *f = *state;
    struct fake_item *space = fake_containerd_find(f->fake, FAKE_NAMESPACE, "", SPACE);

    assert_true(run_cycle(f));
    (void)fake_containerd_add(f->fake, FAKE_NAMESPACE, "", "z");
    assert_true(image_inventory_list(inventory, &f->cancel, &f->err));
    assert_int_equal(find(SPACE)->findings.count, 1);
    assert_int_equal(find("z")->findings.count, 0);
    strcpy(space->name, "renamed");
    assert_true(image_inventory_list(inventory, &f->cancel, &f->err));
    assert_null(find(SPACE));
    assert_int_equal(find("renamed")->findings.count, 0);
}

static void a_namespace_that_is_gone_has_no_findings(void **state)
{
    struct containerd_fixture *f = *state;

    assert_true(run_cycle(f));
    containerd_fixture_fail(f, "Images/List", RPC_NOT_FOUND);
    assert_true(image_inventory_scan(inventory, find(SPACE), 1, &f->cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_NONE);
    assert_int_equal(find(SPACE)->findings.count, 0);
}

static void a_failure_of_a_namespace_is_its_own(void **state)
{
    static const char *const methods[] = {"Images/List", "Content/List"};
    struct containerd_fixture *f = *state;

    fake_containerd_add_image(f->fake, "z", "c", &image);
    (void)fake_containerd_add(f->fake, FAKE_NAMESPACE, "", "z");
    for (size_t i = 0; i < 2; i++) {
        call_log_clear(&f->log);
        f->fake->serving = true;
        containerd_fixture_fail(f, methods[i], RPC_INTERNAL);
        assert_true(run_cycle_as_planned(f));
        assert_int_equal(image_inventory_failures(inventory, &f->err), 1);
        assert_memory_equal(f->err.message, "namespace " SPACE ": ",
                            strlen("namespace " SPACE ": "));
        assert_true(find(SPACE)->has_failed);
        assert_false(find("z")->has_failed);
        assert_int_equal(find("z")->findings.items[0].verdict.status, IMAGE_COMPLETE);
        assert_true(run_cycle(f));
        assert_int_equal(image_inventory_failures(inventory, &f->err), 0);
        assert_false(find(SPACE)->has_failed);
        assert_int_equal(find(SPACE)->findings.count, 1);
    }
}

/* From the list of images on every call fails. */
static void fail_health(void *arg, const char *line)
{
    struct containerd_fixture *f = arg;

    if (strncmp(line, "Images/List", 11) == 0) {
        f->log.fail_method = "Health/Check";
        f->log.matches_ = 0;
    }
}

static void a_daemon_that_is_gone_ends_the_cycle(void **state)
{
    struct containerd_fixture *f = *state;

    call_log_clear(&f->log);
    f->log.fail_method = "Images/List";
    f->log.fail_at = 1;
    f->log.fail_status = RPC_UNAVAILABLE;
    f->log.on_call = fail_health;
    f->log.arg = f;
    assert_false(run_cycle_as_planned(f));
    assert_int_equal(f->err.code, ERROR_RUNTIME_UNAVAILABLE);
}

static void reports_a_failure_of_each_call(void **state)
{
    static const char *const methods[] = {"Version/Version", "Introspection/Server",
                                          "Introspection/Plugins", "Namespaces/List"};
    struct containerd_fixture *f = *state;

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        CLEANUP(image_inventory_freep)
        struct image_inventory *fresh = image_inventory_new(f->daemon, "", &f->err);
        struct image_inventory *old = inventory;
        bool ok;

        assert_non_null(fresh);
        containerd_fixture_fail(f, methods[i], RPC_INTERNAL);
        f->log.fail_on = true;
        inventory = fresh;
        ok = image_inventory_begin(inventory, true, &f->cancel, &f->err) &&
             image_inventory_list(inventory, &f->cancel, &f->err) &&
             image_inventory_scan(inventory, find(SPACE), 1, &f->cancel, &f->err);
        inventory = old;
        assert_false(ok);
        assert_true(error_has_status(&f->err, STATUS_GRPC, RPC_INTERNAL));
    }
}

static void set_age(int64_t age_ns)
{
    int64_t then_ns = clock_unix_ns() - age_ns;
    const struct timespec then = {then_ns / NS_PER_SECOND, then_ns % NS_PER_SECOND};
    const struct timespec times[2] = {then, then};

    assert_int_equal(utimensat(AT_FDCWD, database, times, 0), 0);
}

static void skips_the_lists_while_the_database_is_unchanged(void **state)
{
    static struct fake_plugin plugins[] = {
        {"io.containerd.metadata.v1", "bolt", "path", database, NULL},
        {NULL, NULL, NULL, NULL, NULL},
    };
    struct containerd_fixture *f = *state;

    close(mkstemp(database));
    f->fake->plugins = plugins;
    set_age(3600 * NS_PER_SECOND);
    assert_true(run_cycle(f));
    assert_false(image_inventory_is_current(inventory));
    assert_true(run_cycle(f));
    assert_true(image_inventory_is_current(inventory));
    assert_calls(f, "Version/Version\nIntrospection/Server\n");
    assert_int_equal(find(SPACE)->findings.count, 1);
    set_age(1800 * NS_PER_SECOND); /* it was written to */
    assert_true(run_cycle(f));
    assert_false(image_inventory_is_current(inventory));
    set_age(1700 * NS_PER_SECOND);
    containerd_fixture_fail(f, "Namespaces/List", RPC_INTERNAL);
    f->log.fail_on = true;
    assert_true(image_inventory_begin(inventory, true, &f->cancel, &f->err));
    assert_false(image_inventory_list(inventory, &f->cancel, &f->err));
    assert_true(run_cycle(f)); /* the cycle before has failed, so nothing is known */
    assert_false(image_inventory_is_current(inventory));
    assert_true(run_cycle(f));
    assert_true(image_inventory_is_current(inventory));
    call_log_clear(&f->log);
    f->log.fail_method = "Version/Version";
    f->log.fail_at = 1;
    assert_false(image_inventory_begin(inventory, true, &f->cancel, &f->err));
    assert_true(run_cycle(f)); /* likewise */
    assert_false(image_inventory_is_current(inventory));
    assert_int_equal(unlink(database), 0);
    assert_true(run_cycle(f)); /* the daemon was restarted: the file is looked for again */
    assert_false(image_inventory_is_current(inventory));
    assert_int_equal(call_log_count(&f->log, "Introspection/Plugins"), 1);
}

#define CYCLE_TEST(name) cmocka_unit_test_setup_teardown(name, make_inventory, free_inventory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CYCLE_TEST(scans_all_namespaces_but_those_of_probes),
        CYCLE_TEST(identifies_the_daemon_once),
        CYCLE_TEST(a_first_cycle_over_some_namespaces_identifies_the_daemon),
        CYCLE_TEST(keeps_findings_over_a_list_of_namespaces),
        CYCLE_TEST(a_namespace_that_is_gone_has_no_findings),
        CYCLE_TEST(a_failure_of_a_namespace_is_its_own),
        CYCLE_TEST(a_daemon_that_is_gone_ends_the_cycle),
        CYCLE_TEST(knows_the_snapshotter_of_cri),
        CYCLE_TEST(a_given_snapshotter_is_the_only_one),
        CYCLE_TEST(reports_a_failure_of_each_call),
        CYCLE_TEST(skips_the_lists_while_the_database_is_unchanged),
    };

    return RUN(tests);
}
