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

#define ABC_384                                                               \
    "sha384:cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed" \
    "8086072ba1e7cc2358baeca134c825a7"
#define ABC_512                                                               \
    "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

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

static void hashes_with_the_algorithm_of_a_digest(void **state)
{
    static const struct {
        const char *like, *want;
    } rows[] = {
        {ABC, ABC}, {"sha256:", ABC}, {ABC_384, ABC_384}, {ABC_512, ABC_512}, {"sha512:x", ABC_512},
    };
    static const char *const unknown[] = {"", "sha256", "SHA256:", "sha1:", "blake3:00", "v1"};
    char out[DIGEST_TEXT_BYTES];
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(digest_of_like(rows[i].like, "abc", 3, out, &err));
        assert_string_equal(out, rows[i].want);
    }
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_false(digest_of_like(unknown[i], "abc", 3, out, &err));
        assert_int_equal(err.code, ERROR_UNSUPPORTED);
    }
}

static void packs_digests(void **state)
{
    static const char *const texts[] = {ABC, ABC_384, ABC_512};
    unsigned char number, raw[DIGEST_RAW_BYTES];
    char out[DIGEST_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_true(digest_pack(texts[i], &number, raw));
        assert_int_equal(number, i + 1);
        digest_unpack(number, raw, out);
        assert_string_equal(out, texts[i]);
    }
    assert_false(digest_pack("blake3:00", &number, raw));
    assert_true(digest_same_algorithm(ABC, EMPTY));
    assert_false(digest_same_algorithm(ABC, ABC_512));
    assert_false(digest_same_algorithm("latest", "latest"));
}

static void starts_a_new_hash_after_finish(void **state)
{
    CLEANUP(digest_freep) struct digest *digest = NULL;
    char out[DIGEST_TEXT_BYTES];
    struct error err;

    (void)state;
    digest = digest_new(DIGEST_CANONICAL, &err);
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
        {ABC_384, true},
        {ABC_512, true},
        {ABC_384 "0", false},
        {ABC_512 "0", false},
        {"sha384:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", false},
        {"sha1:a9993e364706816aba3e25717850c26c9cd0d89d", false},
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
    static const char *const bad[] = {ABC, "sha512:00"}, *const others[] = {ABC_512, ABC, ABC_384};
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
    /* Go's image library hashes the text of any digest by sha256. */
    assert_true(digest_chain_id(others, 1, out, &err));
    assert_string_equal(out, ABC_512);
    assert_true(digest_chain_id(others, 2, out, &err));
    assert_string_equal(out,
                        "sha256:483a211ce55974dba3835ae9ade5a9530c56070a73cee90b0b7a595be14a1ab1");
    assert_true(digest_chain_id(others, 3, out, &err));
    assert_string_equal(out,
                        "sha256:746ce97b0f905d038ad12394b3245691b130cc4b26f1a506041422ce5ec335db");
    assert_false(digest_chain_id(bad, 2, out, &err));
    assert_int_equal(err.code, ERROR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_pieces),
        cmocka_unit_test(hashes_with_the_algorithm_of_a_digest),
        cmocka_unit_test(packs_digests),
        cmocka_unit_test(starts_a_new_hash_after_finish),
        cmocka_unit_test(validates_digests),
        cmocka_unit_test(chains_layers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
