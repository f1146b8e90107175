/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate as registries and proxies send it, in all its dialects. */
#include "registry/auth_challenge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void reads_headers(void **state)
{
    static const struct {
        const char *header;
        struct auth_challenge want;
    } rows[] = {
        {"", {CHALLENGE_NONE, "", "", "", ""}},
        {"Basic realm=\"r\"", {CHALLENGE_BASIC, "r", "", "", ""}},
        {"bAsIc realm=r", {CHALLENGE_BASIC, "r", "", "", ""}},
        {"Basic", {CHALLENGE_BASIC, "", "", "", ""}},
        {"Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:x:pull,push\"",
         {CHALLENGE_BEARER, "https://a/t", "s", "repository:x:pull,push", ""}},
        {"Bearer realm = \"https://a/t\" , error = insufficient_scope",
         {CHALLENGE_BEARER, "https://a/t", "", "", "insufficient_scope"}},
        {"Bearer REALM=\"u\", other=\"x,y\", Scope=\"a b\"",
         {CHALLENGE_BEARER, "u", "", "a b", ""}},
        {"Bearer realm=\"a\\\"b\\\\c\"", {CHALLENGE_BEARER, "a\"b\\c", "", "", ""}},
        {"Basic realm=\"r\", Bearer realm=\"u\",service=\"s\"",
         {CHALLENGE_BEARER, "u", "s", "", ""}},
        {"Bearer realm=\"u\", Basic realm=\"r\"", {CHALLENGE_BEARER, "u", "", "", ""}},
        {"Negotiate, Basic realm=\"r\"", {CHALLENGE_BASIC, "r", "", "", ""}},
        {"Negotiate YWJj/+==, Basic realm=\"r\"", {CHALLENGE_BASIC, "r", "", "", ""}},
        {"Negotiate YWJj==, Basic realm=\"r\"", {CHALLENGE_BASIC, "r", "", "", ""}},
        {"Digest realm=\"d\", nonce=\"n\", Basic realm=\"r\"", {CHALLENGE_BASIC, "r", "", "", ""}},
        {"Bearer service=\"s\"", {CHALLENGE_NONE, "", "", "", ""}},
        {"Bearer realm=\"\", Basic", {CHALLENGE_BASIC, "", "", "", ""}},
        {"Bearer realm=\"unclosed", {CHALLENGE_BEARER, "unclosed", "", "", ""}},
        {"Bearer realm=\"u\" rest \"of, nothing\", service=s", {CHALLENGE_BEARER, "u", "", "", ""}},
        {", ,, Basic realm=\"r\",,", {CHALLENGE_BASIC, "r", "", "", ""}},
        {"\"?\", =, ;;; , Basic realm=\"r\"", {CHALLENGE_BASIC, "r", "", "", ""}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(4096);
        struct auth_challenge got = {CHALLENGE_NONE};
        struct error err = {0};

        assert_true(auth_challenge_parse(&got, rows[i].header, &arena, &err));
        assert_int_equal(got.scheme, rows[i].want.scheme);
        assert_string_equal(got.realm, rows[i].want.realm);
        assert_string_equal(got.service, rows[i].want.service);
        assert_string_equal(got.scope, rows[i].want.scope);
        assert_string_equal(got.error, rows[i].want.error);
    }
}

static void prefers_bearer_among_several_headers(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(4096);
    struct auth_challenge got = {CHALLENGE_NONE};
    struct error err = {0};

    (void)state;
    assert_true(auth_challenge_parse(&got, "Bearer realm=\"u\"", &arena, &err));
    assert_true(auth_challenge_parse(&got, "Basic realm=\"r\"", &arena, &err));
    assert_int_equal(got.scheme, CHALLENGE_BEARER);
    assert_string_equal(got.realm, "u");
}

static void keeps_to_the_arena(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(4);
    struct auth_challenge got = {CHALLENGE_NONE};
    struct error err = {0};

    (void)state;
    assert_false(auth_challenge_parse(&got, "Bearer realm=\"longer\"", &arena, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_int_equal(got.scheme, CHALLENGE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_headers),
        cmocka_unit_test(prefers_bearer_among_several_headers),
        cmocka_unit_test(keeps_to_the_arena),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
