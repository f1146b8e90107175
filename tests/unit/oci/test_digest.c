/* SPDX-License-Identifier: Apache-2.0 */
/* Digests, compared with the output of sha256sum. */
#include "oci/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC   "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void hashes_pieces(void **state)
{
    char out[DIGEST_TEXT_BYTES];
    struct error err;

    (void)state;
    assert_true(digest_of("", 0, out, &err));
    assert_string_equal(out, EMPTY);
    assert_true(digest_of("abc", 3, out, &err));
    assert_string_equal(out, ABC);
}

static void starts_a_new_hash_after_finish(void **state)
{
    CLEANUP(digest_freep) struct digest *digest = NULL;
    char out[DIGEST_TEXT_BYTES];
    struct error err;

    (void)state;
    digest = digest_new(&err);
    assert_non_null(digest);
    digest_update(digest, "a", 1);
    digest_update(digest, "bc", 2);
    digest_finish(digest, out);
    assert_string_equal(out, ABC);
    digest_finish(digest, out);
    assert_string_equal(out, EMPTY);
    digest_update(digest, "abc", 3);
    digest_finish(digest, out);
    assert_string_equal(out, ABC);
}

static void validates_digests(void **state)
{
    static const struct {
        const char *text;
        bool want;
    } rows[] = {
        {ABC, true},
        {NULL, false},
        {"", false},
        {"sha256:", false},
        {"sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", false},
        {ABC "0", false},
        {ABC "/", false},
        {"sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", false},
        {"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(digest_valid(rows[i].text), rows[i].want);
}

static void chains_layers(void **state)
{
    static const char *const layers[] = {ABC, EMPTY, ABC};
    static const char *const bad[] = {ABC, "sha512:00"};
    static const char *const want[] = {
        "",
        ABC,
        "sha256:dd8ddd90bdf3ccbd91abd3f399218c9d93e91246734fab743933f42048ac3e2c",
        "sha256:8e9c277940fe142021d5811c9b85cc258bdc32d33c6adea713521839f5d43c85",
    };
    char out[DIGEST_TEXT_BYTES];
    struct error err;

    (void)state;
    for (size_t n = 0; n < 4; n++) {
        assert_true(digest_chain_id(layers, n, out, &err));
        assert_string_equal(out, want[n]);
    }
    assert_false(digest_chain_id(bad, 2, out, &err));
    assert_int_equal(err.code, ERROR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_pieces),
        cmocka_unit_test(starts_a_new_hash_after_finish),
        cmocka_unit_test(validates_digests),
        cmocka_unit_test(chains_layers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
