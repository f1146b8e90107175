/* SPDX-License-Identifier: Apache-2.0 */
/* Which images at a registry a push may replace, and what it removes afterwards. */
#include "support/engine_fixture.h"

static bool check(struct engine_world *w, const char *digest)
{
    w->err = (struct error){.code = ERROR_NONE};
    return push_target_check(&w->request, digest, &w->cancel, &w->err);
}

static void put(struct engine_world *w, const char *tag, const char *seed, unsigned flags)
{
    struct fake_image image;

    fake_image_init(&image, seed, 1, flags);
    fake_registry_add_image(&w->registry, REPOSITORY, tag, &image);
    fake_image_deinit(&image);
    engine_world_refer(w, tag);
}

static void a_tag_that_is_free_may_be_taken(void **state)
{
    struct engine_world *w = *state;

    engine_world_refer(w, "free");
    assert_true(check(w, ""));
    assert_int_equal(call_log_count(&w->log, ""), 1); /* HEAD */
}

static void an_image_of_others_is_not_replaced(void **state)
{
    struct engine_world *w = *state;

    assert_false(check(w, ""));
    assert_int_equal(w->err.code, ERROR_INVALID);
    assert_non_null(strstr(w->err.message, w->name));
    assert_non_null(strstr(w->err.message, "overwrite"));
    assert_false(check(w, w->other.root.digest));
    put(w, "plain", "plain", 0);
    assert_false(check(w, ""));
    w->request.push.overwrite = true;
    call_log_clear(&w->log);
    assert_true(check(w, ""));
    assert_int_equal(call_log_count(&w->log, ""), 0);
}

static void an_image_of_a_probe_is_replaced(void **state)
{
    struct engine_world *w = *state;

    put(w, "ours", "ours", FAKE_OURS);
    assert_true(check(w, ""));
    put(w, "index", "ours", FAKE_OURS | FAKE_INDEX);
    assert_true(check(w, ""));
}

static void the_same_image_is_replaced(void **state)
{
    struct engine_world *w = *state;

    assert_true(check(w, w->image.root.digest));
    w->request.push.last_digest = w->image.root.digest;
    assert_true(check(w, ""));
    w->request.push.last_digest = "";
    fake_registry_add_image(&w->registry, REPOSITORY, "plain", &w->other);
    engine_world_refer(w, "plain");
    assert_true(check(w, w->other.config.digest)); /* Docker knows the configuration only */
    assert_false(check(w, w->image.config.digest));
}

static void a_configuration_of_a_probe_is_enough(void **state)
{
    struct engine_world *w = *state;
    struct fake_image ours, docker;
    struct fake_entry *manifest;
    char *at;

    fake_image_init(&ours, "ours", 1, FAKE_OURS);
    fake_image_init(&docker, "docker", 1, 0);
    fake_registry_add_image(&w->registry, REPOSITORY, "x", &ours);
    /* The manifest as Docker would write it: no label of a probe in it. */
    manifest =
        (struct fake_entry *)fake_registry_find(&w->registry, REPOSITORY, ours.manifest.digest);
    while ((at = strstr(manifest->data, MANIFEST_OURS)))
        *at = 'x';
    assert_true(digest_of(manifest->data, manifest->size, manifest->name, &w->err));
    strcpy(((struct fake_entry *)fake_registry_find(&w->registry, REPOSITORY, "x"))->target,
           manifest->name);
    engine_world_refer(w, "x");
    assert_true(check(w, ""));
    assert_int_equal(call_log_count(&w->log, "registry/GET /v2/a/b/blobs/"), 1);
    ((struct fake_entry *)fake_registry_find(&w->registry, REPOSITORY, ours.config.digest))
        ->name[9] = 'x';
    assert_false(check(w, "")); /* the configuration is gone: nothing says that it is ours */
    assert_int_equal(w->err.code, ERROR_INVALID);
    fake_image_deinit(&ours);
    fake_image_deinit(&docker);
}

static void each_failure_of_the_check_has_a_reason(void **state)
{
    struct engine_world *w = *state;
    unsigned n_calls;

    put(w, "plain", "plain", 0);
    assert_false(check(w, ""));
    n_calls = call_log_count(&w->log, "");
    assert_true(n_calls >= 3);
    for (unsigned n = 1; n <= n_calls; n++) {
        call_log_clear(&w->log);
        w->log.fail_at = n;
        assert_false(check(w, ""));
        assert_non_null(strstr(w->err.message, "HTTP 400")); /* HEAD is answered without words */
    }
}

static void push_an_image(struct engine_world *w, bool index)
{
    engine_world_refer(w, "pushed");
    w->request.push.content.index = index;
    assert_true(engine_world_run(w, "push", "registry"));
    call_log_clear(&w->log);
}

static void removes_manifests_before_blobs(void **state)
{
    struct engine_world *w = *state;
    CLEANUP(buf_deinit) struct buf before = BUF_INIT(100000);
    char root[200], child[200];

    engine_world_dump(w, &before);
    push_an_image(w, true);
    snprintf(root, sizeof(root), "registry/DELETE /v2/a/b/manifests/%s", w->result.digest);
    snprintf(child, sizeof(child), "registry/DELETE /v2/a/b/manifests/%s",
             w->result.manifest_digest);
    push_target_clean(&w->request, &w->result, &w->cancel);
    assert_false(w->result.cleanup_failed);
    assert_true(w->result.phase_seconds[PHASE_CLEANUP] >= 0);
    assert_true(call_log_in_order(
        &w->log, (const char *const[]){root, child, "registry/DELETE /v2/a/b/blobs/", NULL}));
    assert_int_equal(call_log_count(&w->log, "registry/DELETE /v2/a/b/blobs/"), 3);
    engine_world_assert_state(w, &before);
}

static void removes_the_blobs_of_a_push_that_failed(void **state)
{
    struct engine_world *w = *state;
    CLEANUP(buf_deinit) struct buf before = BUF_INIT(100000);

    engine_world_dump(w, &before);
    engine_world_refer(w, "pushed");
    w->log.fail_method = "registry/PUT /v2/a/b/manifests/";
    w->log.fail_at = 1;
    assert_false(engine_world_run(w, "push", "registry"));
    push_target_clean(&w->request, &w->result, &w->cancel);
    assert_false(w->result.cleanup_failed);
    engine_world_assert_state(w, &before);
}

static void says_what_the_registry_does_not_delete(void **state)
{
    struct engine_world *w = *state;

    push_an_image(w, false);
    w->registry.deletes_nothing = true;
    push_target_clean(&w->request, &w->result, &w->cancel);
    assert_true(w->result.cleanup_failed);
    assert_int_equal(w->result.cleanup_error.code, ERROR_UNSUPPORTED);
    assert_non_null(strstr(w->result.cleanup_error.message, w->result.digest));
    assert_non_null(
        strstr(w->result.cleanup_error.message, "the registry does not support deletion"));
    w->registry.deletes_nothing = false;
    w->registry.deletes_no_blobs = true;
    w->result.cleanup_failed = false;
    push_target_clean(&w->request, &w->result, &w->cancel);
    assert_false(w->result.cleanup_failed); /* the manifest has gone: blobs are the registry's */
    push_an_image(w, false);
    w->result.digest[0] = '\0';
    push_target_clean(&w->request, &w->result, &w->cancel);
    assert_true(w->result.cleanup_failed);
    assert_non_null(
        strstr(w->result.cleanup_error.message, "the registry does not support deletion of blobs"));
    assert_non_null(strstr(w->result.cleanup_error.message, w->name));
}

static void each_failure_of_the_removal_has_a_reason(void **state)
{
    struct engine_world *w = *state;
    unsigned n_calls;

    push_an_image(w, true);
    push_target_clean(&w->request, &w->result, &w->cancel);
    n_calls = call_log_count(&w->log, "");
    assert_int_equal(n_calls, 2 + 2 + 3 + 1); /* the last is the HEAD of the tag */
    for (unsigned n = 1; n <= n_calls; n++) {
        push_an_image(w, true);
        w->log.fail_at = n;
        push_target_clean(&w->request, &w->result, &w->cancel);
        assert_true(w->result.cleanup_failed);
        assert_non_null(strstr(w->result.cleanup_error.message,
                               n < n_calls ? "planned failure" : "tag pushed after the deletion"));
        assert_non_null(strstr(w->result.cleanup_error.message, w->result.digest));
    }
}

static void asks_for_the_tag_afterwards(void **state)
{
    static const struct {
        bool keeps_tags, deletes_no_tags, ignores_deletes;
        enum error_code want;
        unsigned asked, deleted; /* HEADs and DELETEs of the tag */
    } rows[] = {
        {false, false, false, ERROR_NONE, 1, 0},
        {true, false, false, ERROR_NONE, 2, 1},
        {true, true, false, ERROR_UNSUPPORTED, 1, 1},
        {false, false, true, ERROR_PROTOCOL, 2, 1},
    };
    struct engine_world *w = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        push_an_image(w, false);
        w->registry.keeps_tags = rows[i].keeps_tags;
        w->registry.deletes_no_tags = rows[i].deletes_no_tags;
        w->registry.ignores_deletes = rows[i].ignores_deletes;
        push_target_clean(&w->request, &w->result, &w->cancel);
        assert_int_equal(w->result.cleanup_failed, rows[i].want != ERROR_NONE);
        if (w->result.cleanup_failed) {
            assert_int_equal(w->result.cleanup_error.code, rows[i].want);
            assert_non_null(strstr(w->result.cleanup_error.message, "the tag pushed stays"));
        }
        assert_int_equal(call_log_count(&w->log, "registry/HEAD /v2/a/b/manifests/pushed"),
                         rows[i].asked);
        assert_int_equal(call_log_count(&w->log, "registry/DELETE /v2/a/b/manifests/pushed"),
                         rows[i].deleted);
        if (rows[i].want == ERROR_NONE)
            assert_null(fake_registry_find(&w->registry, REPOSITORY, "pushed"));
    }
}

/* Another client has pushed since. */
static void leaves_a_tag_that_has_another_image(void **state)
{
    struct engine_world *w = *state;
    struct fake_image image;

    push_an_image(w, false);
    fake_image_init(&image, "others", 1, 0);
    fake_registry_add_image(&w->registry, REPOSITORY, "pushed", &image);
    push_target_clean(&w->request, &w->result, &w->cancel);
    assert_false(w->result.cleanup_failed);
    assert_int_equal(call_log_count(&w->log, "registry/DELETE /v2/a/b/manifests/pushed"), 0);
    assert_non_null(fake_registry_find(&w->registry, REPOSITORY, image.manifest.digest));
    fake_image_deinit(&image);
}

static void keeps_the_first_reason_of_a_failed_clean_up(void **state)
{
    struct engine_world *w = *state;

    push_an_image(w, false);
    w->registry.deletes_nothing = true;
    w->result.cleanup_failed = true;
    error_set(&w->result.cleanup_error, ERROR_RUNTIME, "the first");
    push_target_clean(&w->request, &w->result, &w->cancel);
    assert_string_equal(w->result.cleanup_error.message, "the first");
}

static void says_where_it_does_not_know_what_was_sent(void **state)
{
    struct engine_world *w = *state;

    engine_world_refer(w, "pushed");
    engine_result_init(&w->result);
    push_target_clean(&w->request, &w->result, &w->cancel);
    assert_false(w->result.cleanup_failed);
    w->result.traffic.uploaded_bytes = 1;
    push_target_clean(&w->request, &w->result, &w->cancel);
    assert_true(w->result.cleanup_failed);
    w->result.cleanup_failed = false;
    w->sent.count = UPLOAD_SENT_MAX + 1;
    for (size_t i = 0; i < UPLOAD_SENT_MAX; i++)
        strcpy(w->sent.digests[i], w->other.config.digest);
    push_target_clean(&w->request, &w->result, &w->cancel);
    assert_int_equal(call_log_count(&w->log, "registry/DELETE"), UPLOAD_SENT_MAX);
    assert_true(w->result.cleanup_failed);
    assert_int_equal(w->result.cleanup_error.code, ERROR_LIMIT);
    w->request.sent = NULL;
    w->result.traffic.uploaded_bytes = 0;
    w->result.cleanup_failed = false;
    push_target_clean(&w->request, &w->result, &w->cancel);
    assert_false(w->result.cleanup_failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_tag_that_is_free_may_be_taken, engine_world_reset),
        cmocka_unit_test_setup(an_image_of_others_is_not_replaced, engine_world_reset),
        cmocka_unit_test_setup(an_image_of_a_probe_is_replaced, engine_world_reset),
        cmocka_unit_test_setup(the_same_image_is_replaced, engine_world_reset),
        cmocka_unit_test_setup(a_configuration_of_a_probe_is_enough, engine_world_reset),
        cmocka_unit_test_setup(each_failure_of_the_check_has_a_reason, engine_world_reset),
        cmocka_unit_test_setup(removes_manifests_before_blobs, engine_world_reset),
        cmocka_unit_test_setup(removes_the_blobs_of_a_push_that_failed, engine_world_reset),
        cmocka_unit_test_setup(says_what_the_registry_does_not_delete, engine_world_reset),
        cmocka_unit_test_setup(each_failure_of_the_removal_has_a_reason, engine_world_reset),
        cmocka_unit_test_setup(asks_for_the_tag_afterwards, engine_world_reset),
        cmocka_unit_test_setup(leaves_a_tag_that_has_another_image, engine_world_reset),
        cmocka_unit_test_setup(keeps_the_first_reason_of_a_failed_clean_up, engine_world_reset),
        cmocka_unit_test_setup(says_where_it_does_not_know_what_was_sent, engine_world_reset),
    };

    return cmocka_run_group_tests(tests, engine_world_start, engine_world_stop);
}
