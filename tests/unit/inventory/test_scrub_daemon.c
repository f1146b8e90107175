/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of blobs against a fake daemon: every kind of damage, slices, rotations, affected images.
 */
#include "inventory/scrub/scrub.h"

#include "containerd/namespaces.h"
#include "inventory/scrub/scrub_read.h"
#include "support/containerd_fixture.h"

#define ALL_BYTES UINT64_MAX

static struct scrub *scrub;
static struct fake_image image;

static int setup(void **state)
{
    struct containerd_fixture *f;

    if (containerd_fixture_reset(state) != 0)
        return -1;
    f = *state;
    scrub = scrub_new();
    fake_image_init(&image, "scrub", 2, FAKE_INDEX);
    fake_containerd_add_image(f->fake, SPACE, "a", &image);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scrub_free(scrub);
    fake_image_deinit(&image);
    return 0;
}

static struct fake_item *content(struct containerd_fixture *f, const char *digest)
{
    struct fake_item *item = fake_containerd_find(f->fake, FAKE_CONTENT, SPACE, digest);

    assert_non_null(item);
    return item;
}

static bool run(struct containerd_fixture *f, size_t checks_max, uint64_t hash_bytes)
{
    const struct scrub_slice slice = {checks_max, hash_bytes};

    return scrub_run(scrub, f->daemon, &slice, &f->cancel, &f->err);
}

static struct scrub_totals totals(void)
{
    struct scrub_totals out;

    scrub_totals(scrub, &out);
    return out;
}

static void add_hit(void *arg, const struct scrub_hit *hit)
{
    char *text = arg;
    size_t used = strlen(text);

    snprintf(text + used, 512 - used, "%s %s %.15s %s\n", hit->name_space, hit->image, hit->digest,
             scrub_kind_name(hit->kind));
}

static void a_healthy_store_has_nothing_bad(void **state)
{
    struct containerd_fixture *f = *state;
    uint64_t bytes = fake_image_bytes(&image);

    assert_true(run(f, 100, ALL_BYTES));
    assert_int_equal(totals().read_bytes, bytes + image.n_blobs); /* each last byte, and all */
    assert_int_equal(totals().check_rotations, 1);
    assert_int_equal(totals().hash_rotations, 1);
    assert_true(totals().last_check_rotation > 0 && totals().last_hash_rotation > 0);
    for (size_t kind = 0; kind < SCRUB_KINDS; kind++)
        assert_int_equal(totals().bad[kind], 0);
    assert_int_equal(call_log_count(&f->log, "Images/List"), 0); /* no blob is bad */
    assert_int_equal(call_log_count(&f->log, "Content/Read"), 2 * image.n_blobs);
}

static void checks_a_limited_number_of_blobs_per_slice(void **state)
{
    struct containerd_fixture *f = *state;

    assert_true(run(f, 2, 0));
    assert_int_equal(totals().read_bytes, 2);
    assert_int_equal(totals().check_rotations, 0);
    assert_true(totals().last_check_rotation == 0);
    assert_true(run(f, 2, 0));
    assert_int_equal(totals().read_bytes, 4);
    assert_true(run(f, 2, 0)); /* the fifth blob, and the end of the rotation */
    assert_int_equal(totals().read_bytes, 5);
    assert_int_equal(totals().check_rotations, 1);
    assert_int_equal(totals().hash_rotations, 0);
    assert_true(run(f, 2, 0));
    assert_int_equal(totals().read_bytes, 7);
}

static void continues_a_hash_in_the_next_slice(void **state)
{
    struct containerd_fixture *f = *state;
    uint64_t bytes = fake_image_bytes(&image), slices = 0;

    while (totals().hash_rotations == 0) {
        uint64_t before = totals().read_bytes;

        assert_true(run(f, 0, 64));
        assert_in_range(totals().read_bytes - before, 0, 64);
        assert_in_range(slices++, 0, bytes / 64 + 2);
    }
    assert_int_equal(totals().read_bytes, bytes);
    assert_int_equal(totals().bad[SCRUB_WRONG_HASH], 0);
}

static void finds_wrong_bytes_and_the_images_that_need_them(void **state)
{
    struct containerd_fixture *f = *state;
    struct fake_item *layer = content(f, image.layers[1].digest);
    char hits[512] = "", want[512];

    layer->data[3] ^= 1;
    assert_true(run(f, 100, ALL_BYTES));
    assert_int_equal(totals().bad[SCRUB_WRONG_HASH], 1);
    scrub_each_hit(scrub, add_hit, hits);
    snprintf(want, sizeof(want), SPACE " a %.15s wrong_hash\n", layer->name);
    assert_string_equal(hits, want);
    layer->data[3] ^= 1; /* a repair shows when the blob is hashed again */
    assert_true(run(f, 100, 0));
    assert_int_equal(totals().bad[SCRUB_WRONG_HASH], 1);
    assert_true(run(f, 100, ALL_BYTES));
    assert_int_equal(totals().bad[SCRUB_WRONG_HASH], 0);
    hits[0] = '\0';
    scrub_each_hit(scrub, add_hit, hits);
    assert_string_equal(hits, "");
}

static void a_failed_read_tells_the_damage(void **state)
{
    static const struct {
        int status;
        enum scrub_kind kind;
        bool ok;
    } rows[] = {
        {RPC_NOT_FOUND, SCRUB_MISSING_FILE, true}, {RPC_OUT_OF_RANGE, SCRUB_TRUNCATED, true},
        {RPC_UNKNOWN, SCRUB_UNREADABLE, true},     {RPC_INTERNAL, SCRUB_UNREADABLE, true},
        {RPC_DATA_LOSS, SCRUB_UNREADABLE, true},   {RPC_UNAVAILABLE, SCRUB_KINDS, false},
        {RPC_CANCELLED, SCRUB_KINDS, false},
    };
    struct containerd_fixture *f = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (uint64_t hash_bytes = 0; hash_bytes <= 1000; hash_bytes += 1000) {
            scrub_free(scrub);
            scrub = scrub_new();
            containerd_fixture_fail(f, "Content/Read", rows[i].status);
            assert_int_equal(run(f, hash_bytes ? 0 : 1, hash_bytes), rows[i].ok);
            for (size_t kind = 0; kind < SCRUB_KINDS; kind++)
                assert_int_equal(totals().bad[kind], kind == rows[i].kind);
            assert_int_equal(call_log_count(&f->log, "Content/Info"), rows[i].ok);
        }
}

static void a_deleted_blob_is_not_bad(void **state)
{
    struct containerd_fixture *f = *state;

    containerd_fixture_fail(f, "Content/", RPC_NOT_FOUND); /* the read, and then the size */
    f->log.fail_at = 2;
    f->log.fail_on = true;
    assert_true(run(f, 100, ALL_BYTES));
    for (size_t kind = 0; kind < SCRUB_KINDS; kind++)
        assert_int_equal(totals().bad[kind], 0);
    assert_int_equal(totals().check_rotations, 1);
    containerd_fixture_fail(f, "Content/Info", RPC_INTERNAL);
    content(f, image.layers[0].digest)->data[0] ^= 1;
    assert_false(run(f, 0, ALL_BYTES)); /* whether it was deleted is unknown */
    assert_int_equal(totals().bad[SCRUB_WRONG_HASH], 0);
}

static void checks_a_missing_file_again_in_each_slice(void **state)
{
    struct containerd_fixture *f = *state;

    containerd_fixture_fail(f, "Content/Read", RPC_NOT_FOUND);
    assert_true(run(f, 1, 0));
    assert_int_equal(totals().bad[SCRUB_MISSING_FILE], 1);
    assert_true(run(f, 0, 0)); /* no checks: it stays bad */
    assert_int_equal(totals().bad[SCRUB_MISSING_FILE], 1);
    assert_true(run(f, 1, 0)); /* the file is back */
    assert_int_equal(totals().bad[SCRUB_MISSING_FILE], 0);
    assert_int_equal(totals().read_bytes, 1); /* that check was the slice's only one */
}

static void a_deleted_record_is_forgotten(void **state)
{
    struct containerd_fixture *f = *state;

    for (size_t i = 0; i < image.n_blobs; i++)
        content(f, image.blobs[i].descriptor->digest)->data[0] ^= 1;
    assert_true(run(f, 0, ALL_BYTES));
    assert_int_equal(totals().bad[SCRUB_WRONG_HASH], image.n_blobs);
    strcpy(content(f, image.layers[0].digest)->space, "gone");
    assert_true(run(f, 0, 0));
    assert_int_equal(totals().bad[SCRUB_WRONG_HASH], image.n_blobs - 1);
}

static void finds_affected_images_only_if_something_changed(void **state)
{
    struct containerd_fixture *f = *state;
    char hits[512] = "";

    content(f, image.layers[0].digest)->data[0] ^= 1;
    assert_true(run(f, 0, ALL_BYTES));
    call_log_clear(&f->log);
    assert_true(run(f, 0, 0));
    assert_int_equal(call_log_count(&f->log, "Images/List"), 1); /* to compare, not to read */
    assert_int_equal(call_log_count(&f->log, "Content/Read"), 0);
    fake_containerd_find(f->fake, FAKE_RECORD, SPACE, "a")->name[0] = 'b';
    call_log_clear(&f->log);
    assert_true(run(f, 0, 0));
    assert_int_equal(call_log_count(&f->log, "Content/Read"), 2); /* index and manifest */
    scrub_each_hit(scrub, add_hit, hits);
    assert_memory_equal(hits, SPACE " b sha256:", strlen(SPACE " b sha256:"));
    containerd_fixture_fail(f, "Images/List", RPC_INTERNAL);
    assert_false(run(f, 0, 0));
    hits[0] = '\0';
    scrub_each_hit(scrub, add_hit, hits);
    assert_memory_equal(hits, SPACE " b sha256:", strlen(SPACE " b sha256:")); /* as before */
}

static void an_unreadable_manifest_has_no_further_needs(void **state)
{
    struct containerd_fixture *f = *state;
    char hits[512] = "", want[512];

    content(f, image.manifest.digest)->data[0] ^= 1; /* no longer JSON */
    content(f, image.layers[0].digest)->data[0] ^= 1;
    assert_true(run(f, 0, ALL_BYTES));
    scrub_each_hit(scrub, add_hit, hits);
    snprintf(want, sizeof(want), SPACE " a %.15s wrong_hash\n", image.manifest.digest);
    assert_string_equal(hits, want);
}

static void a_daemon_that_is_gone_is_not_an_unreadable_manifest(void **state)
{
    static const struct {
        int status;
        bool ok;
    } rows[] = {{RPC_NOT_FOUND, true},
                {RPC_UNKNOWN, true},
                {RPC_CANCELLED, false},
                {RPC_DEADLINE_EXCEEDED, false},
                {RPC_UNAVAILABLE, false}};
    struct containerd_fixture *f = *state;
    struct fake_item *record = fake_containerd_find(f->fake, FAKE_RECORD, SPACE, "a");

    content(f, image.layers[0].digest)->data[0] ^= 1;
    assert_true(run(f, 0, ALL_BYTES));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        record->name[0]++; /* another list of images, so their manifests are read again */
        containerd_fixture_fail(f, "Content/Read", rows[i].status);
        assert_int_equal(run(f, 0, 0), rows[i].ok);
        assert_int_equal(f->err.code == ERROR_NONE, rows[i].ok);
        f->err = (struct error){0};
    }
}

/* Adds an index that names the manifest twice, and the record of an image for it. */
static void add_double_index(struct containerd_fixture *f, char digest[DIGEST_TEXT_BYTES])
{
    char entry[512], *text = NULL;
    struct fake_item *item, *record;

    snprintf(entry, sizeof(entry), "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d}",
             MEDIA_TYPE_OCI_MANIFEST, image.manifest.digest, (int)image.manifest.size);
    assert_true(asprintf(&text, "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[%s,%s]}",
                         MEDIA_TYPE_OCI_INDEX, entry, entry) > 0);
    assert_true(digest_of(text, strlen(text), digest, &f->err));
    item = fake_containerd_add(f->fake, FAKE_CONTENT, SPACE, digest);
    item->size = strlen(text);
    item->data = text;
    record = fake_containerd_add(f->fake, FAKE_RECORD, SPACE, "double");
    strcpy(record->target, digest);
    strcpy(record->media_type, MEDIA_TYPE_OCI_INDEX);
}

static void an_image_is_hit_once_per_bad_blob(void **state)
{
    struct containerd_fixture *f = *state;
    char digest[DIGEST_TEXT_BYTES], hits[512] = "", want[512];

    add_double_index(f, digest);
    content(f, image.layers[0].digest)->data[0] ^= 1;
    content(f, image.layers[1].digest)->data[0] ^= 1;
    assert_true(run(f, 0, ALL_BYTES));
    scrub_each_hit(scrub, add_hit, hits);
    snprintf(want, sizeof(want),
             SPACE " a %.15s wrong_hash\n" SPACE " a %.15s wrong_hash\n" SPACE
                   " double %.15s wrong_hash\n" SPACE " double %.15s wrong_hash\n",
             image.layers[0].digest, image.layers[1].digest, image.layers[0].digest,
             image.layers[1].digest);
    assert_string_equal(hits, want);
    assert_int_equal(totals().hits_dropped, 0);
}

struct observed {
    struct scrub_progress last;
    unsigned n_bad, n_hits;
    enum scrub_kind kind;
};

static void on_progress(void *arg, const struct scrub_progress *progress)
{
    struct observed *observed = arg;

    assert_true(progress->bytes >= observed->last.bytes);
    assert_true(progress->blobs >= observed->last.blobs);
    observed->last = *progress;
}

static void on_bad(void *arg, const struct scrub_bad *bad)
{
    struct observed *observed = arg;

    observed->n_bad++;
    observed->kind = bad->kind;
}

static void on_hit(void *arg, const struct scrub_hit *hit)
{
    (void)hit;
    ((struct observed *)arg)->n_hits++;
}

static void checks_everything_at_once(void **state)
{
    static const char *const others[] = {"other", NULL}, *const ours[] = {"x", SPACE, NULL};
    struct containerd_fixture *f = *state;
    struct observed observed = {0}, nothing = {0};
    struct scrub_observer observer = {on_progress, on_bad, NULL, on_hit, &observed};
    uint64_t bytes = fake_image_bytes(&image);

    content(f, image.layers[0].digest)->data[0] ^= 1;
    assert_true(scrub_everything(f->daemon, NULL, &observer, &f->cancel, &f->err));
    assert_int_equal(observed.last.blobs, image.n_blobs);
    assert_int_equal(observed.last.blobs_total, image.n_blobs);
    assert_int_equal(observed.last.bytes, bytes);
    assert_int_equal(observed.last.bytes_total, bytes);
    assert_int_equal(observed.n_bad, 1);
    assert_int_equal(observed.n_hits, 1);
    assert_int_equal(observed.kind, SCRUB_WRONG_HASH);
    observed.last = (struct scrub_progress){0};
    assert_true(scrub_everything(f->daemon, ours, &observer, &f->cancel, &f->err));
    assert_int_equal(observed.n_bad, 2);
    observer.arg = &nothing;
    assert_true(scrub_everything(f->daemon, others, &observer, &f->cancel, &f->err));
    assert_int_equal(nothing.last.blobs_total + nothing.n_bad + nothing.n_hits, 0);
    observer = (struct scrub_observer){0};
    assert_true(scrub_everything(f->daemon, NULL, &observer, &f->cancel, &f->err));
    containerd_fixture_fail(f, "Content/List", RPC_INTERNAL);
    assert_false(scrub_everything(f->daemon, NULL, &observer, &f->cancel, &f->err));
}

static struct fake_item *add_blob(struct containerd_fixture *f, const char *digest,
                                  const char *text)
{
    struct fake_item *item = fake_containerd_add(f->fake, FAKE_CONTENT, SPACE, digest);

    item->size = strlen(text);
    item->data = strdup(text);
    return item;
}

static void hashes_with_the_algorithm_of_the_digest(void **state)
{
    static const char *const likes[] = {"sha384:", "sha512:"};
    struct containerd_fixture *f = *state;
    struct fake_item *items[2];
    char digest[DIGEST_TEXT_BYTES];

    for (size_t i = 0; i < 2; i++) {
        assert_true(digest_of_like(likes[i], "hello", 5, digest, &f->err));
        items[i] = add_blob(f, digest, "hello");
    }
    assert_true(run(f, 100, ALL_BYTES));
    assert_int_equal(totals().bad[SCRUB_WRONG_HASH], 0);
    assert_int_equal(totals().unverified, 0);
    for (size_t i = 0; i < 2; i++)
        items[i]->data[1] ^= 1;
    assert_true(run(f, 100, ALL_BYTES));
    assert_int_equal(totals().bad[SCRUB_WRONG_HASH], 2);
}

static void on_unverified(void *arg, size_t count, const char *example)
{
    snprintf(arg, 512, "%zu %s", count, example);
}

static void reports_blobs_that_cannot_be_verified(void **state)
{
    struct containerd_fixture *f = *state;
    char said[512] = "";
    const struct scrub_observer observer = {.unverified = on_unverified, .arg = said};

    assert_true(scrub_everything(f->daemon, NULL, &observer, &f->cancel, &f->err));
    assert_string_equal(said, "");
    add_blob(f, "blake3:0123", "hello");
    assert_true(scrub_everything(f->daemon, NULL, &observer, &f->cancel, &f->err));
    assert_string_equal(said, "1 blake3:0123");
    assert_true(run(f, 100, ALL_BYTES));
    assert_int_equal(totals().unverified, 1);
}

#define SCRUB_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRUB_TEST(a_healthy_store_has_nothing_bad),
        SCRUB_TEST(checks_a_limited_number_of_blobs_per_slice),
        SCRUB_TEST(continues_a_hash_in_the_next_slice),
        SCRUB_TEST(finds_wrong_bytes_and_the_images_that_need_them),
        SCRUB_TEST(a_failed_read_tells_the_damage),
        SCRUB_TEST(a_deleted_blob_is_not_bad),
        SCRUB_TEST(checks_a_missing_file_again_in_each_slice),
        SCRUB_TEST(a_deleted_record_is_forgotten),
        SCRUB_TEST(finds_affected_images_only_if_something_changed),
        SCRUB_TEST(an_unreadable_manifest_has_no_further_needs),
        SCRUB_TEST(a_daemon_that_is_gone_is_not_an_unreadable_manifest),
        SCRUB_TEST(an_image_is_hit_once_per_bad_blob),
        SCRUB_TEST(checks_everything_at_once),
        SCRUB_TEST(hashes_with_the_algorithm_of_the_digest),
        SCRUB_TEST(reports_blobs_that_cannot_be_verified),
    };

    return RUN(tests);
}
