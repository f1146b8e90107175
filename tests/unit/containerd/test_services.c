/* SPDX-License-Identifier: Apache-2.0 */
/* The services of containerd against a fake daemon: which calls are made, what they return, and
 * which failures are success. */
#include "containerd/containers.h"
#include "containerd/content.h"
#include "containerd/images.h"
#include "containerd/introspection.h"
#include "containerd/leases.h"
#include "containerd/namespaces.h"
#include "containerd/snapshots.h"
#include "base/clock.h"
#include "encoding/rfc3339.h"
#include "support/containerd_fixture.h"
#include "support/silent_socket.h"

#include <time.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define SOME_DIGEST  "sha256:0000000000000000000000000000000000000000000000000000000000000001"
#define OTHER_DIGEST "sha256:0000000000000000000000000000000000000000000000000000000000000002"

static void add_content(struct containerd_fixture *f, const char *digest, const char *data)
{
    struct fake_item *item = fake_containerd_add(f->fake, FAKE_CONTENT, SPACE, digest);

    item->size = strlen(data);
    item->data = strdup(data);
    item->created_ns = 7;
}

static void returns_records_with_target_and_labels(void **state)
{
    struct containerd_fixture *f = *state;
    struct fake_item *item = fake_containerd_add(f->fake, FAKE_RECORD, SPACE, "a");
    struct image_records records;
    struct image_record record;

    strcpy(item->target, SOME_DIGEST);
    strcpy(item->media_type, MEDIA_TYPE_OCI_INDEX);
    item->size = 42;
    item->created_ns = 1500000000;
    fake_item_label(item, "k", "v");
    (void)fake_containerd_add(f->fake, FAKE_RECORD, "other", "b");
    assert_true(images_list(&f->scope, &f->arena, &records, &f->cancel, &f->err));
    assert_int_equal(records.count, 1);
    assert_string_equal(records.items[0].name, "a");
    assert_true(images_get(&f->scope, "a", &f->arena, &record, &f->cancel, &f->err));
    assert_string_equal(record.target.digest, SOME_DIGEST);
    assert_string_equal(record.target.media_type, MEDIA_TYPE_OCI_INDEX);
    assert_int_equal(record.target.size, 42);
    assert_int_equal(record.created_unix_ns, 1500000000);
    assert_string_equal(labels_get(&record.labels, "k"), "v");
    assert_false(images_get(&f->scope, "b", &f->arena, &record, &f->cancel, &f->err));
    assert_true(error_has_status(&f->err, STATUS_GRPC, RPC_NOT_FOUND));
    assert_int_equal(f->err.code, ERROR_NOT_FOUND);
    assert_calls(f, "Images/List\nImages/Get a\nImages/Get b\n");
}

static void creates_a_record_once(void **state)
{
    struct containerd_fixture *f = *state;
    const struct image_record record = {
        .name = "a", .target = {.media_type = "m", .digest = SOME_DIGEST, .size = 3}};
    const struct fake_item *item;

    add_content(f, SOME_DIGEST, "abc");
    assert_true(images_create(&f->scope, &record, &f->cancel, &f->err));
    item = fake_containerd_find(f->fake, FAKE_RECORD, SPACE, "a");
    assert_string_equal(item->target, SOME_DIGEST);
    assert_string_equal(item->media_type, "m");
    assert_int_equal(item->size, 3);
    assert_false(images_create(&f->scope, &record, &f->cancel, &f->err));
    assert_true(error_has_status(&f->err, STATUS_GRPC, RPC_ALREADY_EXISTS));
}

/* The fields of one thing that can be deleted. */
static bool delete_by(struct containerd_fixture *f, size_t which)
{
    const struct scope gone = {.daemon = f->daemon, .name_space = "gone"};

    switch (which) {
    case 0:
        return images_delete(&f->scope, "gone", &f->cancel, &f->err);
    case 1:
        return leases_delete(&f->scope, "gone", true, &f->cancel, &f->err);
    case 2:
        return snapshots_remove(&f->scope, FAKE_SNAPSHOTTER, "gone", &f->cancel, &f->err);
    case 3:
        return content_delete(&f->scope, SOME_DIGEST, &f->cancel, &f->err);
    default:
        return containerd_namespace_delete(&gone, &f->cancel, &f->err);
    }
}

static void deleting_a_missing_thing_succeeds(void **state)
{
    static const char *const calls[] = {
        "Images/Delete gone\n",     "Leases/Delete gone\n",
        "Snapshots/Remove gone\n",  "Content/Delete " SOME_DIGEST "\n",
        "Namespaces/Delete gone\n",
    };
    struct containerd_fixture *f = *state;

    for (size_t i = 0; i < COUNT(calls); i++) {
        call_log_clear(&f->log);
        assert_true(delete_by(f, i));
        assert_int_equal(f->err.code, ERROR_NONE);
        assert_calls(f, calls[i]);
        containerd_fixture_fail(f, "", RPC_INTERNAL);
        assert_false(delete_by(f, i));
        assert_true(error_has_status(&f->err, STATUS_GRPC, RPC_INTERNAL));
        f->err = (struct error){0};
    }
}

static void deletes_what_is_there(void **state)
{
    struct containerd_fixture *f = *state;

    (void)fake_containerd_add(f->fake, FAKE_RECORD, SPACE, "a");
    (void)fake_containerd_add(f->fake, FAKE_SNAPSHOT, SPACE, "s");
    add_content(f, SOME_DIGEST, "abc");
    assert_true(images_delete(&f->scope, "a", &f->cancel, &f->err));
    assert_true(snapshots_remove(&f->scope, FAKE_SNAPSHOTTER, "s", &f->cancel, &f->err));
    assert_true(content_delete(&f->scope, SOME_DIGEST, &f->cancel, &f->err));
    assert_null(fake_containerd_find(f->fake, FAKE_RECORD, SPACE, "a"));
    assert_null(fake_containerd_find(f->fake, FAKE_SNAPSHOT, SPACE, "s"));
    assert_null(fake_containerd_find(f->fake, FAKE_CONTENT, SPACE, SOME_DIGEST));
    assert_true(containerd_namespace_delete(&f->scope, &f->cancel, &f->err));
    assert_null(fake_containerd_find(f->fake, FAKE_NAMESPACE, "", SPACE));
}

static void a_namespace_with_content_is_not_deleted(void **state)
{
    struct containerd_fixture *f = *state;

    add_content(f, SOME_DIGEST, "abc");
    assert_false(containerd_namespace_delete(&f->scope, &f->cancel, &f->err));
    assert_true(error_has_status(&f->err, STATUS_GRPC, RPC_FAILED_PRECONDITION));
}

static void creates_a_namespace_that_may_exist(void **state)
{
    static struct label label = {"owner", "me"};
    struct containerd_fixture *f = *state;
    const struct scope scope = {.daemon = f->daemon, .name_space = "new"};
    const struct labels labels = {&label, 1};
    struct containerd_namespaces namespaces;

    assert_true(containerd_namespace_create(&scope, &labels, &f->cancel, &f->err));
    assert_true(containerd_namespace_create(&scope, &labels, &f->cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_NONE);
    assert_true(containerd_namespaces(f->daemon, &f->arena, &namespaces, &f->cancel, &f->err));
    assert_int_equal(namespaces.count, 2);
    assert_string_equal(namespaces.items[1].name, "new");
    assert_string_equal(labels_get(&namespaces.items[1].labels, "owner"), "me");
    containerd_fixture_fail(f, "Namespaces/Create", RPC_INTERNAL);
    assert_false(containerd_namespace_create(&scope, &labels, &f->cancel, &f->err));
}

static void a_lease_expires_and_has_labels(void **state)
{
    static struct label label = {"owner", "me"};
    struct containerd_fixture *f = *state;
    const struct scope scope = {f->daemon, SPACE, "l"};
    const struct labels labels = {&label, 1};
    time_t before = time(NULL);
    struct leases leases;
    const struct fake_item *item;
    int64_t end;

    assert_true(leases_create(&scope, 3600, &labels, &f->cancel, &f->err));
    item = fake_containerd_find(f->fake, FAKE_LEASE, SPACE, "l");
    assert_string_equal(item->lease, ""); /* it is not created under itself */
    assert_true(leases_list(&scope, &f->arena, &leases, &f->cancel, &f->err));
    assert_int_equal(leases.count, 1);
    assert_string_equal(leases.items[0].id, "l");
    assert_string_equal(labels_get(&leases.items[0].labels, "owner"), "me");
    assert_true(rfc3339_parse(labels_get(&leases.items[0].labels, "containerd.io/gc.expire"), &end,
                              &f->err));
    assert_in_range(end - 3600, before, time(NULL));
    assert_false(leases_create(&scope, 3600, &labels, &f->cancel, &f->err));
    assert_true(error_has_status(&f->err, STATUS_GRPC, RPC_ALREADY_EXISTS));
}

static void only_a_synchronous_delete_waits_for_the_collection(void **state)
{
    struct containerd_fixture *f = *state;

    for (size_t sync = 0; sync < 2; sync++) {
        add_content(f, SOME_DIGEST, "abc");
        (void)fake_containerd_add(f->fake, FAKE_LEASE, SPACE, "l");
        assert_true(leases_delete(&f->scope, "l", sync, &f->cancel, &f->err));
        assert_null(fake_containerd_find(f->fake, FAKE_LEASE, SPACE, "l"));
        assert_int_equal(!fake_containerd_find(f->fake, FAKE_CONTENT, SPACE, SOME_DIGEST), sync);
    }
}

static void unpacks_a_layer_in_three_calls(void **state)
{
    struct containerd_fixture *f = *state;
    const struct scope scope = {f->daemon, SPACE, "l"};
    const struct snapshot_info snapshot = {.name = "key", .parent = ""};
    const struct descriptor layer = {.media_type = "m", .digest = SOME_DIGEST, .size = 3};
    CLEANUP(buf_deinit) struct buf mounts = BUF_INIT(4096);
    const struct fake_item *item;
    struct descriptor applied;
    struct snapshot_info info;
    uint64_t bytes = 0;

    add_content(f, SOME_DIGEST, "abc");
    assert_true(snapshots_prepare(&scope, FAKE_SNAPSHOTTER, &snapshot, "chain", &mounts, &f->cancel,
                                  &f->err));
    item = fake_containerd_find(f->fake, FAKE_SNAPSHOT, SPACE, "key");
    assert_string_equal(item->lease, "l");
    assert_string_equal(item->labels[0].name, "containerd.io/snapshot.ref");
    assert_string_equal(item->labels[0].value, "chain");
    assert_true(snapshots_apply(&scope, &layer, &mounts, &applied, &f->arena, &f->cancel, &f->err));
    assert_string_equal(applied.digest, SOME_DIGEST);
    assert_int_equal(applied.size, 3);
    assert_true(snapshots_commit(&scope, FAKE_SNAPSHOTTER, "key", "chain", &f->cancel, &f->err));
    assert_true(
        snapshots_stat(&scope, FAKE_SNAPSHOTTER, "chain", &f->arena, &info, &f->cancel, &f->err));
    assert_int_equal(info.kind, SNAPSHOT_COMMITTED);
    assert_true(snapshots_usage(&scope, FAKE_SNAPSHOTTER, "chain", &bytes, &f->cancel, &f->err));
    assert_int_equal(bytes, 3);
    assert_calls(f, "Snapshots/Prepare\nDiff/Apply " SOME_DIGEST "\nSnapshots/Commit chain\n"
                    "Snapshots/Stat chain\nSnapshots/Usage chain\n");
    assert_false(snapshots_commit(&scope, FAKE_SNAPSHOTTER, "key", "chain", &f->cancel, &f->err));
    assert_false(
        snapshots_stat(&scope, FAKE_SNAPSHOTTER, "gone", &f->arena, &info, &f->cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_NOT_FOUND);
    assert_false(snapshots_usage(&scope, FAKE_SNAPSHOTTER, "gone", &bytes, &f->cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_NOT_FOUND);
}

static void a_failed_apply_blames_the_layer_unless_the_daemon_is_gone(void **state)
{
    static const struct {
        int status;
        enum error_code want;
    } rows[] = {
        {RPC_INTERNAL, ERROR_UNPACK},
        {RPC_UNKNOWN, ERROR_UNPACK},
        {RPC_INVALID_ARGUMENT, ERROR_UNPACK},
        {RPC_NOT_FOUND, ERROR_NOT_FOUND},
        {RPC_UNAVAILABLE, ERROR_RUNTIME_UNAVAILABLE},
    };
    struct containerd_fixture *f = *state;
    const struct descriptor layer = {.media_type = "m", .digest = SOME_DIGEST, .size = 3};
    const struct buf mounts = {0};
    struct buf garbage = {.data = (char *)"\x0a\x09", .size = 2};
    struct descriptor applied;

    for (size_t i = 0; i < COUNT(rows); i++) {
        containerd_fixture_fail(f, "Diff/Apply", rows[i].status);
        assert_false(
            snapshots_apply(&f->scope, &layer, &mounts, &applied, &f->arena, &f->cancel, &f->err));
        assert_int_equal(f->err.code, rows[i].want);
    }
    call_log_clear(&f->log);
    assert_false(
        snapshots_apply(&f->scope, &layer, &garbage, &applied, &f->arena, &f->cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_PROTOCOL);
    assert_calls(f, "");
}

struct names {
    char text[256];
    size_t n, n_max; /* the visit fails after n_max */
};

static bool add_name(struct names *names, const char *name, struct error *err)
{
    size_t used = strlen(names->text);

    snprintf(names->text + used, sizeof(names->text) - used, "[%s]", name);
    return ++names->n <= names->n_max || error_set(err, ERROR_LIMIT, "enough");
}

static bool visit_snapshot(void *arg, const struct snapshot_info *info, struct error *err)
{
    return add_name(arg, info->name, err);
}

static bool visit_content(void *arg, const struct content_info *info, struct error *err)
{
    return add_name(arg, strrchr(info->digest, '0') + 1, err);
}

static bool visit_record(void *arg, const struct content_record *record, struct error *err)
{
    assert_int_equal(record->created_unix_ns, 0); /* 7 ns after 1970 is no time */
    assert_int_equal(record->size, 3);
    return add_name(arg, strrchr(record->digest, '0') + 1, err);
}

static bool visit_container(void *arg, const struct container_info *info, struct error *err)
{
    return add_name(arg, info->image, err);
}

static void lists_end_with_the_error_of_the_visitor(void **state)
{
    struct containerd_fixture *f = *state;

    (void)fake_containerd_add(f->fake, FAKE_SNAPSHOT, SPACE, "s");
    (void)fake_containerd_add(f->fake, FAKE_SNAPSHOT, SPACE, "t");
    add_content(f, SOME_DIGEST, "abc");
    add_content(f, OTHER_DIGEST, "abcdef");
    for (size_t max = 1; max < 3; max++) {
        struct names snapshots = {.n_max = max}, content = {.n_max = max};

        assert_int_equal(snapshots_list(&f->scope, FAKE_SNAPSHOTTER, visit_snapshot, &snapshots,
                                        &f->cancel, &f->err),
                         max == 2);
        assert_int_equal(f->err.code, max == 2 ? ERROR_NONE : ERROR_LIMIT);
        f->err = (struct error){0};
        assert_string_equal(snapshots.text, "[s][t]");
        assert_int_equal(content_list(&f->scope, visit_content, &content, &f->cancel, &f->err),
                         max == 2);
        assert_int_equal(f->err.code, max == 2 ? ERROR_NONE : ERROR_LIMIT);
        f->err = (struct error){0};
        assert_string_equal(content.text, "[1][2]");
    }
    assert_false(snapshots_list(&f->scope, "native", visit_snapshot, NULL, &f->cancel, &f->err));
    assert_true(error_has_status(&f->err, STATUS_GRPC, RPC_INVALID_ARGUMENT));
}

static void finds_many_blobs_with_few_requests(void **state)
{
    struct containerd_fixture *f = *state;
    const char *digests[257];
    struct names names = {.n_max = 1000};

    add_content(f, SOME_DIGEST, "abc");
    for (size_t i = 0; i < COUNT(digests); i++)
        digests[i] = i == 200 ? SOME_DIGEST : OTHER_DIGEST;
    assert_true(content_find(&f->scope, digests, 256, visit_record, &names, &f->cancel, &f->err));
    assert_string_equal(names.text, "[1]");
    assert_calls(f, "Content/List\nContent/List\n");
    assert_true(content_find(&f->scope, digests, 257, visit_record, &names, &f->cancel, &f->err));
    assert_int_equal(call_log_count(&f->log, "Content/List"), 5);
    call_log_clear(&f->log);
    assert_true(content_find(&f->scope, digests, 0, visit_record, &names, &f->cancel, &f->err));
    digests[256] = "sha256:x\" or \"";
    assert_false(content_find(&f->scope, digests, 257, visit_record, &names, &f->cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_INVALID);
    assert_calls(f, "");
    containerd_fixture_fail(f, "Content/List", RPC_INTERNAL);
    assert_false(content_find(&f->scope, digests, 256, visit_record, &names, &f->cancel, &f->err));
    assert_calls(f, "Content/List\n");
}

static bool append(void *arg, const void *data, size_t size, struct error *err)
{
    (void)err;
    buf_append(arg, data, size);
    return true;
}

static bool refuse(void *arg, const void *data, size_t size, struct error *err)
{
    (void)arg, (void)data, (void)size;
    return error_set(err, ERROR_NO_SPACE, "full");
}

static void reads_a_blob_or_a_part_of_it(void **state)
{
    static const struct {
        uint64_t offset, size;
        const char *want;
    } rows[] = {{0, 0, "0123456789"}, {0, 4, "0123"}, {3, 4, "3456"}, {8, 0, "89"}, {10, 0, ""}};
    struct containerd_fixture *f = *state;
    CLEANUP(buf_deinit) struct buf small = BUF_INIT(9);
    uint64_t size = 0;

    add_content(f, SOME_DIGEST, "0123456789");
    assert_true(content_size(&f->scope, SOME_DIGEST, &size, &f->cancel, &f->err));
    assert_int_equal(size, 10);
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(64);

        buf_append_str(&out, "");
        assert_true(content_stream_range(&f->scope, SOME_DIGEST, rows[i].offset, rows[i].size,
                                         append, &out, &f->cancel, &f->err));
        assert_string_equal(out.data, rows[i].want);
    }
    assert_false(content_read(&f->scope, SOME_DIGEST, &small, &f->cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_LIMIT);
    assert_false(content_stream(&f->scope, SOME_DIGEST, refuse, NULL, &f->cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_NO_SPACE);
    assert_false(
        content_stream_range(&f->scope, SOME_DIGEST, 11, 0, append, &small, &f->cancel, &f->err));
    assert_true(error_has_status(&f->err, STATUS_GRPC, RPC_OUT_OF_RANGE));
    assert_false(content_size(&f->scope, OTHER_DIGEST, &size, &f->cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_NOT_FOUND);
}

static void aborts_every_ingest(void **state)
{
    struct containerd_fixture *f = *state;
    struct ingests ingests;

    (void)fake_containerd_add(f->fake, FAKE_INGEST, SPACE, "one");
    fake_containerd_add(f->fake, FAKE_INGEST, SPACE, "two")->size = 5;
    assert_true(content_ingests(&f->scope, &f->arena, &ingests, &f->cancel, &f->err));
    assert_int_equal(ingests.count, 2);
    assert_string_equal(ingests.items[1].ref, "two");
    assert_int_equal(ingests.items[1].offset_bytes, 5);
    containerd_fixture_fail(f, "Content/Abort", RPC_NOT_FOUND); /* the first has just ended */
    assert_true(content_abort_all(&f->scope, &f->cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_NONE);
    assert_calls(f, "Content/ListStatuses\nContent/Abort one\nContent/Abort two\n");
    assert_null(fake_containerd_find(f->fake, FAKE_INGEST, SPACE, "two"));
    containerd_fixture_fail(f, "Content/Abort", RPC_INTERNAL);
    assert_false(content_abort_all(&f->scope, &f->cancel, &f->err));
    containerd_fixture_fail(f, "Content/ListStatuses", RPC_INTERNAL);
    assert_false(content_abort_all(&f->scope, &f->cancel, &f->err));
    assert_calls(f, "Content/ListStatuses\n");
}

static void lists_containers_on_old_daemons_too(void **state)
{
    struct containerd_fixture *f = *state;
    struct names names = {.n_max = 10};

    strcpy(fake_containerd_add(f->fake, FAKE_CONTAINER, SPACE, "1")->target, "a");
    strcpy(fake_containerd_add(f->fake, FAKE_CONTAINER, SPACE, "2")->target, "b");
    assert_true(containers_list(&f->scope, NULL, visit_container, &names, &f->cancel, &f->err));
    assert_true(
        containers_list(&f->scope, "image==\"b\"", visit_container, &names, &f->cancel, &f->err));
    assert_string_equal(names.text, "[a][b][b]");
    assert_calls(f, "Containers/ListStream\nContainers/ListStream\n");
    containerd_fixture_fail(f, "Containers/ListStream", RPC_UNIMPLEMENTED);
    assert_true(containers_list(&f->scope, NULL, visit_container, &names, &f->cancel, &f->err));
    assert_string_equal(names.text, "[a][b][b][a][b]");
    assert_calls(f, "Containers/ListStream\nContainers/List\n");
    containerd_fixture_fail(f, "Containers/ListStream", RPC_INTERNAL);
    assert_false(containers_list(&f->scope, NULL, visit_container, &names, &f->cancel, &f->err));
    assert_calls(f, "Containers/ListStream\n");
}

static void identifies_the_daemon(void **state)
{
    struct containerd_fixture *f = *state;
    struct containerd_identity identity;
    bool serving = false;

    assert_true(containerd_identify(f->daemon, &f->arena, &identity, &f->cancel, &f->err));
    assert_string_equal(identity.version, "2.1.0");
    assert_string_equal(identity.revision, "fake");
    assert_string_equal(identity.uuid, "00000000-0000-0000-0000-000000000000");
    containerd_fixture_fail(f, "Introspection/Server", RPC_INTERNAL);
    assert_false(containerd_identify(f->daemon, &f->arena, &identity, &f->cancel, &f->err));
    assert_calls(f, "Version/Version\nIntrospection/Server\n");
    assert_true(containerd_health(f->daemon, &serving, &f->cancel, &f->err));
    assert_true(serving);
    f->fake->serving = false;
    assert_true(containerd_health(f->daemon, &serving, &f->cancel, &f->err));
    assert_false(serving);
}

static void finds_the_export_of_the_first_plugin_of_a_type(void **state)
{
    static const struct fake_plugin plugins[] = {
        {"t.v1", "a", NULL, NULL, NULL},
        {"u.v1", "b", "root", "/b", NULL},
        {"u.v1", "c", "root", "/c", "skip plugin: not here"},
        {NULL, NULL, NULL, NULL, NULL},
    };
    struct containerd_fixture *f = *state;
    struct plugins found;

    f->fake->plugins = plugins;
    assert_true(introspection_plugins(f->daemon, &f->arena, &found, &f->cancel, &f->err));
    assert_int_equal(found.count, 3);
    assert_string_equal(plugin_export(&found, "u.v1", "root"), "/b");
    assert_string_equal(plugin_export(&found, "u.v1", "path"), "");
    assert_string_equal(plugin_export(&found, "t.v1", "root"), "");
    assert_string_equal(plugin_export(&found, "w.v1", "root"), "");
    assert_string_equal(plugin_status(&found.items[2]), "skip");
}

/* Names whose checksums, last or first characters are equal, too; and those no regular expression
 * would like. */
static void a_list_above_the_limit_is_taken_in_parts(void **state)
{
    static const char *const patterns[][2] = {
        {"registry.example/app:", ""},
        {"registry.example/app-", ":latest"},
        {"reg/", "X@sha256:00"},
        {"", ""},
        {"a\nb", ".*\"|["},
        {"\xc3\xa9", ""},
    };
    struct containerd_fixture *f = *state;
    struct image_records records;
    struct leases leases;
    char name[64];
    unsigned calls;

    f->fake->list_max = 6;
    for (size_t i = 0; i < COUNT(patterns); i++)
        for (size_t j = 0; j < 20; j++) {
            snprintf(name, sizeof(name), "%s%zu%s", patterns[i][0], j, patterns[i][1]);
            (void)fake_containerd_add(f->fake, FAKE_RECORD, SPACE, name);
            (void)fake_containerd_add(f->fake, FAKE_LEASE, SPACE, name);
        }
    assert_true(images_list(&f->scope, &f->arena, &records, &f->cancel, &f->err));
    calls = call_log_count(&f->log, "");
    assert_true(leases_list(&f->scope, &f->arena, &leases, &f->cancel, &f->err));
    assert_int_equal(records.count, 20 * COUNT(patterns));
    assert_int_equal(leases.count, records.count);
    for (size_t i = 0; i < records.count; i++) {
        assert_non_null(fake_containerd_find(f->fake, FAKE_RECORD, SPACE, records.items[i].name));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(records.items[i].name, records.items[j].name);
    }
    assert_true(calls < 200);
    call_log_clear(&f->log);
    f->fake->list_max = 1000; /* one call, where that is enough */
    assert_true(images_list(&f->scope, &f->arena, &records, &f->cancel, &f->err));
    assert_int_equal(call_log_count(&f->log, ""), 1);
}

static void a_list_that_no_part_of_which_fits_fails(void **state)
{
    struct containerd_fixture *f = *state;
    struct image_records records;

    containerd_fixture_fail(f, "Images/List", RPC_RESOURCE_EXHAUSTED);
    f->log.fail_on = true;
    assert_false(images_list(&f->scope, &f->arena, &records, &f->cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_LIMIT);
    assert_int_equal(call_log_count(&f->log, ""), 13);
    containerd_fixture_fail(f, "Images/List",
                            RPC_INTERNAL); /* and no other failure is tried again */
    assert_false(images_list(&f->scope, &f->arena, &records, &f->cancel, &f->err));
    assert_int_equal(call_log_count(&f->log, ""), 1);
}

struct visits {
    struct names names;
    int status; /* of the visit of "b"; RPC_OK: it succeeds */
};

static bool visit_namespace(void *arg, const struct scope *scope, struct error *err)
{
    struct visits *visits = arg;

    if (!add_name(&visits->names, scope->name_space, err))
        return false;
    return strcmp(scope->name_space, "b") != 0 || visits->status == RPC_OK ||
           error_status(err, rpc_status_reason(visits->status), STATUS_GRPC, visits->status,
                        "planned");
}

static void visits_namespaces_but_not_those_of_probes(void **state)
{
    static const struct {
        int status;
        bool ok;
        const char *visited;
    } rows[] = {
        {RPC_OK, true, "[k8s.io][b][c]"},
        {RPC_NOT_FOUND, true, "[k8s.io][b][c]"}, /* deleted in the meantime */
        {RPC_UNIMPLEMENTED, true, "[k8s.io][b]"},
        {RPC_INTERNAL, false, "[k8s.io][b][c]"},    /* the others are visited, too */
        {RPC_UNAVAILABLE, false, "[k8s.io][b][c]"}, /* a proxy: the daemon is healthy */
    };
    size_t n_failed;
    struct containerd_fixture *f = *state;

    (void)fake_containerd_add(f->fake, FAKE_NAMESPACE, "", PROBE_NAMESPACE_PREFIX "x");
    (void)fake_containerd_add(f->fake, FAKE_NAMESPACE, "", "b");
    (void)fake_containerd_add(f->fake, FAKE_NAMESPACE, "", "c");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct visits visits = {.names.n_max = 10, .status = rows[i].status};

        f->err = (struct error){0};
        assert_int_equal(
            each_namespace(f->daemon, visit_namespace, &visits, &n_failed, &f->cancel, &f->err),
            rows[i].ok);
        assert_string_equal(visits.names.text, rows[i].visited);
        assert_string_equal(f->err.message, rows[i].ok ? "" : "namespace b: planned");
        assert_int_equal(n_failed, !rows[i].ok);
        assert_int_equal(f->err.code, rows[i].ok ? ERROR_NONE : ERROR_RUNTIME);
    }
    containerd_fixture_fail(f, "Namespaces/List", RPC_INTERNAL);
    assert_false(
        each_namespace(f->daemon, visit_namespace, &(struct visits){0}, NULL, &f->cancel, &f->err));
}

static void a_message_that_does_not_fit_is_not_sent(void **state)
{
    struct containerd_fixture *f = *state;
    struct buf full = BUF_INIT(1);

    buf_append_str(&full, "too long");
    assert_false(
        containerd_query(&f->scope, "/a.B/C", &full, NULL, NULL, NULL, &f->cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_LIMIT);
    assert_memory_equal(f->err.message, "a.B/C: ", 7);
    assert_null(containerd_stream(&f->scope, "/a.B/C", &full, &f->cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_LIMIT);
    assert_memory_equal(f->err.message, "a.B/C: ", 7);
    assert_calls(f, "");
    buf_deinit(&full);
}

static void reads_reasons_from_the_text_of_the_daemon(void **state)
{
    static const struct {
        int status;
        const char *words;
        enum error_code want;
    } rows[] = {
        {RPC_UNKNOWN, "write /x: no space left on device", ERROR_NO_SPACE},
        {RPC_INTERNAL, "unexpected commit digest sha256:1, expected sha256:2",
         ERROR_DIGEST_MISMATCH},
        {RPC_UNKNOWN, "unexpected commit size 1, expected 2", ERROR_SIZE_MISMATCH},
        {RPC_UNKNOWN, "toomanyrequests", ERROR_RUNTIME}, /* not a reason of a store */
        {RPC_UNKNOWN, "whatever", ERROR_RUNTIME},
        {RPC_NOT_FOUND, "no space left on device", ERROR_NOT_FOUND}, /* the status is definite */
    };
    struct containerd_fixture *f = *state;
    struct names names = {.n_max = 10};

    for (size_t i = 0; i < COUNT(rows); i++) {
        containerd_fixture_fail(f, "", rows[i].status);
        f->log.fail_words = rows[i].words;
        assert_false(images_delete(&f->scope, "a", &f->cancel, &f->err) &&
                     rows[i].status != RPC_NOT_FOUND);
        if (rows[i].status != RPC_NOT_FOUND)
            assert_int_equal(f->err.code, rows[i].want);
        containerd_fixture_fail(f, "", rows[i].status);
        f->log.fail_words = rows[i].words;
        assert_false(content_list(&f->scope, visit_content, &names, &f->cancel, &f->err));
        assert_int_equal(f->err.code, rows[i].want);
    }
}

static void says_why_a_daemon_cannot_be_reached(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(containerd_freep) struct containerd *gone = NULL;
    char path[300] = "/nowhere/";
    bool serving;

    gone = containerd_new("/nowhere/containerd.sock", &f->err);
    assert_non_null(gone);
    assert_string_equal(containerd_address(gone), "/nowhere/containerd.sock");
    assert_false(containerd_health(gone, &serving, &f->cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_RUNTIME_UNAVAILABLE);
    assert_true(error_has_status(&f->err, STATUS_GRPC, RPC_UNAVAILABLE));
    assert_memory_equal(f->err.message, "/nowhere/containerd.sock: ", 26);
    memset(path + 9, 'x', 99 - 1); /* 107 bytes fit into a sockaddr_un */
    containerd_freep(&gone);
    gone = containerd_new(path, &f->err);
    assert_non_null(gone);
    path[107] = 'x';
    assert_null(containerd_new(path, &f->err));
    assert_int_equal(f->err.code, ERROR_INVALID);
}

static void names_a_daemon_that_hangs(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(silent_socket_close) struct silent_socket silent;
    CLEANUP(cancel_deinit) struct cancel cancel;
    CLEANUP(containerd_freep) struct containerd *hung = NULL;
    struct containerd_identity identity;

    silent_socket_open(&silent);
    cancel_init(&cancel, clock_now_ns() + 100 * NS_PER_MS);
    hung = containerd_new(silent.path, &f->err);
    assert_non_null(hung);
    assert_false(containerd_identify(hung, &f->arena, &identity, &cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_TIMEOUT);
    assert_memory_equal(f->err.message, silent.path, strlen(silent.path));
    assert_non_null(strstr(f->err.message, "Version/Version within "));
}

static void parses_versions(void **state)
{
    static const struct {
        const char *text;
        unsigned want;
    } rows[] = {
        {"1.6.20~ds1", DAEMON_VERSION(1, 6)},
        {"v1.7.11-k3s2", DAEMON_VERSION(1, 7)},
        {"2.1.9+unknown", DAEMON_VERSION(2, 1)},
        {"2.10", DAEMON_VERSION(2, 10)},
        {"2", UINT32_MAX},
        {"", UINT32_MAX},
        {"vv1.2", UINT32_MAX},
        {"devel", UINT32_MAX},
    };

    (void)state;
    assert_true(DAEMON_VERSION(2, 10) > DAEMON_VERSION(2, 9));
    assert_true(DAEMON_VERSION(2, 0) > DAEMON_VERSION(1, 99));
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(daemon_version(rows[i].text), rows[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(returns_records_with_target_and_labels),
        TEST(creates_a_record_once),
        TEST(deleting_a_missing_thing_succeeds),
        TEST(deletes_what_is_there),
        TEST(a_namespace_with_content_is_not_deleted),
        TEST(creates_a_namespace_that_may_exist),
        TEST(a_lease_expires_and_has_labels),
        TEST(only_a_synchronous_delete_waits_for_the_collection),
        TEST(unpacks_a_layer_in_three_calls),
        TEST(a_failed_apply_blames_the_layer_unless_the_daemon_is_gone),
        TEST(lists_end_with_the_error_of_the_visitor),
        TEST(finds_many_blobs_with_few_requests),
        TEST(reads_a_blob_or_a_part_of_it),
        TEST(aborts_every_ingest),
        TEST(lists_containers_on_old_daemons_too),
        TEST(identifies_the_daemon),
        TEST(finds_the_export_of_the_first_plugin_of_a_type),
        TEST(a_list_above_the_limit_is_taken_in_parts),
        TEST(a_list_that_no_part_of_which_fits_fails),
        TEST(visits_namespaces_but_not_those_of_probes),
        TEST(a_message_that_does_not_fit_is_not_sent),
        TEST(reads_reasons_from_the_text_of_the_daemon),
        TEST(says_why_a_daemon_cannot_be_reached),
        TEST(names_a_daemon_that_hangs),
        TEST(parses_versions),
    };

    return RUN(tests);
}
