/* SPDX-License-Identifier: Apache-2.0 */
/* Pull, engine "client": the exporter fetches, containerd stores and unpacks. */
#include "support/engine_fixture.h"

static const char *const clean_up_calls[] = {
    "Images/List",          "Images/Delete", "Leases/List",       "Leases/Delete",
    "Content/ListStatuses", "Content/Abort", "Namespaces/Delete", NULL};

static void cleans_up_after_each_failure(void **state)
{
    const struct failure_plan plan = {
        .operation = "pull", .name = "client", .tolerated = clean_up_calls};
    struct failure_plan late = plan;

    late.late = true;
    engine_world_fail_each_call(*state, &plan);
    engine_world_fail_each_call(*state, &late);
}

static void cleans_up_after_being_canceled_at_each_call(void **state)
{
    engine_world_cancel_at_each_call(
        *state,
        &(struct failure_plan){.operation = "pull", .name = "client", .tolerated = clean_up_calls});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(cleans_up_after_each_failure, engine_world_reset),
        cmocka_unit_test_setup(cleans_up_after_being_canceled_at_each_call, engine_world_reset),
    };

    return cmocka_run_group_tests(tests, engine_world_start, engine_world_stop);
}
