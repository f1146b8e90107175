/* SPDX-License-Identifier: Apache-2.0 */
/* A secret is a copy that its owner replaces or removes. */
#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void keeps_a_copy(void **state)
{
    struct secret secret = {NULL}, other = {NULL};
    struct error err;

    (void)state;
    assert_string_equal(secret_text(&secret), "");
    assert_true(secret_set(&secret, "password and more", 8, &err));
    assert_string_equal(secret_text(&secret), "password");
    assert_true(secret_copy(&other, &secret, &err));
    assert_ptr_not_equal(other.text, secret.text);
    assert_true(secret_set(&secret, "", 0, &err));
    assert_string_equal(secret.text, "");
    assert_string_equal(secret_text(&other), "password");
    secret_deinit(&secret);
    assert_null(secret.text);
    assert_true(secret_copy(&other, &secret, &err)); /* no secret is copied, too */
    assert_null(other.text);
    secret_deinit(&secret);
}

static void a_secret_buf_can_be_used_again(void **state)
{
    struct buf buf = SECRET_BUF_INIT(100);

    (void)state;
    secret_buf_deinit(&buf);
    buf_append_str(&buf, "token");
    secret_buf_deinit(&buf);
    assert_null(buf.data);
    assert_true(buf.secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_a_copy),
        cmocka_unit_test(a_secret_buf_can_be_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
