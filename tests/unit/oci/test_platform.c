/* SPDX-License-Identifier: Apache-2.0 */
/* The platforms that a machine accepts, their order, and the entry it chooses. */
#include "oci/platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <cmocka.h>

static void parse(struct platform_matcher *matcher, const char *text)
{
    struct error err = {0};
    bool ok = platform_matcher_parse(matcher, text, &err);
    if (!ok)
        print_error("%s: %s\n", text, err.message);
    assert_true(ok);
}

static void accepts_a_vector_best_first(void **state)
{
    static const struct {
        const char *platform, *want;
    } rows[] = {
        {"linux/amd64", "linux/amd64/ linux/386/ "},
        {"linux/amd64/v1", "linux/amd64/ linux/386/ "},
        {"linux/amd64/v2", "linux/amd64/v2 linux/amd64/ linux/386/ "},
        {"linux/amd64/v3", "linux/amd64/v3 linux/amd64/v2 linux/amd64/ linux/386/ "},
        {"linux/x86_64", "linux/amd64/ linux/386/ "},
        {"linux/i386", "linux/386/ "},
        {"linux/arm64", "linux/arm64/ linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5 "},
        {"linux/arm64/v8", "linux/arm64/ linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5 "},
        {"linux/aarch64", "linux/arm64/ linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5 "},
        {"linux/arm", "linux/arm/v7 linux/arm/v6 linux/arm/v5 "},
        {"linux/arm/v8", "linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5 "},
        {"linux/arm/6", "linux/arm/v6 linux/arm/v5 "},
        {"linux/arm/v5", "linux/arm/v5 "},
        {"linux/armhf", "linux/arm/v7 linux/arm/v6 linux/arm/v5 "},
        {"linux/armel", "linux/arm/v6 linux/arm/v5 "},
        {"Linux/AMD64", "linux/amd64/ linux/386/ "},
        {"linux/s390x", "linux/s390x/ "},
        {"macos/arm64", "darwin/arm64/ darwin/arm/v8 darwin/arm/v7 darwin/arm/v6 darwin/arm/v5 "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct platform_matcher matcher;
        char got[256] = "";
        parse(&matcher, rows[i].platform);
        for (size_t k = 0; k < matcher.n_accepted; k++) {
            const struct platform *p = &matcher.accepted[k];
            size_t used = strlen(got);
            snprintf(got + used, sizeof(got) - used, "%s/%s/%s ", p->os, p->architecture,
                     p->variant);
        }
        assert_string_equal(got, rows[i].want);
    }
}

static void rejects_invalid_platforms(void **state)
{
    static const char *const texts[] = {"",
                                        "linux",
                                        "amd64",
                                        "/",
                                        "linux/",
                                        "/amd64",
                                        "linux/amd64/",
                                        "linux//v8",
                                        "linux/arm/v7/x",
                                        "linux/am d64",
                                        "linux/a_very_long_architecture",
                                        "linux/amd64\n",
                                        "linux/\xc3\xa4"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct platform_matcher matcher;
        struct error err = {0};
        assert_false(platform_matcher_parse(&matcher, texts[i], &err));
        assert_int_equal(err.code, ERROR_INVALID);
    }
}

static void matches_after_normalizing(void **state)
{
    static const struct {
        const char *machine;
        struct platform platform;
        bool want;
    } rows[] = {
        {"linux/amd64", {"linux", "amd64", ""}, true},
        {"linux/amd64", {"linux", "amd64", "v1"}, true},
        {"linux/amd64", {"linux", "amd64", "v2"}, false},
        {"linux/amd64", {"LINUX", "x86_64", ""}, true},
        {"linux/amd64", {"", "amd64", ""}, true}, /* no system means linux */
        {"linux/amd64", {"linux", "386", ""}, true},
        {"linux/amd64", {"linux", "i386", "x"}, true},
        {"linux/amd64", {"linux", "arm64", ""}, false},
        {"linux/amd64", {"windows", "amd64", ""}, false},
        {"linux/amd64", {"unknown", "unknown", ""}, false},
        {"linux/amd64", {"", "", ""}, false},
        {"linux/amd64", {"linux", "amd64-with-a-very-long-name", ""}, false},
        {"linux/amd64", {"linux", "amd64", "a-very-long-variant"}, false},
        {"linux/arm64", {"linux", "arm64", "v8"}, true},
        {"linux/arm64", {"linux", "arm64", "8"}, true},
        {"linux/arm64", {"linux", "aarch64", ""}, true},
        {"linux/arm64", {"linux", "arm64", "v9"}, false},
        {"linux/arm64", {"linux", "arm", "v7"}, true},
        {"linux/arm64", {"linux", "armhf", ""}, true},
        {"linux/arm/v6", {"linux", "arm", ""}, false}, /* none means v7 */
        {"linux/arm/v7", {"linux", "arm", "5"}, true},
        {"linux/ppc64le", {"linux", "ppc64le", ""}, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct platform_matcher matcher;
        parse(&matcher, rows[i].machine);
        if (platform_matches(&matcher, &rows[i].platform) != rows[i].want)
            fail_msg("row %zu: %s", i, rows[i].machine);
    }
}

/* Only the spellings with a dot, and of version 9, depend on the daemon. */
static void knows_spellings_of_old_daemons(void **state)
{
    static const struct {
        const char *machine, *architecture, *variant;
        bool dotted;
    } rows[] = {
        {"linux/amd64", "amd64", "v1", false},    {"linux/arm64", "arm64", "8", false},
        {"linux/arm64", "arm64", "v8", false},    {"linux/arm/v7", "arm", "", false},
        {"linux/arm/v5", "arm", "5", false},      {"linux/arm/v6", "arm", "6", false},
        {"linux/arm/v7", "arm", "7", false},      {"linux/arm/v8", "arm", "8", false},
        {"linux/arm64", "arm64", "v8.0", true},   {"linux/arm64/v9", "arm64", "9", true},
        {"linux/arm64/v9", "arm64", "9.0", true}, {"linux/arm64/v9", "arm64", "v9.0", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct platform platform = {"linux", rows[i].architecture, rows[i].variant, false};
        struct platform_matcher matcher;

        parse(&matcher, rows[i].machine);
        assert_true(platform_matches(&matcher, &platform));
        matcher.no_dotted_variants = true;
        assert_int_equal(platform_matches(&matcher, &platform), !rows[i].dotted);
    }
}

static void old_daemons_reject_features(void **state)
{
    const struct platform platform = {"linux", "amd64", "", true};
    struct platform_matcher matcher;

    (void)state;
    parse(&matcher, "linux/amd64");
    assert_true(platform_matches(&matcher, &platform));
    matcher.no_features = true;
    assert_false(platform_matches(&matcher, &platform));
}

#define NONE                  \
    {                         \
        .has_platform = false \
    }
#define IS(os, architecture, variant)                                        \
    {                                                                        \
        .has_platform = true, .platform = {(os), (architecture), (variant) } \
    }

static void chooses_the_best_then_the_first(void **state)
{
    static struct descriptor children[][4] = {
        {IS("linux", "386", ""), IS("linux", "amd64", ""), IS("linux", "amd64", ""), NONE},
        {NONE, IS("linux", "386", ""), NONE, IS("windows", "amd64", "")},
        {IS("linux", "arm64", ""), NONE, IS("linux", "s390x", ""), NONE},
        {IS("linux", "arm64", ""), IS("unknown", "unknown", ""), IS("linux", "amd64", "v2"),
         IS("linux", "s390x", "")},
    };
    static const int want[] = {1, 1, 1, -1};
    struct platform_matcher matcher;

    (void)state;
    parse(&matcher, "linux/amd64");
    for (size_t i = 0; i < 4; i++) {
        const struct manifest index = {MANIFEST_INDEX, "", .children = children[i],
                                       .n_children = 4};
        const struct descriptor *got = platform_choose(&matcher, &index);
        if (want[i] < 0)
            assert_null(got);
        else
            assert_ptr_equal(got, &children[i][want[i]]);
    }
    const struct manifest empty = {MANIFEST_INDEX, ""};
    assert_null(platform_choose(&matcher, &empty));
}

#define ENTRY(type, ...)                  \
    {                                     \
        .media_type = (type), __VA_ARGS__ \
    }
#define FOR(os, architecture) .has_platform = true, .platform = {(os), (architecture), ""}

/* What `ctr images pull` of 1.6, 1.7 and 2 takes on amd64. An entry without a platform is judged by
 * its configuration. */
static void takes_the_entry_of_an_image(void **state)
{
    static struct {
        struct descriptor entries[2];
        struct platform config; /* of the chosen entry */
        enum error_code want;
    } rows[] = {
        {{ENTRY(MEDIA_TYPE_OCI_MANIFEST, FOR("linux", "arm64")), ENTRY(MEDIA_TYPE_OCI_MANIFEST)},
         {"", "", ""}, /* of a chart */
         ERROR_NOT_FOUND},
        {{ENTRY(MEDIA_TYPE_OCI_MANIFEST), ENTRY(MEDIA_TYPE_OCI_MANIFEST, FOR("linux", "arm64"))},
         {"linux", "amd64", ""},
         ERROR_NONE},
        {{ENTRY(MEDIA_TYPE_OCI_MANIFEST), ENTRY(MEDIA_TYPE_OCI_MANIFEST, FOR("linux", "amd64"))},
         {"linux", "arm64", ""}, /* a platform that is written counts alone */
         ERROR_NONE},
        {{ENTRY(MEDIA_TYPE_OCI_MANIFEST), ENTRY(MEDIA_TYPE_OCI_MANIFEST)},
         {"linux", "arm64", ""}, /* of the first; the second is not looked at */
         ERROR_NOT_FOUND},
        {{ENTRY(MEDIA_TYPE_OCI_MANIFEST), ENTRY(MEDIA_TYPE_OCI_MANIFEST)},
         {"", "x86_64", ""},
         ERROR_NONE},
        {{ENTRY(MEDIA_TYPE_OCI_MANIFEST), ENTRY(MEDIA_TYPE_OCI_MANIFEST)},
         {"windows", "amd64", ""},
         ERROR_NOT_FOUND},
        {{ENTRY(MEDIA_TYPE_OCI_MANIFEST), ENTRY(MEDIA_TYPE_OCI_MANIFEST)},
         {"linux", "386", ""},
         ERROR_NONE},
        {{ENTRY(MEDIA_TYPE_OCI_MANIFEST, FOR("unknown", "unknown")),
          ENTRY(MEDIA_TYPE_OCI_MANIFEST, FOR("linux", "arm64"))},
         {"linux", "amd64", ""},
         ERROR_NOT_FOUND},
        {{ENTRY(MEDIA_TYPE_OCI_MANIFEST, FOR("", "")),
          ENTRY(MEDIA_TYPE_OCI_MANIFEST, FOR("linux", "arm64"))},
         {"linux", "amd64", ""},
         ERROR_NOT_FOUND},
        {{ENTRY("application/x-thing"), ENTRY(MEDIA_TYPE_OCI_MANIFEST)},
         {"linux", "amd64", ""},
         ERROR_NOT_FOUND},
        {{ENTRY(MEDIA_TYPE_OCI_INDEX), ENTRY(MEDIA_TYPE_OCI_MANIFEST)},
         {"linux", "amd64", ""},
         ERROR_UNSUPPORTED},
        {{ENTRY(MEDIA_TYPE_OCI_INDEX), ENTRY(MEDIA_TYPE_DOCKER_MANIFEST, FOR("linux", "amd64"))},
         {"", "", ""},
         ERROR_NONE},
    };
    struct platform_matcher matcher;

    (void)state;
    parse(&matcher, "linux/amd64");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct manifest index = {MANIFEST_INDEX, "", .children = rows[i].entries,
                                       .n_children = 2};
        const struct descriptor *entry;
        struct error err = {0};
        bool ok = platform_find(&matcher, &index, &entry, &err) &&
                  platform_check(&matcher, entry, &rows[i].config, &err);

        if (ok != (rows[i].want == ERROR_NONE) || err.code != rows[i].want)
            fail_msg("row %zu: %s", i, err.message);
        if (err.code == ERROR_NOT_FOUND)
            assert_non_null(strstr(err.message, "no match for platform linux/amd64"));
    }
}

static void old_daemons_ignore_the_variant_of_a_config(void **state)
{
    static const struct descriptor entry = ENTRY(MEDIA_TYPE_OCI_MANIFEST);
    static const struct {
        const char *machine, *variant;
        bool before, since; /* containerd 2.0 */
    } rows[] = {
        {"linux/arm/v6", "v6", false, true}, /* no variant means v7 */
        {"linux/arm/v6", "v7", false, false}, {"linux/arm/v7", "v7", true, true},
        {"linux/arm/v7", "v8", true, false},  {"linux/arm/v7", "", true, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct platform config = {"linux", "arm", rows[i].variant};
        struct platform_matcher matcher;
        struct error err;

        parse(&matcher, rows[i].machine);
        assert_int_equal(platform_check(&matcher, &entry, &config, &err), rows[i].since);
        matcher.no_config_variant = true;
        assert_int_equal(platform_check(&matcher, &entry, &config, &err), rows[i].before);
    }
}

static void writes_its_name(void **state)
{
    struct platform_matcher matcher;
    char name[64];
    (void)state;
    parse(&matcher, "linux/x86_64");
    assert_string_equal(platform_matcher_name(&matcher, name, sizeof(name)), "linux/amd64");
    assert_string_equal(platform_matcher_name(&matcher, name, 9), "linux/am");
    parse(&matcher, "macOS/x86-64");
    assert_string_equal(platform_matcher_name(&matcher, name, sizeof(name)), "darwin/amd64");
    parse(&matcher, "linux/abcdefghijklmno/v1"); /* 15 characters fit */
    assert_string_equal(platform_matcher_name(&matcher, name, sizeof(name)),
                        "linux/abcdefghijklmno/v1");
    parse(&matcher, "linux/armel");
    assert_string_equal(platform_matcher_name(&matcher, name, sizeof(name)), "linux/arm/v6");
}

static void accepts_this_machine(void **state)
{
    struct platform_matcher matcher;
    struct utsname host;
    char name[64];
    (void)state;
    platform_matcher_host(&matcher);
    assert_true(matcher.n_accepted > 0);
    assert_int_equal(uname(&host), 0);
    if (strcmp(host.machine, "x86_64") == 0)
        assert_string_equal(platform_matcher_name(&matcher, name, sizeof(name)), "linux/amd64");
    if (strcmp(host.machine, "aarch64") == 0)
        assert_string_equal(platform_matcher_name(&matcher, name, sizeof(name)), "linux/arm64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_a_vector_best_first),
        cmocka_unit_test(rejects_invalid_platforms),
        cmocka_unit_test(matches_after_normalizing),
        cmocka_unit_test(chooses_the_best_then_the_first),
        cmocka_unit_test(knows_spellings_of_old_daemons),
        cmocka_unit_test(old_daemons_reject_features),
        cmocka_unit_test(takes_the_entry_of_an_image),
        cmocka_unit_test(old_daemons_ignore_the_variant_of_a_config),
        cmocka_unit_test(writes_its_name),
        cmocka_unit_test(accepts_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
