/* SPDX-License-Identifier: Apache-2.0 */
/* Scans of a fake daemon: verdicts, the order of the calls, and which images are asked for again.
 */
#include "inventory/image_scan.h"

#include "support/containerd_fixture.h"

struct scan_fixture {
    struct containerd_fixture *f;
    struct fake_image image;
    struct image_scanner scanner;
    struct image_findings findings;
    const char *own; /* snapshotter of the namespace */
};

static void scan_init(struct scan_fixture *s, struct containerd_fixture *f)
{
    *s = (struct scan_fixture){
        .f = f,
        .scanner = {.daemon = f->daemon,
                    .rules = check_rules_of("2.1.0"),
                    .files = CONTENT_FILES_INIT,
                    .content = NAME_MAP_INIT},
        .findings = IMAGE_FINDINGS_INIT,
        .own = FAKE_SNAPSHOTTER,
    };
    image_snapshotters_init(&s->scanner.snapshotters);
    platform_matcher_host(&s->scanner.matcher);
    s->scanner.cache = image_cache_new(&f->err);
    assert_non_null(s->scanner.cache);
    fake_image_init(&s->image, "scan", 2, FAKE_INDEX);
}

static void scan_deinit(struct scan_fixture *s)
{
    image_findings_deinit(&s->findings);
    image_cache_free(s->scanner.cache);
    name_map_deinit(&s->scanner.content);
    image_snapshotters_deinit(&s->scanner.snapshotters);
    fake_image_deinit(&s->image);
}

/* One scan, as a cycle of its own, with an empty log before it. */
static bool scan(struct scan_fixture *s)
{
    bool ok;

    image_cache_begin(s->scanner.cache, true);
    ok = image_scan(&s->scanner, SPACE, s->own, &s->findings, &s->f->cancel, &s->f->err);
    image_cache_end(s->scanner.cache, true);
    return ok;
}

/* Both lists are in progress at once, so their order in the log is not certain. */
static void assert_lists(struct scan_fixture *s, unsigned n)
{
    static const char *const order[] = {"Images/List", "Content/List", NULL};

    assert_int_equal(call_log_count(&s->f->log, "Images/List"), n);
    assert_int_equal(call_log_count(&s->f->log, "Content/List"), n);
    assert_int_equal(call_log_count(&s->f->log, "Snapshots/List"), n);
    assert_true(call_log_in_order(&s->f->log, order));
}

static void remove_item(struct containerd_fixture *f, enum fake_kind kind, const char *name)
{
    struct fake_item *item = fake_containerd_find(f->fake, kind, SPACE, name);

    assert_non_null(item);
    snprintf(item->space, sizeof(item->space), "gone");
}

static void restore_item(struct containerd_fixture *f, enum fake_kind kind, const char *name)
{
    struct fake_item *item = fake_containerd_find(f->fake, kind, "gone", name);

    assert_non_null(item);
    snprintf(item->space, sizeof(item->space), SPACE);
}

static void move_snapshots(struct scan_fixture *s, const char *snapshotter)
{
    for (size_t i = 0; i < s->f->fake->n_items; i++)
        if (s->f->fake->items[i]->kind == FAKE_SNAPSHOT)
            snprintf(s->f->fake->items[i]->snapshotter, sizeof(s->f->fake->items[i]->snapshotter),
                     "%s", snapshotter);
}

/* Adds another name of the image that is there. */
static void add_name(struct scan_fixture *s, const char *name)
{
    struct fake_item *record = fake_containerd_add(s->f->fake, FAKE_RECORD, SPACE, name);

    snprintf(record->target, sizeof(record->target), "%s", s->image.root.digest);
    snprintf(record->media_type, sizeof(record->media_type), "%s", s->image.root.media_type);
}

static void a_complete_image_needs_no_second_call(void **state)
{
    CLEANUP(scan_deinit) struct scan_fixture s;
    const struct image_finding *finding;

    scan_init(&s, *state);
    fake_containerd_add_image(s.f->fake, SPACE, "b", &s.image);
    fake_containerd_add_image(s.f->fake, "other", "c", &s.image);
    fake_containerd_add_snapshots(s.f->fake, SPACE, &s.image);
    assert_true(scan(&s));
    assert_int_equal(s.findings.count, 1);
    finding = s.findings.items;
    assert_string_equal(finding->name, "b");
    assert_string_equal(finding->digest, s.image.root.digest);
    assert_string_equal(finding->media_type, MEDIA_TYPE_OCI_INDEX);
    assert_int_equal(finding->verdict.status, IMAGE_COMPLETE);
    assert_int_equal(finding->verdict.required, 3);
    assert_true(finding->verdict.unpacked);
    assert_false(image_finding_is_bad(finding));
    assert_true(finding->since == 0);
    assert_lists(&s, 1);
    assert_int_equal(call_log_count(&s.f->log, "Content/Read"), 3); /* index, manifest, config */
    assert_int_equal(call_log_count(&s.f->log, ""), 6);
    call_log_clear(&s.f->log);
    assert_true(scan(&s));
    assert_lists(&s, 1);
    assert_int_equal(call_log_count(&s.f->log, ""), 3); /* the documents are cached */
}

static void an_empty_namespace_needs_one_list(void **state)
{
    CLEANUP(scan_deinit) struct scan_fixture s;

    scan_init(&s, *state);
    assert_true(scan(&s));
    assert_int_equal(s.findings.count, 0);
    assert_calls(s.f, "Images/List\n");
}

static void findings_are_sorted_by_name(void **state)
{
    static const char *const names[] = {"m", "a", "z", "b"};
    CLEANUP(scan_deinit) struct scan_fixture s;

    scan_init(&s, *state);
    fake_containerd_add_image(s.f->fake, SPACE, names[0], &s.image);
    for (size_t i = 1; i < 4; i++)
        add_name(&s, names[i]);
    assert_true(scan(&s));
    assert_int_equal(s.findings.count, 4);
    assert_string_equal(s.findings.items[0].name, "a");
    assert_string_equal(s.findings.items[1].name, "b");
    assert_string_equal(s.findings.items[2].name, "m");
    assert_string_equal(s.findings.items[3].name, "z");
}

static void asks_once_for_an_incomplete_image(void **state)
{
    CLEANUP(scan_deinit) struct scan_fixture s;
    double since;

    scan_init(&s, *state);
    fake_containerd_add_image(s.f->fake, SPACE, "a", &s.image);
    remove_item(s.f, FAKE_CONTENT, s.image.layers[1].digest);
    assert_true(scan(&s));
    assert_int_equal(s.findings.items[0].verdict.status, IMAGE_INCOMPLETE);
    assert_int_equal(s.findings.items[0].verdict.present, 2);
    assert_int_equal(s.findings.items[0].verdict.required, 3);
    assert_true(image_finding_is_bad(&s.findings.items[0]));
    since = s.findings.items[0].since;
    assert_true(since > 0);
    assert_lists(&s, 1);
    assert_int_equal(call_log_count(&s.f->log, "Images/Get a"), 1);
    assert_int_equal(call_log_count(&s.f->log, "Content/Info"), 1);
    assert_true(call_log_has(&s.f->log, "Content/Info sha256:"));
    call_log_clear(&s.f->log);
    assert_true(scan(&s)); /* the same as before */
    assert_int_equal(s.findings.items[0].verdict.status, IMAGE_INCOMPLETE);
    assert_true(s.findings.items[0].since == since);
    assert_int_equal(call_log_count(&s.f->log, ""), 3);
    restore_item(s.f, FAKE_CONTENT, s.image.layers[1].digest);
    assert_true(scan(&s));
    assert_int_equal(s.findings.items[0].verdict.status, IMAGE_COMPLETE);
    assert_true(s.findings.items[0].since == 0);
}

static void another_missing_blob_is_checked_again(void **state)
{
    CLEANUP(scan_deinit) struct scan_fixture s;

    scan_init(&s, *state);
    fake_containerd_add_image(s.f->fake, SPACE, "a", &s.image);
    remove_item(s.f, FAKE_CONTENT, s.image.layers[1].digest);
    assert_true(scan(&s));
    restore_item(s.f, FAKE_CONTENT, s.image.layers[1].digest);
    remove_item(s.f, FAKE_CONTENT, s.image.layers[0].digest);
    call_log_clear(&s.f->log);
    assert_true(scan(&s));
    assert_int_equal(call_log_count(&s.f->log, "Images/Get a"), 1);
}

static void discarded_layers_are_not_bad(void **state)
{
    CLEANUP(scan_deinit) struct scan_fixture s;

    scan_init(&s, *state);
    fake_containerd_add_image(s.f->fake, SPACE, "a", &s.image);
    fake_containerd_add_snapshots(s.f->fake, SPACE, &s.image);
    remove_item(s.f, FAKE_CONTENT, s.image.layers[0].digest);
    remove_item(s.f, FAKE_CONTENT, s.image.layers[1].digest);
    assert_true(scan(&s));
    assert_int_equal(s.findings.items[0].verdict.status, IMAGE_INCOMPLETE);
    assert_true(s.findings.items[0].verdict.unpacked);
    assert_false(image_finding_is_bad(&s.findings.items[0]));
    assert_true(s.findings.items[0].since == 0);
}

static void a_missing_manifest_is_unavailable(void **state)
{
    CLEANUP(scan_deinit) struct scan_fixture s;

    scan_init(&s, *state);
    fake_containerd_add_image(s.f->fake, SPACE, "a", &s.image);
    remove_item(s.f, FAKE_CONTENT, s.image.root.digest);
    assert_true(scan(&s));
    assert_int_equal(s.findings.items[0].verdict.status, IMAGE_UNAVAILABLE);
    assert_true(image_finding_is_bad(&s.findings.items[0]));
}

static void an_unreadable_document_is_an_error(void **state)
{
    CLEANUP(scan_deinit) struct scan_fixture s;

    scan_init(&s, *state);
    fake_containerd_add_image(s.f->fake, SPACE, "a", &s.image);
    s.f->log.fail_method = "Content/Read"; /* the file is gone, the record is not */
    s.f->log.fail_status = RPC_NOT_FOUND;
    s.f->log.fail_at = 1;
    s.f->log.fail_on = true;
    assert_true(scan(&s));
    assert_int_equal(s.findings.items[0].verdict.status, IMAGE_ERROR);
    assert_true(call_log_has(&s.f->log, "Content/Info"));
}

/* Deletes the image between the list of images and that of content. */
static void delete_between_lists(void *arg, const char *line)
{
    struct scan_fixture *s = arg;

    if (strncmp(line, "Content/List", 12) != 0 ||
        !fake_containerd_find(s->f->fake, FAKE_RECORD, SPACE, "a"))
        return;
    remove_item(s->f, FAKE_RECORD, "a");
    remove_item(s->f, FAKE_CONTENT, s->image.root.digest);
}

static void an_image_that_is_deleted_during_the_scan_is_no_finding(void **state)
{
    CLEANUP(scan_deinit) struct scan_fixture s;

    scan_init(&s, *state);
    fake_containerd_add_image(s.f->fake, SPACE, "a", &s.image);
    s.f->log.on_call = delete_between_lists;
    s.f->log.arg = &s;
    assert_true(scan(&s));
    assert_int_equal(s.findings.count, 0);
    assert_int_equal(s.f->err.code, ERROR_NONE);
    assert_int_equal(call_log_count(&s.f->log, "Images/Get a"), 1);
    assert_lists(&s, 1);
}

/* The blob arrives after the list of content, before the image is asked for. */
static void add_after_lists(void *arg, const char *line)
{
    struct scan_fixture *s = arg;

    if (strncmp(line, "Images/Get", 10) == 0 &&
        fake_containerd_find(s->f->fake, FAKE_CONTENT, "gone", s->image.layers[1].digest))
        restore_item(s->f, FAKE_CONTENT, s->image.layers[1].digest);
}

static void lists_again_if_the_daemon_has_what_the_list_lacks(void **state)
{
    CLEANUP(scan_deinit) struct scan_fixture s;

    scan_init(&s, *state);
    fake_containerd_add_image(s.f->fake, SPACE, "a", &s.image);
    remove_item(s.f, FAKE_CONTENT, s.image.layers[1].digest);
    s.f->log.on_call = add_after_lists;
    s.f->log.arg = &s;
    assert_true(scan(&s));
    assert_lists(&s, 2);
    assert_int_equal(s.findings.count, 1);
    assert_int_equal(s.findings.items[0].verdict.status, IMAGE_COMPLETE);
}

/* The record gets another target before it is asked for; each time anew. */
static void retarget(void *arg, const char *line)
{
    struct scan_fixture *s = arg;
    struct fake_item *record = fake_containerd_find(s->f->fake, FAKE_RECORD, SPACE, "a");

    if (strncmp(line, "Images/Get", 10) == 0)
        record->target[strlen(record->target) - 1] ^= 1;
}

static void leaves_out_an_image_that_changes_all_the_time(void **state)
{
    CLEANUP(scan_deinit) struct scan_fixture s;

    scan_init(&s, *state);
    fake_containerd_add_image(s.f->fake, SPACE, "a", &s.image);
    remove_item(s.f, FAKE_CONTENT, s.image.root.digest);
    s.f->log.on_call = retarget;
    s.f->log.arg = &s;
    assert_true(scan(&s));
    assert_lists(&s, 3);
    assert_int_equal(s.findings.count, 0);
}

static void lists_again_instead_of_asking_for_many(void **state)
{
    CLEANUP(scan_deinit) struct scan_fixture s;
    char name[8];

    scan_init(&s, *state);
    fake_containerd_add_image(s.f->fake, SPACE, "i0", &s.image);
    for (size_t i = 1; i < 9; i++) {
        snprintf(name, sizeof(name), "i%zu", i);
        add_name(&s, name);
    }
    remove_item(s.f, FAKE_CONTENT, s.image.layers[1].digest);
    assert_true(scan(&s));
    assert_int_equal(s.findings.count, 9); /* two lists say the same */
    assert_lists(&s, 2);
    assert_int_equal(call_log_count(&s.f->log, "Images/Get"), 0);
    assert_true(s.findings.items[8].since > 0);
    remove_item(s.f, FAKE_RECORD, "i8");
    remove_item(s.f, FAKE_CONTENT, s.image.layers[0].digest);
    call_log_clear(&s.f->log);
    assert_true(scan(&s));
    assert_lists(&s, 1); /* eight are asked for one by one */
    assert_int_equal(call_log_count(&s.f->log, "Images/Get"), 8);
    assert_int_equal(s.findings.count, 8);
}

static void an_unknown_snapshotter_is_no_failure(void **state)
{
    static const int statuses[] = {RPC_INVALID_ARGUMENT, RPC_NOT_FOUND};
    CLEANUP(scan_deinit) struct scan_fixture s;

    scan_init(&s, *state);
    fake_containerd_add_image(s.f->fake, SPACE, "a", &s.image);
    fake_containerd_add_snapshots(s.f->fake, SPACE, &s.image);
    for (size_t i = 0; i < 2; i++) {
        containerd_fixture_fail(s.f, "Snapshots/List", statuses[i]);
        assert_true(scan(&s));
        assert_int_equal(s.f->err.code, ERROR_NONE);
        assert_int_equal(s.findings.items[0].verdict.status, IMAGE_COMPLETE);
        assert_false(s.findings.items[0].verdict.unpacked);
        assert_true(s.findings.items[0].verdict.unpack_failed);
    }
}

/* Where the image is: in the usual snapshotter, in the other one, or in none; and what its
 * configuration and the namespace say. */
static void an_image_is_unpacked_where_its_label_says(void **state)
{
    static const struct {
        const char *own, *label, *place, *other; /* other: that is loaded */
        bool unpacked, failed;
    } rows[] = {
        {"overlayfs", "overlayfs", "overlayfs", NULL, true, false},
        {"overlayfs", NULL, "overlayfs", NULL, true, false},
        {"overlayfs", "native", "native", "native", true, false},
        {"overlayfs", NULL, "native", "native", false, false},
        {"overlayfs", "native", "overlayfs", "native", true, false}, /* as for ctr */
        {"overlayfs", "native/x", "native", "native", true, false},  /* as for the GC */
        {"overlayfs", "", "native", "native", false, false},
        {"overlayfs", "/", "native", "native", false, false},
        {"overlayfs", "nativ", "native", "native", false, false},
        {"overlayfs", "native2", "native", "native", false, false},
        {"overlayfs", "gone", "gone", NULL, false, false}, /* is not loaded: to be unpacked again */
        {"native", "overlayfs", "overlayfs", "native", true, false},
        {"native", NULL, "native", "native", true, false},
        {"gone", "overlayfs", "overlayfs", NULL, true, false},
        {"gone", "overlayfs", "native", NULL, false, true},
        {"gone", NULL, "overlayfs", NULL, false, true},
        {"gone", "away", "overlayfs", NULL, false, true},
    };
    CLEANUP(scan_deinit) struct scan_fixture s;
    char label[64];

    scan_init(&s, *state);
    fake_containerd_add_image(s.f->fake, SPACE, "a", &s.image);
    fake_containerd_add_snapshots(s.f->fake, SPACE, &s.image);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fake_item *config =
            fake_containerd_find(s.f->fake, FAKE_CONTENT, SPACE, s.image.config.digest);

        config->n_labels = 0;
        fake_item_label(config, "containerd.io/distribution.source.lab", "a");
        snprintf(label, sizeof(label), "containerd.io/gc.ref.snapshot.%s",
                 rows[i].label ? rows[i].label : "");
        if (rows[i].label)
            fake_item_label(config, label, "sha256:chain");
        move_snapshots(&s, rows[i].place);
        s.f->fake->other_snapshotter = rows[i].other;
        s.own = rows[i].own;
        assert_true(scan(&s));
        if (s.findings.items[0].verdict.unpacked != rows[i].unpacked ||
            s.findings.items[0].verdict.unpack_failed != rows[i].failed)
            fail_msg("row %zu", i);
        assert_false(s.findings.items[0].verdict.unpack_unknown);
        assert_int_equal(s.findings.failure.code, ERROR_NONE);
    }
}

static void of_a_snapshotter_that_fails_nothing_is_known(void **state)
{
    static const int statuses[] = {RPC_UNAVAILABLE, RPC_INTERNAL, RPC_DEADLINE_EXCEEDED,
                                   RPC_UNKNOWN};
    CLEANUP(scan_deinit) struct scan_fixture s;

    scan_init(&s, *state);
    s.f->fake->serving = true;
    fake_containerd_add_image(s.f->fake, SPACE, "a", &s.image);
    fake_containerd_add_snapshots(s.f->fake, SPACE, &s.image);
    remove_item(s.f, FAKE_CONTENT, s.image.layers[0].digest);
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        containerd_fixture_fail(s.f, "Snapshots/List", statuses[i]);
        s.f->log.fail_on = true;
        assert_true(scan(&s));
        assert_int_equal(s.findings.count, 1);
        assert_int_equal(s.findings.items[0].verdict.status, IMAGE_INCOMPLETE);
        assert_true(s.findings.items[0].verdict.unpack_unknown);
        assert_true(s.findings.items[0].verdict.unpack_failed);
        assert_false(s.findings.items[0].verdict.unpacked);
        assert_false(image_finding_is_bad(&s.findings.items[0])); /* perhaps it was discarded */
        assert_string_equal(s.findings.failure.message, "snapshotter overlayfs: planned failure");
        assert_int_equal(call_log_count(&s.f->log, "Snapshots/List"), 1);
        call_log_clear(&s.f->log);
        assert_true(scan(&s)); /* it works again */
        assert_true(s.findings.items[0].verdict.unpacked);
        assert_int_equal(s.findings.failure.code, ERROR_NONE);
    }
}

static void a_failure_of_any_call_keeps_the_findings(void **state)
{
    static const char *const methods[] = {"Images/List", "Content/List", "Images/Get",
                                          "Content/Info"};
    CLEANUP(scan_deinit) struct scan_fixture s;

    scan_init(&s, *state);
    fake_containerd_add_image(s.f->fake, SPACE, "a", &s.image);
    assert_true(scan(&s));
    remove_item(s.f, FAKE_CONTENT, s.image.layers[1].digest);
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        containerd_fixture_fail(s.f, methods[i], RPC_INTERNAL);
        assert_false(scan(&s));
        assert_true(error_has_status(&s.f->err, STATUS_GRPC, RPC_INTERNAL));
        assert_int_equal(s.findings.count, 1);
        assert_int_equal(s.findings.items[0].verdict.status, IMAGE_COMPLETE);
    }
}

static void a_daemon_that_goes_away_is_not_the_fault_of_a_document(void **state)
{
    CLEANUP(scan_deinit) struct scan_fixture s;

    scan_init(&s, *state);
    fake_containerd_add_image(s.f->fake, SPACE, "a", &s.image);
    containerd_fixture_fail(s.f, "Content/Read", RPC_UNAVAILABLE);
    assert_false(scan(&s));
    assert_int_equal(s.f->err.code, ERROR_RUNTIME_UNAVAILABLE);
    assert_int_equal(s.findings.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_complete_image_needs_no_second_call),
        TEST(an_empty_namespace_needs_one_list),
        TEST(findings_are_sorted_by_name),
        TEST(asks_once_for_an_incomplete_image),
        TEST(another_missing_blob_is_checked_again),
        TEST(discarded_layers_are_not_bad),
        TEST(a_missing_manifest_is_unavailable),
        TEST(an_unreadable_document_is_an_error),
        TEST(an_image_that_is_deleted_during_the_scan_is_no_finding),
        TEST(lists_again_if_the_daemon_has_what_the_list_lacks),
        TEST(leaves_out_an_image_that_changes_all_the_time),
        TEST(lists_again_instead_of_asking_for_many),
        TEST(an_unknown_snapshotter_is_no_failure),
        TEST(an_image_is_unpacked_where_its_label_says),
        TEST(of_a_snapshotter_that_fails_nothing_is_known),
        TEST(a_failure_of_any_call_keeps_the_findings),
        TEST(a_daemon_that_goes_away_is_not_the_fault_of_a_document),
    };

    return RUN(tests);
}
