/* SPDX-License-Identifier: Apache-2.0 */
/* An error carries a code, the status of the peer and a message. */
#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void carries_code_status_and_words(void **state)
{
    struct error err = {0};

    (void)state;
    assert_false(error_status(&err, ERROR_SERVER_ERROR, STATUS_HTTP, 503, "status %d", 503));
    assert_int_equal(err.status, 503);
    assert_false(error_wrap(&err, "registry %s", "r.io"));
    assert_string_equal(err.message, "registry r.io: status 503");
    assert_int_equal(err.code, ERROR_SERVER_ERROR);
    assert_int_equal(err.status, 503);
    assert_false(error_set(&err, ERROR_TIMEOUT, "no answer"));
    assert_int_equal(err.status_kind, STATUS_NONE);
    assert_int_equal(err.status, 0);
    assert_false(error_memory(&err));
    assert_int_equal(err.code, ERROR_MEMORY);
    assert_string_equal(err.message, "out of memory");
}

static void expected_errors_are_cleared(void **state)
{
    struct error err;

    (void)state;
    error_status(&err, ERROR_NOT_FOUND, STATUS_GRPC, 5, "x");
    assert_true(error_has_status(&err, STATUS_GRPC, 5));
    assert_true(error_has_status(&err, STATUS_GRPC, ANY_STATUS));
    assert_false(error_is_expected(&err, STATUS_GRPC, 6));
    assert_false(error_is_expected(&err, STATUS_HTTP, 5));
    assert_false(error_is_expected_code(&err, ERROR_INVALID));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_true(error_is_expected(&err, STATUS_GRPC, 5));
    assert_int_equal(err.code, ERROR_NONE);
    assert_int_equal(err.status_kind, STATUS_NONE);
    assert_int_equal(err.status, 0);
    assert_string_equal(err.message, "");
    error_set(&err, ERROR_LIMIT, "x");
    assert_int_equal(err.status_kind, STATUS_NONE);
    assert_true(error_is_expected_code(&err, ERROR_LIMIT));
    assert_int_equal(err.code, ERROR_NONE);
}

static void translates_errno(void **state)
{
    static const struct {
        int errnum;
        enum error_code want;
    } table[] = {
        {ENOMEM, ERROR_MEMORY},   {ENOENT, ERROR_NOT_FOUND},  {EACCES, ERROR_FORBIDDEN},
        {EPERM, ERROR_FORBIDDEN}, {ETIMEDOUT, ERROR_TIMEOUT}, {ENOSPC, ERROR_NO_SPACE},
        {EDQUOT, ERROR_NO_SPACE}, {EIO, ERROR_INTERNAL},
    };
    char want[200];

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct error err = {.status_kind = STATUS_HTTP, .status = 404};

        assert_false(error_errno(&err, table[i].errnum, "open %s", "/x"));
        assert_int_equal(err.code, table[i].want);
        assert_int_equal(err.status_kind, STATUS_NONE);
        assert_int_equal(err.status, 0);
        snprintf(want, sizeof(want), "open /x: %s", strerror(table[i].errnum));
        assert_string_equal(err.message, want);
    }
}

static void cuts_long_messages(void **state)
{
    enum {
        ROOM = sizeof(((struct error *)NULL)->message) - 1
    };
    struct error err = {0};
    char text[2000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_false(error_set(&err, ERROR_INVALID, "%s", text));
    assert_int_equal(strlen(err.message), ROOM);
    assert_false(error_wrap(&err, "%s", text));
    assert_int_equal(strlen(err.message), ROOM);
    assert_false(error_status(&err, ERROR_INVALID, STATUS_EXIT, 1, "%s", text));
    assert_int_equal(strlen(err.message), ROOM);
    for (int n = ROOM - 4; n <= ROOM; n++) { /* room for the colon and one character, or not */
        error_set(&err, ERROR_INVALID, "yz");
        assert_false(error_wrap(&err, "%.*s", n, text));
        assert_int_equal(strlen(err.message), n > ROOM - 3 ? n : n == ROOM - 3 ? ROOM : ROOM);
        assert_int_equal(strcmp(err.message + n, n > ROOM - 3    ? ""
                                                 : n == ROOM - 3 ? ": y"
                                                                 : ": yz"),
                         0);
    }
}

static void every_error_code_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = 0; a < ERROR_CODES; a++) {
        assert_non_null(error_code_name((enum error_code)a));
        for (int b = 0; b < a; b++)
            assert_string_not_equal(error_code_name((enum error_code)a),
                                    error_code_name((enum error_code)b));
    }
    assert_string_equal(error_code_name(ERROR_NOT_COLD), "not_cold");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_code_status_and_words),
        cmocka_unit_test(expected_errors_are_cleared),
        cmocka_unit_test(translates_errno),
        cmocka_unit_test(cuts_long_messages),
        cmocka_unit_test(every_error_code_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
