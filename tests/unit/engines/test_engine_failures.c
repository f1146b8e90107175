/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every engine, with each of its calls failing once: before it takes effect, after it, and with the
 * run canceled at that moment. The servers must be left as they were.
 */
#include "support/engine_fixture.h"

#define LAYER_BYTES 2000

static const char *const workspace_calls[] = {
    "Images/List",       "Images/Delete",        "Leases/List",
    "Leases/Delete",     "Content/ListStatuses", "Content/Abort",
    "Namespaces/Delete", "Content/List",         NULL};

static const char *const docker_calls[] = {"Images/List",
                                           "Leases/List",
                                           "Content/",
                                           "Namespaces/",
                                           "docker/GET /info",
                                           "docker/GET /volumes",
                                           "docker/POST /volumes/create",
                                           NULL};

/* A mark that was set, although Docker says it was not, goes when the next run begins. */
static const char *const docker_marks[] = {"docker/POST /volumes/create", NULL};

static void prepare_daemon_image(struct engine_world *w)
{
    fake_containerd_add(w->containerd, FAKE_NAMESPACE, "", "ns");
    fake_containerd_add_image(w->containerd, "ns", "example.org/x:1", &w->other);
    w->request.push.content.image = "example.org/x:1";
    engine_world_refer(w, "pushed");
}

static void prepare_generated_image(struct engine_world *w)
{
    w->request.push.content.layer_bytes = LAYER_BYTES;
    engine_world_refer(w, "pushed");
}

static void prepare_docker_image(struct engine_world *w)
{
    fake_docker_add(&w->docker, w->other.config.digest, "example.org/x:1");
    w->request.push.content.image = "example.org/x:1";
    engine_world_refer(w, "pushed");
}

static void fail_and_cancel(struct engine_world *w, const struct failure_plan *plan)
{
    struct failure_plan late = *plan;

    late.late = true;
    engine_world_fail_each_call(w, plan);
    engine_world_fail_each_call(w, &late);
    engine_world_cancel_at_each_call(w, plan);
}

static void pull_client_leaves_nothing(void **state)
{
    fail_and_cancel(*state, &(struct failure_plan){.operation = "pull",
                                                   .name = "client",
                                                   .tolerated = workspace_calls});
}

static void pull_registry_leaves_nothing(void **state)
{
    fail_and_cancel(*state, &(struct failure_plan){.operation = "pull", .name = "registry"});
}

static void pull_cri_leaves_nothing(void **state)
{
    fail_and_cancel(*state, &(struct failure_plan){
                                .operation = "pull", .name = "cri", .tolerated = workspace_calls});
}

static void pull_transfer_leaves_nothing(void **state)
{
    fail_and_cancel(*state, &(struct failure_plan){.operation = "pull",
                                                   .name = "transfer",
                                                   .tolerated = workspace_calls});
}

static void pull_docker_leaves_nothing(void **state)
{
    fail_and_cancel(*state, &(struct failure_plan){.operation = "pull",
                                                   .name = "docker",
                                                   .tolerated = docker_calls,
                                                   .kept = docker_marks});
}

static void push_client_leaves_nothing_of_a_generated_image(void **state)
{
    fail_and_cancel(*state, &(struct failure_plan){.operation = "push",
                                                   .name = "client",
                                                   .prepare = prepare_generated_image,
                                                   .pushes = true,
                                                   .tolerated = workspace_calls});
}

static void push_client_leaves_the_image_of_the_daemon(void **state)
{
    fail_and_cancel(*state, &(struct failure_plan){.operation = "push",
                                                   .name = "client",
                                                   .prepare = prepare_daemon_image,
                                                   .pushes = true});
}

static void push_registry_leaves_nothing(void **state)
{
    fail_and_cancel(*state, &(struct failure_plan){.operation = "push",
                                                   .name = "registry",
                                                   .prepare = prepare_generated_image,
                                                   .pushes = true});
}

static void push_transfer_leaves_nothing_of_a_generated_image(void **state)
{
    fail_and_cancel(*state, &(struct failure_plan){.operation = "push",
                                                   .name = "transfer",
                                                   .prepare = prepare_generated_image,
                                                   .tolerated = workspace_calls});
}

static void push_transfer_leaves_the_image_of_the_daemon(void **state)
{
    fail_and_cancel(*state, &(struct failure_plan){.operation = "push",
                                                   .name = "transfer",
                                                   .prepare = prepare_daemon_image,
                                                   .tolerated = workspace_calls});
}

static void push_docker_leaves_nothing_of_a_generated_image(void **state)
{
    fail_and_cancel(*state, &(struct failure_plan){.operation = "push",
                                                   .name = "docker",
                                                   .tolerated = docker_calls,
                                                   .kept = docker_marks,
                                                   .prepare = prepare_generated_image});
}

static void push_docker_leaves_the_image_of_the_daemon(void **state)
{
    fail_and_cancel(*state, &(struct failure_plan){.operation = "push",
                                                   .name = "docker",
                                                   .prepare = prepare_docker_image,
                                                   .tolerated = docker_calls,
                                                   .kept = docker_marks});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pull_client_leaves_nothing, engine_world_reset),
        cmocka_unit_test_setup(pull_registry_leaves_nothing, engine_world_reset),
        cmocka_unit_test_setup(pull_cri_leaves_nothing, engine_world_reset),
        cmocka_unit_test_setup(pull_transfer_leaves_nothing, engine_world_reset),
        cmocka_unit_test_setup(pull_docker_leaves_nothing, engine_world_reset),
        cmocka_unit_test_setup(push_client_leaves_nothing_of_a_generated_image, engine_world_reset),
        cmocka_unit_test_setup(push_client_leaves_the_image_of_the_daemon, engine_world_reset),
        cmocka_unit_test_setup(push_registry_leaves_nothing, engine_world_reset),
        cmocka_unit_test_setup(push_transfer_leaves_nothing_of_a_generated_image,
                               engine_world_reset),
        cmocka_unit_test_setup(push_transfer_leaves_the_image_of_the_daemon, engine_world_reset),
        cmocka_unit_test_setup(push_docker_leaves_nothing_of_a_generated_image, engine_world_reset),
        cmocka_unit_test_setup(push_docker_leaves_the_image_of_the_daemon, engine_world_reset),
    };

    return cmocka_run_group_tests(tests, engine_world_start, engine_world_stop);
}
