/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a rotation that need no daemon: the sorted blobs, and the set of bad ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "inventory/scrub/scrub_bad_blobs.h"

#include <stdio.h>
#include <string.h>

#define MANY 1000

/* The digest that begins with the number n. */
static const char *digest(unsigned n)
{
    static char text[DIGEST_TEXT_BYTES];

    snprintf(text, sizeof(text), "sha256:%08x%056x", n, 0);
    return text;
}

static struct scrub_sum sum(unsigned n)
{
    struct scrub_sum out;

    assert_true(scrub_sum_parse(&out, digest(n)));
    return out;
}

static void add_blob(struct scrub_blobs *blobs, unsigned n, uint64_t size)
{
    struct error err;

    assert_true(scrub_blobs_add(blobs, digest(n), size, "ns", &err));
}

static void add_bad(struct scrub_bad_blobs *known, unsigned n, enum scrub_kind kind)
{
    const struct scrub_sum which = sum(n);
    struct error err;

    assert_true(scrub_bad_blobs_add(known, &which, kind, &err));
}

static void reads_and_writes_digests(void **state)
{
    static const char text[] =
        "sha256:0123456789abcdef00ff0123456789abcdef00ff0123456789abcdef00ff1234";
    char out[DIGEST_TEXT_BYTES];
    struct scrub_sum parsed;

    (void)state;
    assert_true(scrub_sum_parse(&parsed, text));
    assert_int_equal(parsed.bytes[1], 0x23);
    assert_int_equal(parsed.bytes[9], 0xff);
    scrub_sum_text(&parsed, out);
    assert_string_equal(out, text);
    assert_false(scrub_sum_parse(&parsed, ""));
    assert_false(scrub_sum_parse(&parsed, "sha256:0123"));
    assert_false(scrub_sum_parse(&parsed, "sha512:0123456789abcdef"));
    assert_false(scrub_sum_parse(&parsed,
                                 "blake3:0123456789abcdef00ff0123456789abcdef00ff0123456789ab"
                                 "cdef00ff1234"));
}

static void visits_each_digest_once_in_order(void **state)
{
    CLEANUP(scrub_blobs_deinit) struct scrub_blobs blobs = SCRUB_BLOBS_INIT;
    const struct scrub_blob *blob = NULL;
    unsigned n = 0;

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        add_blob(&blobs, i * 7919 % MANY, 10);
        add_blob(&blobs, i, 10); /* another namespace has it too */
    }
    scrub_blobs_sort(&blobs);
    assert_int_equal(blobs.count, MANY);
    assert_int_equal(blobs.bytes, 10 * MANY);
    while ((blob = scrub_blobs_after(&blobs, blob ? &blob->sum : NULL))) {
        const struct scrub_sum expected = sum(n++);

        assert_int_equal(scrub_sum_compare(&blob->sum, &expected), 0);
    }
    assert_int_equal(n, MANY);
}

/* The blob at which a rotation stopped may be gone: it continues with the next one. */
static void continues_after_a_blob_that_is_gone(void **state)
{
    CLEANUP(scrub_blobs_deinit) struct scrub_blobs blobs = SCRUB_BLOBS_INIT;
    struct scrub_sum last = sum(5), next = sum(6);

    (void)state;
    assert_null(scrub_blobs_after(&blobs, NULL));
    assert_null(scrub_blobs_find(&blobs, &last));
    add_blob(&blobs, 6, 1);
    add_blob(&blobs, 2, 1);
    scrub_blobs_sort(&blobs);
    assert_int_equal(scrub_sum_compare(&scrub_blobs_after(&blobs, &last)->sum, &next), 0);
    assert_null(scrub_blobs_after(&blobs, &next));
    assert_null(scrub_blobs_find(&blobs, &last));
    assert_non_null(scrub_blobs_find(&blobs, &next));
}

/* The order of a rotation is that of the algorithms, then of the digests. */
static void keeps_digests_of_several_algorithms_apart(void **state)
{
    CLEANUP(scrub_blobs_deinit) struct scrub_blobs blobs = SCRUB_BLOBS_INIT;
    char texts[3][DIGEST_TEXT_BYTES], out[DIGEST_TEXT_BYTES];
    struct error err;

    (void)state;
    snprintf(texts[0], sizeof(texts[0]), "sha256:%064d", 1);
    snprintf(texts[1], sizeof(texts[1]), "sha384:%096d", 0);
    snprintf(texts[2], sizeof(texts[2]), "sha512:%0128d", 0);
    for (size_t i = 6; i-- > 0;)
        assert_true(scrub_blobs_add(&blobs, texts[i / 2], 1, "ns", &err));
    scrub_blobs_sort(&blobs);
    assert_int_equal(blobs.count, 3);
    assert_int_equal(blobs.unverified.count, 0);
    for (size_t i = 0; i < 3; i++) {
        scrub_sum_text(&blobs.items[i].sum, out);
        assert_string_equal(out, texts[i]);
        assert_ptr_equal(scrub_blobs_find(&blobs, &blobs.items[i].sum), &blobs.items[i]);
    }
}

static void counts_digests_that_cannot_be_verified(void **state)
{
    CLEANUP(scrub_blobs_deinit) struct scrub_blobs blobs = SCRUB_BLOBS_INIT;
    struct error err;

    (void)state;
    assert_true(scrub_blobs_add(&blobs, "blake3:0123", 1, "ns", &err));
    assert_true(scrub_blobs_add(&blobs, "blake3:0123", 1, "other", &err));
    assert_true(scrub_blobs_add(&blobs, "sha256:nothing", 1, "ns", &err));
    scrub_blobs_sort(&blobs);
    assert_int_equal(blobs.count, 0);
    assert_int_equal(blobs.unverified.count, 2);
    assert_string_equal(blobs.example, "blake3:0123");
}

static void finds_bad_blobs(void **state)
{
    CLEANUP(scrub_bad_blobs_deinit) struct scrub_bad_blobs known = {0};
    struct scrub_sum which;

    (void)state;
    for (unsigned i = 0; i < MANY; i++)
        add_bad(&known, i * 7919 % MANY, (enum scrub_kind)(i % SCRUB_KINDS));
    assert_int_equal(known.count, MANY);
    for (unsigned i = 0; i < MANY; i++) {
        which = sum(i * 7919 % MANY);
        assert_int_equal(scrub_bad_blobs_find(&known, &which)->kind, i % SCRUB_KINDS);
    }
    which = sum(MANY);
    assert_null(scrub_bad_blobs_find(&known, &which));
    for (unsigned i = 0; i < MANY; i += 2) {
        which = sum(i);
        scrub_bad_blobs_remove(&known, &which);
        scrub_bad_blobs_remove(&known, &which);
    }
    assert_int_equal(known.count, MANY / 2);
    which = sum(1);
    assert_non_null(scrub_bad_blobs_find(&known, &which));
}

static void the_version_changes_with_the_set(void **state)
{
    CLEANUP(scrub_bad_blobs_deinit) struct scrub_bad_blobs known = {0};
    struct scrub_sum which = sum(1);
    uint64_t version;

    (void)state;
    add_bad(&known, 1, SCRUB_TRUNCATED);
    version = known.version;
    add_bad(&known, 1, SCRUB_TRUNCATED);
    assert_int_equal(known.version, version);
    add_bad(&known, 1, SCRUB_MISSING_FILE);
    assert_int_not_equal(known.version, version);
    version = known.version;
    scrub_bad_blobs_remove(&known, &which);
    assert_int_not_equal(known.version, version);
}

static void removes_deleted_blobs(void **state)
{
    CLEANUP(scrub_blobs_deinit) struct scrub_blobs blobs = SCRUB_BLOBS_INIT;
    CLEANUP(scrub_bad_blobs_deinit) struct scrub_bad_blobs known = {0};
    struct scrub_sum which = sum(2);

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        add_bad(&known, i, SCRUB_WRONG_HASH);
    add_blob(&blobs, 2, 1);
    add_blob(&blobs, 9, 1);
    scrub_blobs_sort(&blobs);
    scrub_bad_blobs_retain(&known, &blobs);
    assert_int_equal(known.count, 1);
    assert_non_null(scrub_bad_blobs_find(&known, &which));
}

static void ignores_blobs_above_the_limit(void **state)
{
    CLEANUP(scrub_bad_blobs_deinit) struct scrub_bad_blobs known = {0};

    (void)state;
    for (unsigned i = 0; i < SCRUB_BAD_BLOBS_MAX + 10; i++)
        add_bad(&known, i, SCRUB_WRONG_HASH);
    assert_int_equal(known.count, SCRUB_BAD_BLOBS_MAX);
}

static void keeps_its_position_if_the_daemon_is_gone(void **state)
{
    CLEANUP(scrub_freep) struct scrub *scrub = scrub_new();
    CLEANUP(containerd_freep) struct containerd *containerd = NULL;
    const struct scrub_slice slice = {10, 10};
    struct scrub_totals totals;
    struct cancel cancel;
    struct error err;

    (void)state;
    containerd = containerd_new("/nowhere/containerd.sock", &err);
    assert_non_null(containerd);
    cancel_init(&cancel, clock_now_ns() + 30 * NS_PER_SECOND);
    assert_false(scrub_run(scrub, containerd, &slice, &cancel, &err));
    assert_int_equal(err.code, ERROR_RUNTIME_UNAVAILABLE);
    cancel_deinit(&cancel);
    scrub_totals(scrub, &totals);
    assert_int_equal(totals.check_rotations + totals.hash_rotations + totals.read_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_digests),
        cmocka_unit_test(visits_each_digest_once_in_order),
        cmocka_unit_test(continues_after_a_blob_that_is_gone),
        cmocka_unit_test(keeps_digests_of_several_algorithms_apart),
        cmocka_unit_test(counts_digests_that_cannot_be_verified),
        cmocka_unit_test(finds_bad_blobs),
        cmocka_unit_test(the_version_changes_with_the_set),
        cmocka_unit_test(removes_deleted_blobs),
        cmocka_unit_test(ignores_blobs_above_the_limit),
        cmocka_unit_test(keeps_its_position_if_the_daemon_is_gone),
    };
    int failed;

    rpc_library_init();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rpc_library_deinit();
    return failed;
}
