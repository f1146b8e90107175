/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions to a fake daemon: when they are live, what they return, how they end. */
#include "containerd/events.h"

#include "base/clock.h"
#include "support/containerd_fixture.h"

static const char *const topics[] = {"/images/", NULL};

static void returns_events_after_the_subscription_is_live(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(events_closep) struct events *events = NULL;
    struct event event;

    events = events_open(f->daemon, topics, &f->cancel, &f->err);
    assert_non_null(events);
    assert_true(call_log_has(&f->log, "Events/Subscribe"));
    assert_true(call_log_has(&f->log, "Events/Publish /containerd_exporter/sync"));
    fake_containerd_publish(f->fake, SPACE, "/images/create");
    fake_containerd_publish(f->fake, "", "/containerd_exporter/sync"); /* of another exporter */
    fake_containerd_publish(f->fake, "", "/images/delete");
    assert_true(events_next(events, &event, INT64_MAX, &f->err));
    assert_string_equal(event.name_space, SPACE);
    assert_string_equal(event.topic, "/images/create");
    assert_true(events_next(events, &event, INT64_MAX, &f->err));
    assert_string_equal(event.name_space, "");
    assert_string_equal(event.topic, "/images/delete");
}

static void a_deadline_without_an_event_is_no_error(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(events_closep) struct events *events = NULL;
    struct event event;

    events = events_open(f->daemon, topics, &f->cancel, &f->err);
    assert_non_null(events);
    f->err.code = ERROR_INTERNAL;
    while (events_next(events, &event, clock_now_ns(), &f->err)) /* our own events, sent twice */
        assert_string_equal(event.topic, "");
    assert_int_equal(f->err.code, ERROR_NONE);
}

static void a_failed_call_fails_the_subscription(void **state)
{
    static const char *const methods[] = {"Events/Subscribe", "Events/Publish"};
    struct containerd_fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        containerd_fixture_fail(f, methods[i], RPC_PERMISSION_DENIED);
        f->log.fail_on = true;
        assert_null(events_open(f->daemon, topics, &f->cancel, &f->err));
        assert_true(error_has_status(&f->err, STATUS_GRPC, RPC_PERMISSION_DENIED));
    }
}

static void cancel_ends_a_wait_and_breaks_the_subscription(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(events_closep) struct events *events = NULL;
    struct event event;

    events = events_open(f->daemon, topics, &f->cancel, &f->err);
    assert_non_null(events);
    cancel_now(&f->cancel);
    while (events_next(events, &event, INT64_MAX, &f->err))
        continue;
    assert_int_equal(f->err.code, ERROR_CANCELED);
    assert_memory_equal(f->err.message, "events: ", 8);
    assert_false(events_next(events, &event, INT64_MAX, &f->err));
    assert_int_equal(f->err.code, ERROR_RUNTIME_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(returns_events_after_the_subscription_is_live),
        TEST(a_deadline_without_an_event_is_no_error),
        TEST(a_failed_call_fails_the_subscription),
        TEST(cancel_ends_a_wait_and_breaks_the_subscription),
    };

    return RUN(tests);
}
