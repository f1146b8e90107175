/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Events service: subscriptions, published events, received events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "containerd/wire/events_wire.h"

#include <string.h>

#define LIMIT_BYTES ((size_t)64 << 10)

#define OWN_EVENT              \
    "\x12\x02"                 \
    "ns"                       \
    "\x1a\x05"                 \
    "/sync"                    \
    "\x22\x20\x0a\x18"         \
    "containerd_exporter.Text" \
    "\x12\x04"                 \
    "once"

/* With a timestamp, which the exporter does not read. */
#define IMAGE_EVENT    \
    "\x0a\x02\x08\x05" \
    "\x12\x03"         \
    "k8s"              \
    "\x1a\x0e"         \
    "/images/create"   \
    "\x22\x07\x0a\x03" \
    "x.Y"              \
    "\x12\x00"

static bool read_envelope(const void *data, size_t size, struct arena *arena, struct event *event,
                          const char **text, struct error *err)
{
    const struct buf message = {.data = (char *)data, .size = size, .limit_bytes = size};

    return events_wire_envelope(&message, arena, event, text, err);
}

static void subscribes_with_each_filter(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
    const char *const filters[] = {"a", "bc", NULL};

    (void)state;
    events_wire_subscribe(&out, filters);
    assert_int_equal(out.size, 7);
    assert_memory_equal(out.data,
                        "\x0a\x01"
                        "a"
                        "\x0a\x02"
                        "bc",
                        7);
}

static void limits_the_number_of_filters(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
    const char *filters[EVENTS_FILTERS_MAX + 3];

    (void)state;
    for (size_t i = 0; i < EVENTS_FILTERS_MAX + 2; i++)
        filters[i] = "x";
    filters[EVENTS_FILTERS_MAX + 2] = NULL;
    events_wire_subscribe(&out, filters);
    assert_int_equal(out.size, 3 * EVENTS_FILTERS_MAX);
}

static void publishes_a_text(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
    static const char expected[] = "\x0a\x05/sync\x12\x20\x0a\x18"
                                   "containerd_exporter.Text"
                                   "\x12\x04once";

    (void)state;
    events_wire_publish(&out, "/sync", "once");
    assert_int_equal(out.size, sizeof(expected) - 1);
    assert_memory_equal(out.data, expected, out.size);
}

static void reads_the_text_of_its_own_event(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    struct event event;
    const char *text;
    struct error err;

    (void)state;
    assert_true(read_envelope(OWN_EVENT, sizeof(OWN_EVENT) - 1, &arena, &event, &text, &err));
    assert_string_equal(event.name_space, "ns");
    assert_string_equal(event.topic, "/sync");
    assert_string_equal(text, "once");
}

static void an_event_of_another_type_has_no_text(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    struct event event;
    const char *text;
    struct error err;

    (void)state;
    assert_true(read_envelope(IMAGE_EVENT, sizeof(IMAGE_EVENT) - 1, &arena, &event, &text, &err));
    assert_string_equal(event.name_space, "k8s");
    assert_string_equal(event.topic, "/images/create");
    assert_string_equal(text, "");
    assert_true(read_envelope("", 0, &arena, &event, &text, &err));
    assert_string_equal(event.topic, "");
}

static void refuses_an_invalid_envelope(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    struct event event;
    const char *text;
    struct error err;

    (void)state;
    for (size_t size = 1; size < sizeof(OWN_EVENT) - 1; size++)
        if (!read_envelope(OWN_EVENT, size, &arena, &event, &text, &err))
            assert_int_equal(err.code, ERROR_PROTOCOL);
    assert_false(read_envelope("\x12\x7f", 2, &arena, &event, &text, &err));
}

static void fails_if_the_arena_is_full(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(64);
    struct event event;
    const char *text;
    struct error err;

    (void)state;
    assert_false(read_envelope(OWN_EVENT, sizeof(OWN_EVENT) - 1, &arena, &event, &text, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subscribes_with_each_filter),
        cmocka_unit_test(limits_the_number_of_filters),
        cmocka_unit_test(publishes_a_text),
        cmocka_unit_test(reads_the_text_of_its_own_event),
        cmocka_unit_test(an_event_of_another_type_has_no_text),
        cmocka_unit_test(refuses_an_invalid_envelope),
        cmocka_unit_test(fails_if_the_arena_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
