/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about the binary. */
#include "os/build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void knows_itself(void **state)
{
    (void)state;
    assert_true(build_knows(build_version));
    assert_true(build_version[0] >= '0' && build_version[0] <= '9');
    assert_true(strncmp(build_compiler, "gcc ", 4) == 0 ||
                strncmp(build_compiler, "clang ", 6) == 0);
    assert_true(build_knows(build_arch));
    assert_false(build_knows("unknown"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
