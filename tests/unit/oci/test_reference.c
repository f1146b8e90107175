/* SPDX-License-Identifier: Apache-2.0 */
/* Accepted and rejected references. */
#include "oci/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEX    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX32  "0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX
#define A32    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A128   A32 A32 A32 A32
#define A250   A128 A32 A32 A32 "aaaaaaaaaaaaaaaaaaaaaaaaaa"

static void same(const char *got, const char *want)
{
    if (!want)
        assert_null(got);
    else
        assert_string_equal(got, want);
}

static void reads_what_docker_reads(void **state)
{
    static const struct {
        const char *text, *host, *endpoint, *repository, *tag, *digest, *name;
    } rows[] = {
        {"busybox", "docker.io", "registry-1.docker.io", "library/busybox", "latest", NULL,
         "docker.io/library/busybox:latest"},
        {"docker.io/library/busybox:1.31.1", "docker.io", "registry-1.docker.io", "library/busybox",
         "1.31.1", NULL, "docker.io/library/busybox:1.31.1"},
        {"index.docker.io/a/b", "docker.io", "registry-1.docker.io", "a/b", "latest", NULL,
         "docker.io/a/b:latest"},
        {"docker.io/busybox", "docker.io", "registry-1.docker.io", "library/busybox", "latest",
         NULL, "docker.io/library/busybox:latest"},
        {"user/app:v1_2-3", "docker.io", "registry-1.docker.io", "user/app", "v1_2-3", NULL,
         "docker.io/user/app:v1_2-3"},
        {"registry.example:5000/a/b/c", "registry.example:5000", "registry.example:5000", "a/b/c",
         "latest", NULL, "registry.example:5000/a/b/c:latest"},
        {"localhost/x", "localhost", "localhost", "x", "latest", NULL, "localhost/x:latest"},
        {"localhost:5000/x:t", "localhost:5000", "localhost:5000", "x", "t", NULL,
         "localhost:5000/x:t"},
        {"[::1]:5000/x:t", "[::1]:5000", "[::1]:5000", "x", "t", NULL, "[::1]:5000/x:t"},
        {"[::1]/x:t", "[::1]", "[::1]", "x", "t", NULL, "[::1]/x:t"},
        {"[1:Af]/x", "[1:Af]", "[1:Af]", "x", "latest", NULL, "[1:Af]/x:latest"},
        {"gcr.io:65535/x", "gcr.io:65535", "gcr.io:65535", "x", "latest", NULL,
         "gcr.io:65535/x:latest"},
        {"a-b.c/x", "a-b.c", "a-b.c", "x", "latest", NULL, "a-b.c/x:latest"},
        {"localhos/x", "docker.io", "registry-1.docker.io", "localhos/x", "latest", NULL,
         "docker.io/localhos/x:latest"},
        {"localhostx/x", "docker.io", "registry-1.docker.io", "localhostx/x", "latest", NULL,
         "docker.io/localhostx/x:latest"},
        {"g.io/" A250 ":t", "g.io", "g.io", A250, "t", NULL,
         "g.io/" A250 ":t"}, /* 255 characters */
        {"x:_-.", "docker.io", "registry-1.docker.io", "library/x", "_-.", NULL,
         "docker.io/library/x:_-."},
        {"gcr.io/x@sha384:" HEX HEX32, "gcr.io", "gcr.io", "x", NULL, "sha384:" HEX HEX32,
         "gcr.io/x@sha384:" HEX HEX32},
        {"gcr.io/x:t@sha512:" HEX HEX, "gcr.io", "gcr.io", "x", "t", "sha512:" HEX HEX,
         "gcr.io/x:t@sha512:" HEX HEX},
        {"gcr.io/x@" DIGEST, "gcr.io", "gcr.io", "x", NULL, DIGEST, "gcr.io/x@" DIGEST},
        {"gcr.io/x:t@" DIGEST, "gcr.io", "gcr.io", "x", "t", DIGEST, "gcr.io/x:t@" DIGEST},
        {"gcr.io/a.b/c_d/e__f/g--h", "gcr.io", "gcr.io", "a.b/c_d/e__f/g--h", "latest", NULL,
         "gcr.io/a.b/c_d/e__f/g--h:latest"},
        {"gcr.io/x:" A128, "gcr.io", "gcr.io", "x", A128, NULL, "gcr.io/x:" A128},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(4096);
        struct reference got;
        struct error err = {0};

        if (!reference_parse(&got, rows[i].text, &arena, &err))
            fail_msg("%s: %s", rows[i].text, err.message);
        same(got.host, rows[i].host);
        same(got.endpoint, rows[i].endpoint);
        same(got.repository, rows[i].repository);
        same(got.tag, rows[i].tag);
        same(got.digest, rows[i].digest);
        same(got.name, rows[i].name);
        same(reference_object(&got), rows[i].digest ? rows[i].digest : rows[i].tag);
    }
}

static void an_image_is_no_url(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(4096);
    struct reference got;
    struct error err = {0};

    (void)state;
    assert_false(reference_parse(&got, "https://gcr.io/a:1", &arena, &err));
    assert_string_equal(err.message, "a URL: expected no \"https://\"");
    assert_false(reference_parse(&got, "docker://a", &arena, &err));
    assert_string_equal(err.message, "a URL: expected no \"docker://\"");
}

static void rejects_invalid_references(void **state)
{
    static const char *const rows[] = {
        "",
        "/x",
        "x/",
        "a//b",
        "Busybox",
        "a/B",
        "x:",
        "x:-t",
        "x:.t",
        "x:a b",
        "x:" A128 "a",
        "x@",
        "x@sha256:",
        "x@sha384:" HEX,
        "x@sha512:" HEX,
        "x@sha512:" HEX HEX "0",
        "x@blake3:" HEX,
        "x@" DIGEST "0",
        "x@" DIGEST "@" DIGEST,
        "a___b",
        "a..b",
        "a._b",
        "a_.b",
        "a-_b",
        "a_-b",
        "a.-b",
        "a/",
        "gcr.io:65536/x",
        "[a]/x",
        "[::1]x/x",
        "[::1]:/x",
        "[::g]/x",
        "g.io/" A250 "a",
        "-a",
        "a-",
        "gcr.io/",
        "gcr.io:99999/x",
        "gcr.io:/x",
        "gcr.io:80a/x",
        "-gcr.io/x",
        "gcr-.io/x",
        "gcr..io/x",
        "gcr.io./x",
        "user@host.example/x",
        "[::1/x",
        "[]/x",
        "https://gcr.io/x",
        "gcr.io/x?y",
        "gcr.io/x#y",
        "gcr.io/../x",
        "x\n",
        "gcr.io/" A128 "/" A128,
        A128 A128 A128 A128 "a",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(4096);
        struct reference got = {.tag = "untouched"};
        struct error err = {0};

        if (reference_parse(&got, rows[i], &arena, &err))
            fail_msg("accepted %s", rows[i]);
        assert_int_equal(err.code, ERROR_INVALID);
        assert_string_equal(got.tag, "untouched");
    }
}

static void fails_if_the_arena_is_full(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(24);
    struct reference got;
    struct error err = {0};

    (void)state;
    assert_false(reference_parse(&got, "docker.io/library/busybox", &arena, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_docker_reads),
        cmocka_unit_test(an_image_is_no_url),
        cmocka_unit_test(rejects_invalid_references),
        cmocka_unit_test(fails_if_the_arena_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
