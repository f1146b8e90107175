/* SPDX-License-Identifier: Apache-2.0 */
/* The collectors of the inventory against a containerd inside the test: what each of them exports.
 */
#include "registry/registry_limits.h"
#include "support/collector_fixture.h"

#include "base/clock.h"

#include <stdint.h>
#include <stdlib.h>

#define OTHER  "moby"
#define PROBES "containerd-exporter.a" /* the namespace of a running probe */

static struct fake_item *add(struct containerd_fixture *f, enum fake_kind kind, const char *space,
                             const char *name, uint64_t size)
{
    struct fake_item *item = fake_containerd_add(f->fake, kind, space, name);

    item->size = size;
    return item;
}

static void add_spaces(struct containerd_fixture *f)
{
    add(f, FAKE_NAMESPACE, "", OTHER, 0);
    add(f, FAKE_NAMESPACE, "", PROBES, 0);
}

static const struct fake_plugin snapshotters[] = {
    {"io.containerd.content.v1", "content", NULL, NULL, NULL},
    {"io.containerd.snapshotter.v1", FAKE_SNAPSHOTTER, NULL, NULL, NULL},
    {"io.containerd.snapshotter.v1", "unloaded", NULL, NULL, "failed"},
    {NULL, NULL, NULL, NULL, NULL},
};

static void content_counts_shared_blobs_once(void **state)
{
    struct containerd_fixture *f = *state;

    add_spaces(f);
    add(f, FAKE_CONTENT, SPACE, "sha256:a", 10);
    add(f, FAKE_CONTENT, SPACE, "sha256:b", 5);
    add(f, FAKE_CONTENT, OTHER, "sha256:a", 10);
    add(f, FAKE_CONTENT, OTHER, "sha256:c", 3);
    add(f, FAKE_CONTENT, PROBES, "sha256:d", 100);
    add(f, FAKE_INGEST, SPACE, "young", 1)->created_ns = 2000 * NS_PER_SECOND;
    add(f, FAKE_INGEST, SPACE, "old", 1)->created_ns = 1000 * NS_PER_SECOND;
    add(f, FAKE_INGEST, SPACE, "middle", 1)->created_ns = 1500 * NS_PER_SECOND;
    assert_exports(f, "content",
                   "containerd_content_blobs{namespace=\"k8s.io\"} 2\n"
                   "containerd_content_blobs{namespace=\"moby\"} 2\n"
                   "containerd_content_bytes{namespace=\"k8s.io\"} 15\n"
                   "containerd_content_bytes{namespace=\"moby\"} 13\n"
                   "containerd_content_unique_bytes 18\n"
                   "containerd_ingests{namespace=\"k8s.io\"} 3\n"
                   "containerd_ingests{namespace=\"moby\"} 0\n"
                   "containerd_ingest_oldest_update_timestamp_seconds{namespace=\"k8s.io\"} 1000\n"
                   "containerd_inventory_failed_namespaces{collector=\"content\"} 0\n");
}

static void content_has_no_total_if_a_namespace_failed(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(collector_close) struct collector_fixture trial;

    collector_open(&trial, f, "content");
    containerd_fixture_fail(f, "Content/ListStatuses", 13);
    add_spaces(f);
    assert_false(collector_run(&trial, f));
    assert_no_sample(trial.out, "containerd_content_unique_bytes");
    assert_no_sample(trial.out, "containerd_content_blobs{namespace=\"k8s.io\"}");
    assert_sample(trial.out, "containerd_content_blobs{namespace=\"moby\"} 0");
    assert_sample(trial.out, "containerd_inventory_failed_namespaces{collector=\"content\"} 1");
}

/* A failure of the first namespace is counted, and the other one is shown. */
static void a_failed_namespace_hides_no_other(void **state)
{
    static const struct {
        const char *collector, *method, *good, *bad;
    } rows[] = {
        {"leases", "Leases/List", "containerd_leases{namespace=\"moby\"} 0",
         "containerd_leases{namespace=\"k8s.io\""},
        {"containers", "Containers/ListStream",
         "containerd_containers{namespace=\"moby\",runtime=\"io.containerd.runc.v2\"} 0",
         "containerd_containers{namespace=\"k8s.io\""},
        {"snapshots", "Snapshots/List",
         "containerd_snapshots{namespace=\"moby\",snapshotter=\"overlayfs\",kind=\"view\"} 0",
         "containerd_snapshots{namespace=\"k8s.io\""},
        {"images", "Images/List",
         "containerd_images{namespace=\"moby\",status=\"error\",unpacked=\"true\"} 0",
         "containerd_images{namespace=\"k8s.io\""},
    };
    struct containerd_fixture *f = *state;
    char count[96];

    add_spaces(f);
    f->fake->plugins = snapshotters;
    f->fake->serving = true;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(collector_close) struct collector_fixture trial;

        snprintf(count, sizeof(count), "containerd_inventory_failed_namespaces{collector=\"%s\"} 1",
                 rows[i].collector);
        collector_open(&trial, f, rows[i].collector);
        containerd_fixture_fail(f, rows[i].method, RPC_UNAVAILABLE);
        assert_false(collector_run(&trial, f));
        assert_int_equal(f->err.code, ERROR_RUNTIME); /* the daemon is there */
        assert_non_null(strstr(f->err.message, "namespace k8s.io: "));
        assert_sample(trial.out, rows[i].good);
        assert_no_sample(trial.out, rows[i].bad);
        assert_sample(trial.out, count);
    }
}

static void leases_expire_by_their_label(void **state)
{
    struct containerd_fixture *f = *state;

    add_spaces(f);
    fake_item_label(add(f, FAKE_LEASE, SPACE, "old", 0), "containerd.io/gc.expire",
                    "2020-01-01T00:00:00Z");
    fake_item_label(add(f, FAKE_LEASE, SPACE, "new", 0), "containerd.io/gc.expire",
                    "2999-01-01T00:00:00Z");
    fake_item_label(add(f, FAKE_LEASE, SPACE, "bad", 0), "containerd.io/gc.expire", "soon");
    add(f, FAKE_LEASE, SPACE, "plain", 0);
    assert_exports(f, "leases",
                   "containerd_leases{namespace=\"k8s.io\"} 4\n"
                   "containerd_leases{namespace=\"moby\"} 0\n"
                   "containerd_expired_leases{namespace=\"k8s.io\"} 1\n"
                   "containerd_expired_leases{namespace=\"moby\"} 0\n"
                   "containerd_inventory_failed_namespaces{collector=\"leases\"} 0\n");
}

static void namespaces_of_probes_are_not_counted(void **state)
{
    struct containerd_fixture *f = *state;

    add_spaces(f);
    assert_exports(f, "namespaces",
                   "containerd_namespaces 2\n"
                   "containerd_namespace_info{namespace=\"k8s.io\"} 1\n"
                   "containerd_namespace_info{namespace=\"moby\"} 1\n");
}

static void containers_are_counted_by_runtime(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(collector_close) struct collector_fixture trial;

    add_spaces(f);
    add(f, FAKE_CONTAINER, SPACE, "a", 0);
    add(f, FAKE_CONTAINER, SPACE, "b", 0);
    collector_open(&trial, f, "containers");
    assert_true(collector_run(&trial, f));
    /* The containers of the fake have no runtime. */
    assert_samples(
        trial.out,
        "containerd_containers{namespace=\"k8s.io\",runtime=\"io.containerd.runc.v2\"} 0\n"
        "containerd_containers{namespace=\"k8s.io\",runtime=\"\"} 2\n"
        "containerd_containers{namespace=\"moby\",runtime=\"io.containerd.runc.v2\"} 0\n"
        "containerd_containers{namespace=\"moby\",runtime=\"\"} 0\n"
        "containerd_inventory_failed_namespaces{collector=\"containers\"} 0\n");
}

static void daemon_is_up_and_healthy(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(collector_close) struct collector_fixture trial;

    f->fake->serving = true;
    collector_open(&trial, f, "daemon");
    assert_true(collector_run(&trial, f));
    assert_sample(trial.out, "containerd_up 1");
    assert_sample(trial.out, "containerd_healthy 1");
    assert_sample(trial.out, "containerd_info{version=\"2.1.0\",revision=\"fake\","
                             "uuid=\"00000000-0000-0000-0000-000000000000\"} 1");
    f->fake->serving = false;
    assert_true(collector_run(&trial, f));
    assert_sample(trial.out, "containerd_healthy 0");
}

static void daemon_is_down_if_a_call_fails(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(collector_close) struct collector_fixture trial;

    collector_open(&trial, f, "daemon");
    containerd_fixture_fail(f, "Version/Version", 13);
    assert_false(collector_run(&trial, f));
    assert_sample(trial.out, "containerd_up 0");
    assert_no_sample(trial.out, "containerd_healthy");
    assert_no_sample(trial.out, "containerd_info");
    assert_true(collector_run(&trial, f));
    assert_sample(trial.out, "containerd_up 1");
    containerd_fixture_fail(f, "Health/Check", 13);
    assert_false(collector_run(&trial, f));
    assert_sample(trial.out, "containerd_up 0");
}

static void plugins_have_the_status_of_ctr(void **state)
{
    static const struct fake_plugin plugins[] = {
        {"io.containerd.snapshotter.v1", "overlayfs", "root", "/var/lib", NULL},
        {"io.containerd.snapshotter.v1", "native", NULL, NULL, NULL},
        {"io.containerd.snapshotter.v1", "zfs", NULL, NULL, "skip plugin: no zfs"},
        {"io.containerd.metadata.v1", "bolt", "policy", "isolated", NULL},
        {"io.containerd.other.v1", "b", "policy", "not this", NULL},
        {"io.containerd.grpc.v1", "cri", NULL, NULL, NULL},
        {"io.containerd.cri.v1", "runtime", "CRIVersion", "v1", NULL},
        {NULL, NULL, NULL, NULL, NULL},
    };
    struct containerd_fixture *f = *state;
    CLEANUP(collector_close) struct collector_fixture trial;

    f->fake->plugins = plugins;
    collector_open(&trial, f, "plugins");
    assert_true(collector_run(&trial, f));
    assert_sample(trial.out, "containerd_plugin_status{type=\"io.containerd.metadata.v1\","
                             "id=\"bolt\",status=\"ok\"} 1");
    assert_sample(trial.out, "containerd_plugin_status{type=\"io.containerd.metadata.v1\","
                             "id=\"bolt\",status=\"error\"} 0");
    assert_sample(trial.out, "containerd_plugins{status=\"ok\"} 6");
    assert_sample(trial.out, "containerd_snapshotter_info{snapshotter=\"overlayfs\","
                             "root=\"/var/lib\",capabilities=\"\"} 1");
    assert_sample(trial.out, "containerd_snapshotter_info{snapshotter=\"native\",root=\"\","
                             "capabilities=\"\"} 1");
    assert_no_sample(trial.out, "containerd_snapshotter_info{snapshotter=\"zfs\"");
    assert_no_sample(trial.out, "containerd_content_sharing_policy_info{policy=\"not this\"}");
    assert_sample(trial.out, "containerd_content_sharing_policy_info{policy=\"isolated\"} 1");
    assert_sample(trial.out, "containerd_cri_info{version=\"v1\"} 1");
    assert_no_sample(trial.out, "containerd_plugin_init_error_info{type=\"io.containerd.grpc.v1\"");
}

static void cri_version_needs_a_plugin_that_serves_it(void **state)
{
    static const struct fake_plugin served_by_1[] = {
        {"io.containerd.grpc.v1", "cri", "CRIVersion", "v1alpha", NULL},
        {NULL, NULL, NULL, NULL, NULL},
    };
    static const struct fake_plugin broken[] = {
        {"io.containerd.grpc.v1", "cri", "CRIVersion", "v1", "failed"},
        {"io.containerd.cri.v1", "runtime", "CRIVersion", "v1", NULL},
        {"io.containerd.grpc.v1", "version", "CRIVersion", "v1", NULL},
        {NULL, NULL, NULL, NULL, NULL},
    };
    struct containerd_fixture *f = *state;
    CLEANUP(collector_close) struct collector_fixture trial;

    collector_open(&trial, f, "plugins");
    f->fake->plugins = served_by_1;
    assert_true(collector_run(&trial, f));
    assert_sample(trial.out, "containerd_cri_info{version=\"v1alpha\"} 1");
    f->fake->plugins = broken;
    assert_true(collector_run(&trial, f));
    assert_no_sample(trial.out, "containerd_cri_info");
    assert_sample(trial.out, "containerd_plugins{status=\"ok\"} 2");
}

static void snapshots_are_counted_by_kind(void **state)
{
    struct containerd_fixture *f = *state;

    add_spaces(f);
    f->fake->plugins = snapshotters;
    add(f, FAKE_SNAPSHOT, SPACE, "a", 10);
    add(f, FAKE_SNAPSHOT, SPACE, "b", 30);
    add(f, FAKE_SNAPSHOT, SPACE, "c", 50)->active = true;
    assert_exports(
        f, "snapshots",
        "containerd_snapshots{namespace=\"k8s.io\",snapshotter=\"overlayfs\",kind=\"view\"} 0\n"
        "containerd_snapshots{namespace=\"k8s.io\",snapshotter=\"overlayfs\",kind=\"active\"} 1\n"
        "containerd_snapshots{namespace=\"k8s.io\",snapshotter=\"overlayfs\",kind=\"committed\"} "
        "2\n"
        "containerd_snapshots{namespace=\"moby\",snapshotter=\"overlayfs\",kind=\"view\"} 0\n"
        "containerd_snapshots{namespace=\"moby\",snapshotter=\"overlayfs\",kind=\"active\"} 0\n"
        "containerd_snapshots{namespace=\"moby\",snapshotter=\"overlayfs\",kind=\"committed\"} 0\n"
        "containerd_snapshot_bytes{namespace=\"k8s.io\",snapshotter=\"overlayfs\"} 40\n"
        "containerd_snapshot_bytes{namespace=\"moby\",snapshotter=\"overlayfs\"} 0\n"
        "containerd_inventory_failed_namespaces{collector=\"snapshots\"} 0\n");
}

static void snapshotter_that_fails_is_named(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(collector_close) struct collector_fixture trial;

    f->fake->plugins = snapshotters;
    f->fake->serving = true;
    collector_open(&trial, f, "snapshots");
    containerd_fixture_fail(f, "Snapshots/List", 14);
    assert_false(collector_run(&trial, f));
    assert_int_equal(f->err.code, ERROR_RUNTIME);
    assert_non_null(strstr(f->err.message, "snapshotter overlayfs: "));
    /* A snapshotter that is not loaded has no samples, and is no failure. */
    containerd_fixture_fail(f, "Snapshots/List", 3);
    assert_true(collector_run(&trial, f));
    assert_no_sample(trial.out, "containerd_snapshots");
    /* One without Usage has counts only. */
    add(f, FAKE_SNAPSHOT, SPACE, "a", 10);
    containerd_fixture_fail(f, "Snapshots/Usage", 12);
    assert_true(collector_run(&trial, f));
    assert_sample(trial.out, "containerd_snapshots{namespace=\"k8s.io\",snapshotter=\"overlayfs\","
                             "kind=\"committed\"} 1");
    assert_no_sample(trial.out, "containerd_snapshot_bytes");
    containerd_fixture_fail(f, "Snapshots/Usage", 13);
    assert_false(collector_run(&trial, f));
}

static void collectors_without_the_service_export_nothing(void **state)
{
    static const char *const names[] = {"deprecations", "docker"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_exports(*state, names[i], "");
}

static void cri_counts_images(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(collector_close) struct collector_fixture trial;
    struct fake_item *sandbox;

    f->fake->serving = true;
    collector_open(&trial, f, "cri");
    assert_true(collector_run(&trial, f));
    assert_samples(trial.out, "containerd_cri_condition{type=\"RuntimeReady\"} 1\n"
                              "containerd_cri_images 0\n"
                              "containerd_cri_image_bytes 0\n"
                              "containerd_cri_pinned_images 0\n");
    for (size_t i = 0; i < 3; i++) {
        static const char *const names[] = {"a", "a-again", "b"};
        struct fake_item *item = add(f, FAKE_RECORD, SPACE, names[i], 100 + i);

        snprintf(item->id, sizeof(item->id), "id-%c", names[i][0]);
    }
    /* A pin proves nothing, nor does a pod that is older than the daemon. */
    sandbox = add(f, FAKE_CONTAINER, SPACE, "sandbox", 0);
    snprintf(sandbox->target, 256, "a");
    for (size_t i = 0; i < 2; i++) {
        sandbox->created_ns = clock_unix_ns() - 3600 * (int64_t)i * NS_PER_SECOND;
        snprintf(sandbox->target, 256, i == 0 ? "sha256:untagged" : "a");
        assert_true(collector_run(&trial, f));
        assert_no_sample(trial.out, "containerd_cri_sandbox_image");
    }
    sandbox->created_ns = clock_unix_ns();
    sandbox = add(f, FAKE_CONTAINER, SPACE, "older", 0);
    snprintf(sandbox->target, 256, "b");
    sandbox->created_ns = clock_unix_ns() - NS_PER_SECOND * 3600;
    assert_true(collector_run(&trial, f));
    assert_sample(trial.out, "containerd_cri_images 2");
    assert_sample(trial.out, "containerd_cri_image_bytes 203");
    assert_sample(trial.out, "containerd_cri_sandbox_image_info{image=\"a\"} 1");
    assert_sample(trial.out, "containerd_cri_sandbox_image_present 1");
    assert_sample(trial.out, "containerd_cri_sandbox_image_pinned 0");
    containerd_fixture_fail(f, "ImageService/ListImages", 13);
    assert_false(collector_run(&trial, f));
    containerd_fixture_fail(f, "ImageService/ImageStatus", 13);
    assert_false(collector_run(&trial, f));
    containerd_fixture_fail(f, "RuntimeService/Status", 12);
    assert_true(collector_run(&trial, f));
    assert_samples(trial.out, "");
}

/* ---- without a daemon ---- */

static void registries_export_what_is_known(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(collector_close) struct collector_fixture trial;
    const struct registry_budget budget = {10, 1000}, none = {0, 0};
    struct registry_account *a, *b;

    collector_open(&trial, f, "registries");
    trial.node.registry_limits = registry_limits_new(&f->err);
    a = registry_account(trial.node.registry_limits, "a.io");
    b = registry_account(trial.node.registry_limits, "b.io");
    registry_account_set_budget(a, &budget);
    registry_account_set_budget(b, &none);
    assert_true(registry_account_take(a, clock_now_ns(), 100, &f->err));
    registry_account_charge(a, clock_now_ns(), 100, 250);
    registry_account_record_rate_limit(b, 0, 7);
    registry_account_record_certificate(b, 12345);
    assert_true(collector_run(&trial, f));
    assert_samples(trial.out,
                   "image_registry_rate_limit{registry=\"b.io\"} 0\n"
                   "image_registry_rate_limit_remaining{registry=\"b.io\"} 7\n"
                   "image_registry_certificate_expiry_timestamp_seconds{registry=\"b.io\"} 12345\n"
                   "image_registry_budget{registry=\"a.io\",kind=\"pulls\"} 10\n"
                   "image_registry_budget{registry=\"a.io\",kind=\"bytes\"} 1000\n"
                   "image_registry_budget_remaining{registry=\"a.io\",kind=\"pulls\"} 9\n"
                   "image_registry_budget_remaining{registry=\"a.io\",kind=\"bytes\"} 750\n"
                   "image_registry_held_seconds{registry=\"a.io\"} 0\n"
                   "image_registry_held_seconds{registry=\"b.io\"} 0\n");
    registry_account_unref(a);
    registry_account_unref(b);
    registry_limits_free(trial.node.registry_limits);
}

static double value_of(struct collector_fixture *trial, const char *name)
{
    for (size_t i = 0; trial->collector->families[i].name; i++)
        if (strcmp(trial->collector->families[i].name, name) == 0 &&
            snapshot_samples(trial->out, i))
            return snapshot_samples(trial->out, i)->value;
    fail_msg("no sample of %s", name);
    return 0;
}

static void self_exports_the_facts_of_the_process(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(collector_close) struct collector_fixture trial;
    double fds;
    FILE *file;

    collector_open(&trial, f, "self");
    assert_true(collector_run(&trial, f));
    fds = value_of(&trial, "process_open_fds");
    assert_true(value_of(&trial, "process_max_fds") >= fds && fds > 2);
    assert_true(value_of(&trial, "process_resident_memory_bytes") > 100000);
    assert_true(value_of(&trial, "process_virtual_memory_bytes") >=
                value_of(&trial, "process_resident_memory_bytes"));
    assert_true(value_of(&trial, "process_virtual_memory_max_bytes") > 1e9);
    assert_true(value_of(&trial, "process_cpu_seconds_total") > 0);
    assert_true(value_of(&trial, "process_start_time_seconds") <= clock_unix_seconds());
    assert_true(value_of(&trial, "process_start_time_seconds") > clock_unix_seconds() - 3600);
    file = fopen("/dev/null", "r");
    assert_non_null(file);
    assert_true(collector_run(&trial, f));
    assert_true(value_of(&trial, "process_open_fds") == fds + 1);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(content_counts_shared_blobs_once),
        TEST(content_has_no_total_if_a_namespace_failed),
        TEST(a_failed_namespace_hides_no_other),
        TEST(leases_expire_by_their_label),
        TEST(namespaces_of_probes_are_not_counted),
        TEST(containers_are_counted_by_runtime),
        TEST(daemon_is_up_and_healthy),
        TEST(daemon_is_down_if_a_call_fails),
        TEST(plugins_have_the_status_of_ctr),
        TEST(cri_version_needs_a_plugin_that_serves_it),
        TEST(snapshots_are_counted_by_kind),
        TEST(snapshotter_that_fails_is_named),
        TEST(collectors_without_the_service_export_nothing),
        TEST(cri_counts_images),
        TEST(registries_export_what_is_known),
        TEST(self_exports_the_facts_of_the_process),
    };

    return RUN(tests);
}
