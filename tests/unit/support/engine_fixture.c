/* SPDX-License-Identifier: Apache-2.0 */
#include "support/engine_fixture.h"

#include "net/rpc.h"

#include <stdio.h>

#define LONG_NS      (60 * NS_PER_SECOND) /* nothing here takes so long, however slow the machine */
#define STATE_BYTES  ((size_t)1 << 20)
#define CALLS_MAX    500
#define CANCEL_TRIES 5
#define LEFTOVERS_S  600

static struct engine_world world;
static struct containerd *containerd;
static struct docker *docker;

struct engine_world *engine_world(void)
{
    return &world;
}

int engine_world_start(void **state)
{
    (void)state;
    rpc_library_init();
    call_log_init(&world.log);
    world.containerd = fake_containerd_new(&world.log);
    fake_docker_start(&world.docker, &world.log);
    fake_registry_start(&world.registry, &world.log);
    fake_image_init(&world.image, "image", 2, FAKE_INDEX);
    fake_image_init(&world.other, "other", 3, 0);
    world.arena = (struct arena)ARENA_INIT((size_t)1 << 20);
    containerd = containerd_new(world.containerd->socket, &world.err);
    docker = docker_new(world.docker.http.address, &world.err);
    cancel_init(&world.cancel, INT64_MAX);
    return containerd && docker ? 0 : -1;
}

int engine_world_stop(void **state)
{
    (void)state;
    containerd_free(containerd);
    docker_free(docker);
    cancel_deinit(&world.cancel);
    fake_registry_stop(&world.registry);
    fake_docker_stop(&world.docker);
    fake_containerd_free(world.containerd);
    fake_image_deinit(&world.image);
    fake_image_deinit(&world.other);
    arena_deinit(&world.arena);
    call_log_deinit(&world.log);
    rpc_library_deinit();
    return 0;
}

void engine_world_refer(struct engine_world *w, const char *object)
{
    snprintf(w->name, sizeof(w->name), "%s/" REPOSITORY "%s%s", w->registry.http.address,
             strchr(object, ':') ? "@" : ":", object);
    if (!reference_parse(&w->request.reference, w->name, &w->arena, &w->err))
        abort();
}

int engine_world_reset(void **state)
{
    call_log_clear(&world.log);
    fake_containerd_reset(world.containerd);
    fake_docker_reset(&world.docker);
    fake_registry_reset(&world.registry);
    fake_registry_add_image(&world.registry, REPOSITORY, TAG, &world.image);
    world.containerd->image = world.docker.image = &world.image;
    arena_deinit(&world.arena);
    world.arena = (struct arena)ARENA_INIT((size_t)1 << 20);
    world.credentials = (struct credentials){.username = {NULL}};
    world.sent.count = 0;
    world.request = (struct engine_request){
        .name = "p",
        .containerd = containerd,
        .docker = docker,
        .hosts = &world.registry.hosts,
        .hosts_roots = "",
        .plain_http = true,
        .credentials = &world.credentials,
        .unpack = true,
        .cold = true,
        .snapshotter = FAKE_SNAPSHOTTER,
        .last_manifest = "",
        .max_concurrent_downloads = 1,
        .push = {.content = {.layers = 2, .layer_bytes = 1000, .image = "", .name_space = "ns"},
                 .last_digest = "",
                 .mount_from = ""},
        .sent = &world.sent,
        .lifetime_seconds = LEFTOVERS_S,
    };
    platform_matcher_host(&world.request.platform);
    engine_world_refer(&world, TAG);
    cancel_deinit(&world.cancel);
    cancel_init(&world.cancel, clock_now_ns() + LONG_NS);
    if (state)
        *state = &world;
    return 0;
}

bool engine_world_run(struct engine_world *w, const char *operation, const char *name)
{
    const struct engine *engine = engine_find(operation, name);

    w->err = (struct error){.code = ERROR_NONE};
    engine_result_init(&w->result);
    w->sent.count = 0;
    assert_non_null(engine);
    return engine->run(&w->request, &w->result, &w->cancel, &w->err);
}

void engine_world_dump(struct engine_world *w, struct buf *out)
{
    buf_append_str(out, "");
    fake_containerd_dump(w->containerd, out);
    fake_docker_dump(&w->docker, out);
    fake_registry_dump(&w->registry, out);
}

/* Whether the servers are as `before`. */
static bool state_is(struct engine_world *w, const struct buf *before)
{
    CLEANUP(buf_deinit) struct buf after = BUF_INIT(STATE_BYTES);

    engine_world_dump(w, &after);
    return strcmp(after.data, before->data) == 0;
}

void engine_world_assert_state(struct engine_world *w, const struct buf *before)
{
    CLEANUP(buf_deinit) struct buf after = BUF_INIT(STATE_BYTES);

    engine_world_dump(w, &after);
    assert_string_equal(after.data, before->data);
}

/* *n_calls: of the engine itself. The clean-up of the registry is not made to fail. */
static bool run_plan(struct engine_world *w, const struct failure_plan *plan, unsigned *n_calls)
{
    bool ok = engine_world_run(w, plan->operation, plan->name);

    *n_calls = call_log_count(&w->log, "");
    w->log.fail_at = 0;
    w->log.on_call = NULL;
    if (plan->pushes)
        push_target_clean(&w->request, &w->result, &w->cancel);
    return ok;
}

static bool is_listed(const char *line, const char *const *list)
{
    for (; list && *list; list++)
        if (strncmp(line, *list, strlen(*list)) == 0)
            return true;
    return false;
}

/* Line number `n` of the log, from 1; it has as many. */
static void nth_line(struct call_log *log, unsigned n, char *out, size_t size)
{
    const char *at = log->text.data;

    for (; n > 1; n--)
        at = strchr(at, '\n') + 1;
    snprintf(out, size, "%.*s", (int)strcspn(at, "\n"), at);
}

static void prepare(struct engine_world *w, const struct failure_plan *plan)
{
    engine_world_reset(NULL);
    if (plan->prepare)
        plan->prepare(w);
}

static void check_outcome(struct engine_world *w, const struct failure_plan *plan, bool ok,
                          bool may_be_ok, const char *line)
{
    unsigned n_calls;

    if (ok && !w->result.cleanup_failed && !may_be_ok && !is_listed(line, plan->tolerated))
        fail_msg("the run succeeds although this call fails: %s", line);
    if (!ok && (w->err.code == ERROR_NONE || w->err.message[0] == '\0'))
        fail_msg("no reason, after: %s", line);
    if (w->result.cleanup_failed &&
        (w->result.cleanup_error.code == ERROR_NONE || !w->result.cleanup_error.message[0]))
        fail_msg("no reason for the failed clean-up, after: %s", line);
    if (w->result.cleanup_failed || is_listed(line, plan->kept)) {
        call_log_clear(&w->log);
        cancel_deinit(&w->cancel);
        cancel_init(&w->cancel, clock_now_ns() + LONG_NS);
        if (!run_plan(w, plan, &n_calls))
            fail_msg("the run after it fails: %s: %s", line, w->err.message);
    }
    if (getenv("VERBOSE"))
        print_message("%s: %s %s\n", line, ok ? "success" : w->err.message,
                      w->result.cleanup_failed ? "CLEANUP" : "");
}

void engine_world_fail_each_call(struct engine_world *w, const struct failure_plan *plan)
{
    for (unsigned n = 1; n < CALLS_MAX; n++) {
        CLEANUP(buf_deinit) struct buf before = BUF_INIT(STATE_BYTES);
        char line[1024];
        unsigned n_calls;
        bool ok;

        prepare(w, plan);
        engine_world_dump(w, &before);
        w->log.fail_at = n;
        w->log.fail_late = plan->late;
        ok = run_plan(w, plan, &n_calls);
        if (n > n_calls) {
            assert_true(ok);
            assert_true(n > 1);
            return;
        }
        nth_line(&w->log, n, line, sizeof(line));
        check_outcome(w, plan, ok, false, line);
        engine_world_assert_state(w, &before);
    }
    fail_msg("more than %d calls", CALLS_MAX);
}

struct cancellation {
    struct engine_world *world;
    unsigned at, count;
};

static void cancel_at(void *arg, const char *line)
{
    struct cancellation *cancellation = arg;

    (void)line;
    if (__atomic_add_fetch(&cancellation->count, 1, __ATOMIC_SEQ_CST) == cancellation->at)
        cancel_now(&cancellation->world->cancel);
}

/* Cancels the run at its n-th call; false if it has fewer calls. */
static bool cancel_at_call(struct engine_world *w, const struct failure_plan *plan, unsigned n,
                           bool *is_clean)
{
    CLEANUP(buf_deinit) struct buf before = BUF_INIT(STATE_BYTES);
    struct cancellation cancellation = {w, n, 0};
    char line[1024];
    unsigned n_calls;
    bool ok;

    prepare(w, plan);
    engine_world_dump(w, &before);
    w->log.arg = &cancellation;
    w->log.on_call = cancel_at;
    ok = run_plan(w, plan, &n_calls);
    if (n > n_calls) {
        assert_true(ok);
        return false;
    }
    if (!ok)
        assert_int_equal(w->err.code, ERROR_CANCELED);
    nth_line(&w->log, n, line, sizeof(line));
    check_outcome(w, plan, ok, n > 1, line); /* the last calls come after the run */
    *is_clean = state_is(w, &before);
    return true;
}

/* A server may finish a canceled call after the clean-up, so the run has some tries. */
void engine_world_cancel_at_each_call(struct engine_world *w, const struct failure_plan *plan)
{
    for (unsigned n = 1; n < CALLS_MAX; n++) {
        bool is_clean = false;

        for (int tries = 0; tries < CANCEL_TRIES && !is_clean; tries++)
            if (!cancel_at_call(w, plan, n, &is_clean))
                return;
        if (!is_clean)
            fail_msg("call %u: a canceled run leaves something behind", n);
    }
    fail_msg("more than %d calls", CALLS_MAX);
}
