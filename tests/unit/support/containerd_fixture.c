/* SPDX-License-Identifier: Apache-2.0 */
#include "support/containerd_fixture.h"

#include "base/clock.h"

#define ARENA_LIMIT_BYTES ((size_t)1 << 20)
#define TIMEOUT_NS        (120 * NS_PER_SECOND) /* for a busy machine; no test waits for it */

int containerd_fixture_open(void **state)
{
    struct containerd_fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    rpc_library_init();
    call_log_init(&f->log);
    f->fake = fake_containerd_new(&f->log);
    f->daemon = containerd_new(f->fake->socket, &f->err);
    assert_non_null(f->daemon);
    f->scope = (struct scope){.daemon = f->daemon, .name_space = SPACE};
    f->arena = (struct arena)ARENA_INIT(ARENA_LIMIT_BYTES);
    cancel_init(&f->cancel, clock_now_ns() + TIMEOUT_NS);
    *state = f;
    return 0;
}

int containerd_fixture_close(void **state)
{
    struct containerd_fixture *f = *state;

    cancel_deinit(&f->cancel);
    arena_deinit(&f->arena);
    containerd_free(f->daemon);
    fake_containerd_free(f->fake);
    call_log_deinit(&f->log);
    rpc_library_deinit();
    free(f);
    return 0;
}

int containerd_fixture_reset(void **state)
{
    struct containerd_fixture *f = *state;

    fake_containerd_reset(f->fake);
    (void)fake_containerd_add(f->fake, FAKE_NAMESPACE, "", SPACE);
    call_log_clear(&f->log);
    cancel_deinit(&f->cancel);
    cancel_init(&f->cancel, clock_now_ns() + TIMEOUT_NS);
    arena_deinit(&f->arena);
    f->arena = (struct arena)ARENA_INIT(ARENA_LIMIT_BYTES);
    f->err = (struct error){0};
    return 0;
}

void containerd_fixture_fail(struct containerd_fixture *f, const char *method, int status)
{
    call_log_clear(&f->log);
    f->log.fail_method = method;
    f->log.fail_status = status;
    f->log.fail_at = 1;
}

void assert_calls(struct containerd_fixture *f, const char *lines)
{
    char text[4096];

    pthread_mutex_lock(&f->log.lock); /* not held while an assertion jumps out of here */
    snprintf(text, sizeof(text), "%s", f->log.text.data ? f->log.text.data : "");
    pthread_mutex_unlock(&f->log.lock);
    assert_string_equal(text, lines);
}
