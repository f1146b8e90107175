/* SPDX-License-Identifier: Apache-2.0 */
/* Which row of the table a version gets, however it is written. */
#include "inventory/check_versions.h"

#include "containerd/daemon_version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void finds_the_row_of_a_version(void **state)
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_the_row_of_a_version)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
