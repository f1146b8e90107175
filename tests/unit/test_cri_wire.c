/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of CRI: what is read from them, and what is no answer. */
#include "client/cri_wire.h"
#include "wire_fixture.h"

static void cri_tells_conditions_and_its_configuration(void **state)
{
    struct fixture *f = *state;
    struct cri_status status = {0};
    struct buf condition = BUF_INIT(LIMIT_BYTES);
    char *config;

    put_text(&condition, 1, "RuntimeReady");
    put_number(&condition, 2, 1);
    put_part(&f->part, 1, &condition);
    put_text(&condition, 1, "NetworkReady");
    put_part(&f->part, 1, &condition);
    buf_deinit(&condition);
    put_part(&f->message, 1, &f->part);
    put_pair(&f->message, 2, "golang", "go1");
    put_pair(&f->message, 2, "config", "{}");
    assert_true(cri_wire_status(&f->message, &f->arena, &status, &config, &f->err));
    assert_int_equal(status.count, 2);
    assert_true(status.conditions[0].met);
    assert_string_equal(status.conditions[1].type, "NetworkReady");
    assert_false(status.conditions[1].met);
    assert_string_equal(config, "{}");
    buf_clear(&f->message);
    assert_true(cri_wire_status(&f->message, &f->arena, &status, &config, &f->err));
    assert_int_equal(status.count, 0);
    assert_null(config);
}

static void cri_images_have_the_best_name(void **state)
{
    struct fixture *f = *state;
    struct cri_images images;

    put_text(&f->part, 1, "id");
    put_text(&f->part, 2, "tag");
    put_text(&f->part, 2, "tag2");
    put_text(&f->part, 3, "digest");
    put_number(&f->part, 4, 12);
    put_number(&f->part, 8, 1);
    put_part(&f->message, 1, &f->part);
    put_text(&f->part, 1, "id");
    put_text(&f->part, 3, "digest");
    put_part(&f->message, 1, &f->part);
    put_text(&f->part, 1, "id");
    put_part(&f->message, 1, &f->part);
    assert_true(cri_wire_images(&f->message, &f->arena, &images, &f->err));
    assert_int_equal(images.count, 3);
    assert_string_equal(images.items[0].name, "tag");
    assert_int_equal(images.items[0].bytes, 12);
    assert_true(images.items[0].pinned);
    assert_string_equal(images.items[1].name, "digest");
    assert_string_equal(images.items[2].name, "id");
    assert_false(images.items[2].pinned);
}

static void an_image_that_is_not_there_is_absent(void **state)
{
    struct fixture *f = *state;
    struct cri_presence presence;

    assert_true(cri_wire_presence(&f->message, &f->arena, &presence, &f->err));
    assert_false(presence.present);
    assert_false(presence.pinned);
    put_text(&f->message, 1, "");
    assert_true(cri_wire_presence(&f->message, &f->arena, &presence, &f->err));
    assert_true(presence.present);
    assert_false(presence.pinned);
}

static void refuse_what_is_no_message(void **state)
{
    struct fixture *f = *state;
    struct cri_status status;
    struct cri_images images;
    struct cri_presence presence;
    char *config;

    buf_append_str(&f->message, "<html>");
    assert_false(cri_wire_status(&f->message, &f->arena, &status, &config, &f->err));
    assert_null(config);
    assert_false(cri_wire_images(&f->message, &f->arena, &images, &f->err));
    assert_false(cri_wire_presence(&f->message, &f->arena, &presence, &f->err));
    assert_int_equal(f->err.code, ERROR_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cri_tells_conditions_and_its_configuration, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(cri_images_have_the_best_name, setup, teardown),
        cmocka_unit_test_setup_teardown(an_image_that_is_not_there_is_absent, setup, teardown),
        cmocka_unit_test_setup_teardown(refuse_what_is_no_message, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
