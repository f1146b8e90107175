/* SPDX-License-Identifier: Apache-2.0 */
/* The verdicts of `ctr images check`, row by row. */
#include "containerd/containerd.h"
#include "inventory/image_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define DIGEST(c) "sha256:" c c c c c c c c c c c c c c c c /* c: four letters */
#define SHA512(c) "sha512:" c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c

#define MANIFEST DIGEST("aaaa")
#define CONFIG   DIGEST("cccc")
#define LAYER_1  DIGEST("1111")
#define LAYER_2  DIGEST("2222")
#define OUTER    DIGEST("bbbb") /* an index */
#define INNER    DIGEST("dddd") /* an index in an index */
#define CHAIN    DIGEST("eeee")

#define IMAGE MEDIA_TYPE_OCI_MANIFEST
#define INDEX MEDIA_TYPE_OCI_INDEX

/* Flaws of a store; combined with |. */
enum {
    NO_MANIFEST = 1 << 0, /* the record is gone */
    NO_CONFIG = 1 << 1,
    NO_LAYER = 1 << 2,
    NO_OUTER = 1 << 3,
    NO_SNAPSHOT = 1 << 4,
    LOST_MANIFEST = 1 << 5, /* the record is there, the bytes are not */
    LOST_CONFIG = 1 << 6,
    LOST_OUTER = 1 << 7,
    NO_LAYERS = 1 << 8, /* of an image without any */
    BAD_LAYER = 1 << 9, /* the manifest names what is no digest */
    NO_CHAIN = 1 << 10,
    TWICE = 1 << 11, /* the same layer again */
    BAD_CONFIG = 1 << 12,
    SHA512_LAYER = 1 << 13,
    NO_SNAPSHOTTER = 1 << 14,
    DATA = 1 << 15, /* the configuration's descriptor carries it along */
};

struct world {
    unsigned flaws;
    struct manifest outer, inner, image;
    struct image_config_facts config_facts;
};

static bool has(const struct world *world, unsigned flaw)
{
    return (world->flaws & flaw) != 0;
}

static bool size_of(void *arg, const char *digest, uint64_t *size)
{
    const struct world *world = arg;
    static const struct {
        const char *digest;
        unsigned flaw;
    } blobs[] = {{MANIFEST, NO_MANIFEST}, {CONFIG, NO_CONFIG}, {LAYER_1, 0},
                 {LAYER_2, NO_LAYER},     {OUTER, NO_OUTER},   {INNER, 0}};
    *size = 1;
    for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++)
        if (strcmp(blobs[i].digest, digest) == 0)
            return !has(world, blobs[i].flaw);
    return false;
}

static enum image_lookup find_manifest(void *arg, const struct image_blob *blob,
                                       const char *media_type, const struct manifest **manifest)
{
    struct world *world = arg;
    assert_int_equal(blob->size, 1);
    if (strcmp(blob->digest, MANIFEST) == 0) {
        *manifest = &world->image;
        return has(world, LOST_MANIFEST) || strcmp(media_type, IMAGE) != 0 ? IMAGE_UNREADABLE
                                                                           : IMAGE_FOUND;
    }
    *manifest = strcmp(blob->digest, OUTER) == 0 ? &world->outer : &world->inner;
    return has(world, LOST_OUTER) || strcmp(media_type, INDEX) != 0 ? IMAGE_UNREADABLE
                                                                    : IMAGE_FOUND;
}

static enum image_lookup find_config(void *arg, const struct image_blob *blob,
                                     const struct image_config_facts **config)
{
    struct world *world = arg;
    assert_string_equal(blob->digest, CONFIG);
    *config = &world->config_facts;
    return has(world, LOST_CONFIG) ? IMAGE_UNREADABLE : IMAGE_FOUND;
}

static enum image_lookup find_snapshot(void *arg, const char *config_digest, const char *chain_id)
{
    assert_string_equal(config_digest, CONFIG);
    if (has(arg, NO_SNAPSHOTTER))
        return IMAGE_UNREADABLE;
    if (chain_id[0] == '\0')
        return IMAGE_MISSING;
    assert_string_equal(chain_id, CHAIN);
    return has(arg, NO_SNAPSHOT) ? IMAGE_MISSING : IMAGE_FOUND;
}

static struct descriptor layers[] = {{.digest = LAYER_1, .size = 10},
                                     {.digest = LAYER_2, .size = 100},
                                     {.digest = LAYER_2, .size = 100}};
static struct descriptor odd_layers[] = {{.digest = "no digest", .size = 10}};
static struct descriptor sha512_layers[] = {{.digest = SHA512("abcd"), .size = 10}};

static void build(struct world *world, unsigned flaws)
{
    *world = (struct world){.flaws = flaws};
    world->image = (struct manifest){
        MANIFEST_IMAGE, IMAGE, {.digest = CONFIG, .size = 1}, layers, has(world, TWICE) ? 3 : 2};
    if (has(world, BAD_LAYER))
        world->image.children = odd_layers;
    if (has(world, SHA512_LAYER))
        world->image.children = sha512_layers;
    if (has(world, BAD_LAYER | SHA512_LAYER))
        world->image.n_children = 1;
    if (has(world, NO_LAYERS))
        world->image.n_children = 0;
    if (has(world, DATA))
        world->image.config.data = "{";
    if (has(world, BAD_CONFIG))
        world->image.config.digest = "";
    world->config_facts = (struct image_config_facts){{"linux", "amd64", ""}, CHAIN};
    if (has(world, NO_CHAIN | NO_LAYERS))
        world->config_facts.chain_id = "";
}

static struct image_verdict check_as(struct world *world, const struct descriptor *target,
                                     const char *version, const char *machine)
{
    struct platform_matcher matcher;
    const struct image_facts facts = {
        check_rules_of(version), &matcher, size_of, find_manifest, find_config,
        find_snapshot,           world};
    struct image_verdict verdict;
    struct error err;
    assert_true(platform_matcher_parse(&matcher, machine, &err));
    matcher.no_features = facts.rules->os_features;
    image_check(&verdict, target, &facts);
    return verdict;
}

static struct image_verdict check(struct world *world, const struct descriptor *target)
{
    return check_as(world, target, "2.1.9", "linux/amd64");
}

struct row {
    const char *what;
    unsigned flaws;
    struct image_verdict want;
};

static void compare(const struct row *row, const struct image_verdict *got)
{
    const struct image_verdict *want = &row->want;
    if (got->status != want->status || got->required != want->required ||
        got->present != want->present || got->required_bytes != want->required_bytes ||
        got->present_bytes != want->present_bytes || got->unpacked != want->unpacked ||
        got->unpack_failed != want->unpack_failed)
        fail_msg("%s: %s (%zu/%zu) %d %d", row->what, image_status_name(got->status), got->present,
                 got->required, got->unpacked, got->unpack_failed);
}

#define UNAVAILABLE                                \
    {                                              \
        IMAGE_UNAVAILABLE, 0, 0, 0, 0, false, true \
    }
#define BROKEN                               \
    {                                        \
        IMAGE_ERROR, 0, 0, 0, 0, false, true \
    }

static void judges_a_single_manifest_as_ctr_does(void **state)
{
    static const struct row rows[] = {
        {"all there", 0, {IMAGE_COMPLETE, 3, 3, 111, 111, true, false}},
        {"one layer record gone", NO_LAYER, {IMAGE_INCOMPLETE, 3, 2, 111, 11, true, false}},
        {"config gone", NO_CONFIG, {IMAGE_INCOMPLETE, 3, 2, 111, 110, false, true}},
        {"manifest gone", NO_MANIFEST, UNAVAILABLE},
        {"snapshot removed", NO_SNAPSHOT, {IMAGE_COMPLETE, 3, 3, 111, 111, false, false}},
        {"no layers", NO_LAYERS, {IMAGE_COMPLETE, 1, 1, 1, 1, false, false}},
        {"manifest file lost", LOST_MANIFEST, BROKEN},
        {"config file lost", LOST_CONFIG, {IMAGE_COMPLETE, 3, 3, 111, 111, false, true}},
        {"config without layers", NO_CHAIN, {IMAGE_COMPLETE, 3, 3, 111, 111, false, false}},
        {"layer named twice", TWICE, {IMAGE_COMPLETE, 4, 4, 211, 211, true, false}},
        {"and gone", TWICE | NO_LAYER, {IMAGE_INCOMPLETE, 4, 2, 211, 11, true, false}},
        {"layer is no digest", BAD_LAYER, {IMAGE_ERROR, 0, 0, 0, 0, true, false}},
        {"config is no digest", BAD_CONFIG, BROKEN},
        {"no such snapshotter", NO_SNAPSHOTTER, {IMAGE_COMPLETE, 3, 3, 111, 111, false, true}},
        {"config gone, but carried along",
         NO_CONFIG | DATA,
         {IMAGE_INCOMPLETE, 3, 2, 111, 110, true, false}},
        {"sha512", SHA512_LAYER, {IMAGE_INCOMPLETE, 2, 1, 11, 1, true, false}},
    };
    static const struct descriptor target = {.media_type = IMAGE, .digest = MANIFEST};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world world;
        build(&world, rows[i].flaws);
        struct image_verdict got = check(&world, &target);
        compare(&rows[i], &got);
    }
}

static void judges_targets_of_other_kinds(void **state)
{
    static const struct {
        struct descriptor target;
        struct row row;
    } rows[] = {
        {{.media_type = "application/json", .digest = MANIFEST}, {"unknown type", 0, UNAVAILABLE}},
        {{.media_type = "", .digest = MANIFEST}, {"no type", 0, UNAVAILABLE}},
        {{.media_type = INDEX, .digest = MANIFEST}, {"index type on a manifest", 0, BROKEN}},
        {{.media_type = IMAGE, .digest = "sha256:1"}, {"no digest", 0, BROKEN}},
        {{.media_type = IMAGE, .digest = DIGEST("9999")}, {"unknown digest", 0, UNAVAILABLE}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world world;
        build(&world, rows[i].row.flaws);
        struct image_verdict got = check(&world, &rows[i].target);
        compare(&rows[i].row, &got);
    }
}

#define ENTRY(type, name, system, machine)                                          \
    {                                                                               \
        .media_type = (type), .digest = (name), .has_platform = true, .platform = { \
            (system),                                                               \
            (machine),                                                              \
            ""                                                                      \
        }                                                                           \
    }
#define PLAIN(type, name)                      \
    {                                          \
        .media_type = (type), .digest = (name) \
    }
#define COMPLETE                                    \
    {                                               \
        IMAGE_COMPLETE, 3, 3, 111, 111, true, false \
    }

static void follows_only_the_best_entry_of_an_index(void **state)
{
    static struct {
        struct row row;
        struct descriptor entries[2];
        const char *machine; /* of the config */
    } rows[] = {
        {{"second entry fits", 0, COMPLETE},
         {ENTRY(IMAGE, DIGEST("9999"), "linux", "arm64"), ENTRY(IMAGE, MANIFEST, "linux", "amd64")},
         "amd64"},
        {{"entry's platform counts, not the config's", 0, COMPLETE},
         {ENTRY(IMAGE, MANIFEST, "linux", "386"), ENTRY(IMAGE, DIGEST("9999"), "linux", "arm64")},
         "s390x"},
        {{"no fallback to the second", 0, UNAVAILABLE},
         {ENTRY(IMAGE, DIGEST("9999"), "linux", "amd64"), ENTRY(IMAGE, MANIFEST, "linux", "amd64")},
         "amd64"},
        {{"nothing fits", 0, UNAVAILABLE},
         {ENTRY(IMAGE, MANIFEST, "linux", "arm64"), ENTRY(IMAGE, MANIFEST, "unknown", "unknown")},
         "amd64"},
        {{"no platform: the config's", 0, COMPLETE},
         {PLAIN(IMAGE, MANIFEST), PLAIN(IMAGE, DIGEST("9999"))},
         "amd64"},
        {{"no platform: the config's, which does not fit", 0, UNAVAILABLE},
         {PLAIN(IMAGE, MANIFEST), PLAIN(IMAGE, MANIFEST)},
         "arm64"},
        {{"no platform and no config", NO_CONFIG, UNAVAILABLE},
         {PLAIN(IMAGE, MANIFEST), PLAIN(IMAGE, MANIFEST)},
         "amd64"},
        {{"no platform and config lost", LOST_CONFIG, BROKEN},
         {PLAIN(IMAGE, MANIFEST), PLAIN(IMAGE, MANIFEST)},
         "amd64"},
        {{"chosen child gone", NO_MANIFEST, UNAVAILABLE},
         {ENTRY(IMAGE, MANIFEST, "linux", "amd64"), PLAIN(IMAGE, MANIFEST)},
         "amd64"},
        {{"chosen child lost", LOST_MANIFEST, BROKEN},
         {ENTRY(IMAGE, MANIFEST, "linux", "amd64"), PLAIN(IMAGE, MANIFEST)},
         "amd64"},
        {{"chosen child is a layer", 0, UNAVAILABLE},
         {ENTRY(MEDIA_TYPE_OCI_LAYER, LAYER_1, "linux", "amd64"), PLAIN(IMAGE, MANIFEST)},
         "amd64"},
        {{"chosen child's digest is none", 0, BROKEN},
         {ENTRY(IMAGE, "sha256:xyz", "linux", "amd64"), PLAIN(IMAGE, MANIFEST)},
         "amd64"},
        {{"index gone", NO_OUTER, UNAVAILABLE}, {PLAIN(IMAGE, MANIFEST)}, "amd64"},
        {{"index lost", LOST_OUTER, BROKEN}, {PLAIN(IMAGE, MANIFEST)}, "amd64"},
        {{"index in an index", 0, COMPLETE},
         {ENTRY(INDEX, INNER, "linux", "amd64"), PLAIN(IMAGE, DIGEST("9999"))},
         "amd64"},
    };
    static struct descriptor inner[] = {ENTRY(IMAGE, MANIFEST, "linux", "amd64")};
    static const struct descriptor target = {.media_type = INDEX, .digest = OUTER};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world world;
        build(&world, rows[i].row.flaws);
        world.outer =
            (struct manifest){MANIFEST_INDEX, INDEX, .children = rows[i].entries, .n_children = 2};
        world.inner = (struct manifest){MANIFEST_INDEX, INDEX, .children = inner, .n_children = 1};
        world.config_facts.platform.architecture = rows[i].machine;
        struct image_verdict got = check(&world, &target);
        compare(&rows[i].row, &got);
    }
}

static void gives_up_in_an_endless_index(void **state)
{
    static struct descriptor self[] = {PLAIN(INDEX, INNER)};
    static const struct descriptor target = {.media_type = INDEX, .digest = INNER};
    static const struct row row = {"endless", 0, BROKEN};
    struct world world;
    (void)state;
    build(&world, 0);
    world.inner = (struct manifest){MANIFEST_INDEX, INDEX, .children = self, .n_children = 1};
    struct image_verdict got = check(&world, &target);
    compare(&row, &got);
}

static void accepts_an_empty_index(void **state)
{
    static const struct descriptor target = {.media_type = INDEX, .digest = OUTER};
    static const struct row row = {"empty", 0, UNAVAILABLE};
    struct world world;
    (void)state;
    build(&world, 0);
    world.outer = (struct manifest){MANIFEST_INDEX, INDEX};
    struct image_verdict got = check(&world, &target);
    compare(&row, &got);
}

/* With the overflow of int64 in Go. */
static void sums_sizes_as_ctr_does(void **state)
{
    static struct descriptor odd[][3] = {
        {{.digest = LAYER_1, .size = INT64_MAX},
         {.digest = LAYER_1, .size = INT64_MAX},
         {.digest = LAYER_1, .size = INT64_MAX}},
        {{.digest = LAYER_1, .size = -5000}, {.digest = LAYER_1}, {.digest = LAYER_1}},
    };
    static const int64_t sums[] = {INT64_MAX - 1, -4999};
    static const struct descriptor target = {.media_type = IMAGE, .digest = MANIFEST};
    struct world world;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        build(&world, 0);
        world.image.children = odd[i];
        world.image.n_children = 3;
        struct image_verdict got = check(&world, &target);
        assert_int_equal(got.status, IMAGE_COMPLETE);
        assert_true(got.required_bytes == sums[i] && got.present_bytes == sums[i]);
    }
}

static void differs_between_versions_as_containerd_does(void **state)
{
    static const struct {
        const char *version, *machine, *variant; /* the variant is the configuration's */
        unsigned flaws;
        bool features;
        enum image_status want;
    } rows[] = {
        {"1.6.20~ds1", "linux/arm", "v6", 0, false, IMAGE_COMPLETE}, /* no variant: v7 */
        {"v1.7.24-k3s1", "linux/arm/v6", "v6", 0, false, IMAGE_UNAVAILABLE},
        {"2.0.0", "linux/arm/v6", "v6", 0, false, IMAGE_COMPLETE},
        {"2.1.9+unknown", "linux/arm/v6", "v7", 0, false, IMAGE_UNAVAILABLE},
        {"1.6.38", "linux/arm", "", NO_CONFIG | DATA, false, IMAGE_UNAVAILABLE},
        {"1.7.0", "linux/arm", "", NO_CONFIG | DATA, false, IMAGE_INCOMPLETE},
        {"2.2.5", "linux/arm", "", 0, true, IMAGE_COMPLETE},
        {"2.3.0", "linux/arm", "", 0, true, IMAGE_UNAVAILABLE},
        {"devel", "linux/arm", "", 0, true, IMAGE_UNAVAILABLE},
    };
    static struct descriptor entry[] = {PLAIN(IMAGE, MANIFEST)};
    static const struct descriptor target = {.media_type = INDEX, .digest = OUTER};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world world;
        build(&world, rows[i].flaws);
        world.outer = (struct manifest){MANIFEST_INDEX, INDEX, .children = entry, .n_children = 1};
        world.config_facts.platform =
            (struct platform){"linux", "arm", rows[i].variant, rows[i].features};
        struct image_verdict got = check_as(&world, &target, rows[i].version, rows[i].machine);
        if (got.status != rows[i].want)
            fail_msg("row %zu, %s: %s", i, rows[i].version, image_status_name(got.status));
    }
}

static void statuses_have_stable_names(void **state)
{
    (void)state;
    assert_string_equal(image_status_name(IMAGE_COMPLETE), "complete");
    assert_string_equal(image_status_name(IMAGE_INCOMPLETE), "incomplete");
    assert_string_equal(image_status_name(IMAGE_UNAVAILABLE), "unavailable");
    assert_string_equal(image_status_name(IMAGE_ERROR), "error");
}

static void finds_the_rules_of_a_version(void **state)
{
    static const struct {
        const char *version;
        unsigned major, minor;
    } rows[] = {
        {"1.6.20~ds1", 0, 0},    {"v1.6.38", 0, 0}, {"1.7.24~ds1", 1, 7},
        {"v1.7.11-k3s2", 1, 7},  {"1.10.0", 1, 7},  {"2.0.0-rc.1", 2, 0},
        {"2.1.9+unknown", 2, 1}, {"2.2", 2, 1},     {"v2.4.0-beta.0", 2, 3},
        {"3.0.1", 2, 3},         {"", 2, 3},        {"v", 2, 3},
        {"devel", 2, 3},         {"2", 2, 3},       {"99999999999.1", 2, 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct check_rules *rules = check_rules_of(rows[i].version);

        if (rules->since != DAEMON_VERSION(rows[i].major, rows[i].minor))
            fail_msg("%s: row of %u", rows[i].version, rules->since);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_rules_of_a_version),
        cmocka_unit_test(judges_a_single_manifest_as_ctr_does),
        cmocka_unit_test(judges_targets_of_other_kinds),
        cmocka_unit_test(follows_only_the_best_entry_of_an_index),
        cmocka_unit_test(gives_up_in_an_endless_index),
        cmocka_unit_test(accepts_an_empty_index),
        cmocka_unit_test(sums_sizes_as_ctr_does),
        cmocka_unit_test(differs_between_versions_as_containerd_does),
        cmocka_unit_test(statuses_have_stable_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
