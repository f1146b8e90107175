/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of CRI: decoded replies, invalid replies, encoded requests. */
#include "containerd/wire/cri_wire.h"
#include "support/wire_fixture.h"

static void a_status_has_conditions_and_a_configuration(void **state)
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

static void a_missing_image_is_absent(void **state)
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

static void refuses_an_invalid_message(void **state)
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

/* Returns field `number` of the message, or NULL; only fields of a length below
 * 128. */
static const char *text_of(const struct buf *message, unsigned number, size_t *size)
{
    for (size_t at = 0; at + 1 < message->size; at += 2 + (unsigned char)message->data[at + 1]) {
        if ((unsigned char)message->data[at] != (number << 3 | 2))
            continue;
        *size = (unsigned char)message->data[at + 1];
        return message->data + at + 2;
    }
    return NULL;
}

static void assert_text(const struct buf *message, unsigned number, const char *expected)
{
    size_t size = 0;
    const char *text = text_of(message, number, &size);

    assert_non_null(text);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(text, expected, size);
}

static void a_pull_has_image_credentials_and_server(void **state)
{
    struct fixture *f = *state;
    const struct credentials credentials = {.username = {(char *)"user"},
                                            .password = {(char *)"word"}};
    struct cri_pull_request request = {.image = "a/b:1", .server = "https://a"};
    struct buf auth = BUF_INIT(LIMIT_BYTES);
    size_t size;

    cri_wire_pull(&f->message, &request);
    assert_text(&f->message, 1,
                "\x0a\x05"
                "a/b:1");
    assert_null(text_of(&f->message, 2, &size));
    request.credentials = &credentials;
    cri_wire_pull(&f->message, &request);
    auth.data = (char *)text_of(&f->message, 2, &auth.size);
    assert_text(&auth, 1, "user");
    assert_text(&auth, 2, "word");
    assert_text(&auth, 4, "https://a");
    assert_null(text_of(&auth, 5, &size));
    assert_null(text_of(&auth, 6, &size));
}

static void each_token_has_its_field(void **state)
{
    struct fixture *f = *state;
    const struct credentials credentials = {.identity_token = {(char *)"refresh"},
                                            .registry_token = {(char *)"bearer"}};
    const struct cri_pull_request request = {"a/b:1", NULL, &credentials, "https://a"};
    struct buf auth = BUF_INIT(LIMIT_BYTES);
    size_t size;

    cri_wire_pull(&f->message, &request);
    auth.data = (char *)text_of(&f->message, 2, &auth.size);
    assert_null(text_of(&auth, 1, &size));
    assert_text(&auth, 5, "refresh");
    assert_text(&auth, 6, "bearer");
}

static void a_pull_returns_the_id_of_the_image(void **state)
{
    struct fixture *f = *state;
    const char *id;

    put_text(&f->message, 1, "sha256:a");
    assert_true(cri_wire_pulled(&f->message, &f->arena, &id, &f->err));
    assert_string_equal(id, "sha256:a");
    buf_clear(&f->message);
    assert_false(cri_wire_pulled(&f->message, &f->arena, &id, &f->err));
    assert_int_equal(f->err.code, ERROR_PROTOCOL);
    put_text(&f->message, 1, "sha256:a");
    f->message.size--;
    assert_false(cri_wire_pulled(&f->message, &f->arena, &id, &f->err));
    assert_int_equal(f->err.code, ERROR_PROTOCOL);
}

static void an_image_has_all_its_names(void **state)
{
    struct fixture *f = *state;
    struct cri_names names;

    assert_true(cri_wire_names(&f->message, &f->arena, &names, &f->err));
    assert_null(names.id);
    put_text(&f->part, 1, "sha256:a");
    put_text(&f->part, 2, "r/i:1");
    put_text(&f->part, 2, "r/i:2");
    put_text(&f->part, 3, "r/i@sha256:b");
    put_part(&f->message, 1, &f->part);
    assert_true(cri_wire_names(&f->message, &f->arena, &names, &f->err));
    assert_string_equal(names.id, "sha256:a");
    assert_int_equal(names.n_tags, 2);
    assert_string_equal(names.tags[1], "r/i:2");
    assert_int_equal(names.n_digests, 1);
    assert_string_equal(names.digests[0], "r/i@sha256:b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_status_has_conditions_and_a_configuration, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(cri_images_have_the_best_name, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_image_is_absent, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pull_has_image_credentials_and_server, setup, teardown),
        cmocka_unit_test_setup_teardown(each_token_has_its_field, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pull_returns_the_id_of_the_image, setup, teardown),
        cmocka_unit_test_setup_teardown(an_image_has_all_its_names, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_an_invalid_message, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
