/* SPDX-License-Identifier: Apache-2.0 */
/* CRI against a fake daemon: pulls and their errors, names, and how the sandbox image is found. */
#include "base/clock.h"
#include "containerd/cri/cri.h"
#include "containerd/cri/cri_pull.h"
#include "support/containerd_fixture.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define NAME         "registry.test/a:1"

static void add_record(struct containerd_fixture *f, const char *name, const char *id)
{
    struct fake_item *item = fake_containerd_add(f->fake, FAKE_RECORD, SPACE, name);

    snprintf(item->id, sizeof(item->id), "%s", id);
    item->size = 5;
}

static void pulls_with_credentials_under_a_lease(void **state)
{
    struct containerd_fixture *f = *state;
    struct credentials credentials = {.username.text = (char *)"me",
                                      .password.text = (char *)"secret"};
    const struct cri_pull_request request = {NAME, "l", &credentials, "https://registry.test"};
    struct fake_image image;
    const char *id = NULL;

    fake_image_init(&image, "cri", 1, 0);
    f->fake->image = &image;
    assert_true(cri_pull(f->daemon, &request, &f->arena, &id, &f->cancel, &f->err));
    assert_string_equal(id, image.config.digest);
    assert_true(call_log_has(&f->log, "auth me:secret at https://registry.test\n"));
    assert_string_equal(fake_containerd_find(f->fake, FAKE_RECORD, SPACE, NAME)->lease, "l");
    fake_image_deinit(&image);
}

static void the_text_of_the_daemon_decides_the_reason_of_a_failed_pull(void **state)
{
    static const struct {
        int status;
        enum error_code want;
    } rows[] = {
        {RPC_UNKNOWN, ERROR_RATE_LIMITED},
        {RPC_INTERNAL, ERROR_RATE_LIMITED},
        {RPC_FAILED_PRECONDITION, ERROR_RATE_LIMITED},
        {RPC_INVALID_ARGUMENT, ERROR_RATE_LIMITED},
        {RPC_NOT_FOUND, ERROR_RATE_LIMITED},
        {RPC_PERMISSION_DENIED, ERROR_RATE_LIMITED},
        {RPC_UNAUTHENTICATED, ERROR_RATE_LIMITED},
        {RPC_RESOURCE_EXHAUSTED, ERROR_RATE_LIMITED},
        {RPC_UNAVAILABLE, ERROR_RUNTIME_UNAVAILABLE},
        {RPC_DEADLINE_EXCEEDED, ERROR_TIMEOUT},
        {RPC_CANCELLED, ERROR_CANCELED},
        {RPC_UNIMPLEMENTED, ERROR_UNSUPPORTED},
    };
    struct containerd_fixture *f = *state;
    const struct cri_pull_request request = {.image = NAME};
    const char *id;

    for (size_t i = 0; i < COUNT(rows); i++) {
        containerd_fixture_fail(f, "ImageService/PullImage", rows[i].status);
        f->log.fail_words = "failed to pull: toomanyrequests: slow down";
        assert_false(cri_pull(f->daemon, &request, &f->arena, &id, &f->cancel, &f->err));
        assert_int_equal(f->err.code, rows[i].want);
        assert_int_equal(f->err.status, rows[i].status);
    }
    assert_false(call_log_has(&f->log, "auth"));
}

static void an_image_has_names_until_it_is_removed(void **state)
{
    struct containerd_fixture *f = *state;
    struct cri_presence presence = {true, true};
    struct cri_names names;
    struct cri_images images;

    add_record(f, NAME, "sha256:1");
    add_record(f, "registry.test/a@sha256:2", "sha256:1");
    assert_true(cri_names(f->daemon, NAME, &f->arena, &names, &f->cancel, &f->err));
    assert_string_equal(names.id, "sha256:1");
    assert_int_equal(names.n_tags, 1);
    assert_string_equal(names.tags[0], NAME);
    assert_int_equal(names.n_digests, 1);
    assert_true(cri_images(f->daemon, &f->arena, &images, &f->cancel, &f->err));
    assert_int_equal(images.count, 1);
    assert_string_equal(images.items[0].name, NAME);
    assert_int_equal(images.items[0].bytes, 5);
    assert_true(cri_presence(f->daemon, NAME, &presence, &f->cancel, &f->err));
    assert_true(presence.present && !presence.pinned);
    assert_true(cri_remove(f->daemon, NAME, &f->cancel, &f->err));
    assert_true(cri_names(f->daemon, NAME, &f->arena, &names, &f->cancel, &f->err));
    assert_null(names.id);
    assert_true(cri_presence(f->daemon, NAME, &presence, &f->cancel, &f->err));
    assert_false(presence.present);
    containerd_fixture_fail(f, "ImageService/", RPC_INTERNAL);
    f->log.fail_on = true;
    assert_false(cri_names(f->daemon, NAME, &f->arena, &names, &f->cancel, &f->err));
    assert_false(cri_images(f->daemon, &f->arena, &images, &f->cancel, &f->err));
    assert_false(cri_presence(f->daemon, NAME, &presence, &f->cancel, &f->err));
    assert_false(cri_remove(f->daemon, NAME, &f->cancel, &f->err));
}

static void knows_whether_the_daemon_has_cri(void **state)
{
    struct containerd_fixture *f = *state;
    struct cri_status status;

    assert_true(cri_version(f->daemon, &f->cancel, &f->err));
    assert_true(cri_status(f->daemon, &f->arena, &status, &f->cancel, &f->err));
    assert_int_equal(status.count, 1);
    assert_string_equal(status.conditions[0].type, "RuntimeReady");
    assert_true(status.conditions[0].met);
    assert_null(status.sandbox_image);
    f->fake->cri_config = "{\"sandboxImage\":\"registry.test/pause:3\",\"x\":\"secret\"}";
    assert_true(cri_status(f->daemon, &f->arena, &status, &f->cancel, &f->err));
    assert_string_equal(status.sandbox_image, "registry.test/pause:3");
    for (size_t i = 0; i < 3; i++) {
        static const char *const unknown[] = {"{\"sandboxImage\":\"\"}", "{}", "not JSON"};

        f->fake->cri_config = unknown[i];
        assert_true(cri_status(f->daemon, &f->arena, &status, &f->cancel, &f->err));
        assert_null(status.sandbox_image);
        assert_int_equal(status.count, 1);
    }
    containerd_fixture_fail(f, "", RPC_UNIMPLEMENTED);
    assert_false(cri_version(f->daemon, &f->cancel, &f->err));
    containerd_fixture_fail(f, "", RPC_UNIMPLEMENTED);
    assert_false(cri_status(f->daemon, &f->arena, &status, &f->cancel, &f->err));
    assert_true(error_has_status(&f->err, STATUS_GRPC, RPC_UNIMPLEMENTED));
}

/* Pods, with their age in seconds. The daemon has started when the test began. */
static const struct {
    const char *configured;
    struct {
        const char *image;
        int age;
    } pods[3];
    const char *want; /* NULL: unknown */
} sandboxes[] = {
    {"c", {{"pause:2", 0}}, "c"},
    {NULL, {{"pause:2", 0}}, "pause:2"},
    {NULL, {{"pause:1", 3600}, {"pause:2", 0}}, "pause:2"},
    {NULL, {{"pause:2", 0}, {"pause:1", 3600}}, "pause:2"},
    {NULL, {{"pause:1", 3600}}, NULL}, /* perhaps of another configuration */
    {NULL, {{"", 0}}, NULL},
    {NULL, {{"sha256:0123", 0}}, NULL}, /* an image that has lost its name */
    {NULL, {{"pause:1", 3600}, {"sha256:0123", 0}}, NULL},
    {NULL, {{NULL, 0}}, NULL},
};

static void finds_the_sandbox_image_by_what_is_certain(void **state)
{
    struct containerd_fixture *f = *state;

    for (size_t i = 0; i < COUNT(sandboxes); i++) {
        const struct cri_status status = {.sandbox_image = sandboxes[i].configured};
        const char *image = NULL;

        for (size_t j = 0; j < f->fake->n_items; j++)
            if (f->fake->items[j]->kind == FAKE_CONTAINER)
                snprintf(f->fake->items[j]->space, 96, "gone");
        for (size_t j = 0; j < 3 && sandboxes[i].pods[j].image; j++) {
            struct fake_item *pod = fake_containerd_add(f->fake, FAKE_CONTAINER, SPACE, "pod");

            snprintf(pod->target, sizeof(pod->target), "%s", sandboxes[i].pods[j].image);
            pod->created_ns = clock_unix_ns() - sandboxes[i].pods[j].age * NS_PER_SECOND;
        }
        call_log_clear(&f->log);
        assert_true(cri_sandbox_image(f->daemon, &status, &f->arena, &image, &f->cancel, &f->err));
        if (!sandboxes[i].want)
            assert_null(image);
        else
            assert_string_equal(image, sandboxes[i].want);
        assert_int_equal(call_log_count(&f->log, "Containers/"), !sandboxes[i].configured);
    }
}

static void an_unknown_sandbox_image_is_no_failure(void **state)
{
    struct containerd_fixture *f = *state;
    const struct cri_status status = {0};
    const char *image = "x";

    assert_true(cri_sandbox_image(f->daemon, &status, &f->arena, &image, &f->cancel, &f->err));
    assert_null(image);
    containerd_fixture_fail(f, "Containers/", RPC_INTERNAL);
    assert_false(cri_sandbox_image(f->daemon, &status, &f->arena, &image, &f->cancel, &f->err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pulls_with_credentials_under_a_lease),
        TEST(the_text_of_the_daemon_decides_the_reason_of_a_failed_pull),
        TEST(an_image_has_names_until_it_is_removed),
        TEST(knows_whether_the_daemon_has_cri),
        TEST(finds_the_sandbox_image_by_what_is_certain),
        TEST(an_unknown_sandbox_image_is_no_failure),
    };

    return RUN(tests);
}
