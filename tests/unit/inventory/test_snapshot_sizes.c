/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of snapshot sizes against a fake daemon: when it is asked, and what is dropped. */
#include "inventory/snapshot_sizes.h"

#include "support/containerd_fixture.h"

struct round {
    struct containerd_fixture *f;
    struct snapshot_sizes sizes;
    uint64_t bytes;
    bool complete;
};

static void round_init(struct round *round, struct containerd_fixture *f)
{
    *round = (struct round){.f = f, .sizes = SNAPSHOT_SIZES_INIT};
    fake_containerd_add(f->fake, FAKE_SNAPSHOT, SPACE, "a")->size = 1;
    fake_containerd_add(f->fake, FAKE_SNAPSHOT, SPACE, "b")->size = 20;
}

static void round_deinit(struct round *round)
{
    snapshot_sizes_deinit(&round->sizes);
}

static void begin(struct round *round, size_t max_calls)
{
    round->bytes = 0;
    round->complete = true;
    call_log_clear(&round->f->log);
    snapshot_sizes_begin(&round->sizes, max_calls);
}

static bool add(struct round *round, const char *name, double created)
{
    const struct snapshot_info info = {.name = name, .created = created};

    return snapshot_sizes_add(&round->sizes, &round->f->scope, FAKE_SNAPSHOTTER, &info,
                              &round->bytes, &round->complete, &round->f->cancel, &round->f->err);
}

static void asks_once_per_snapshot(void **state)
{
    CLEANUP(round_deinit) struct round round;

    round_init(&round, *state);
    begin(&round, 10);
    assert_true(add(&round, "a", 1) && add(&round, "b", 1));
    snapshot_sizes_end(&round.sizes);
    assert_int_equal(round.bytes, 21);
    assert_true(round.complete);
    assert_calls(round.f, "Snapshots/Usage a\nSnapshots/Usage b\n");
    begin(&round, 0);
    assert_true(add(&round, "a", 1) && add(&round, "b", 1));
    assert_int_equal(round.bytes, 21);
    assert_true(round.complete);
    assert_calls(round.f, "");
}

static void a_limit_of_calls_makes_a_round_incomplete(void **state)
{
    CLEANUP(round_deinit) struct round round;

    round_init(&round, *state);
    begin(&round, 1);
    assert_true(add(&round, "a", 1));
    assert_true(round.complete);
    assert_true(add(&round, "b", 1));
    assert_false(round.complete);
    assert_int_equal(round.bytes, 1);
    assert_calls(round.f, "Snapshots/Usage a\n");
    begin(&round, 1); /* the next round continues, without an end of the last */
    assert_true(add(&round, "a", 1) && add(&round, "b", 1));
    assert_true(round.complete);
    assert_int_equal(round.bytes, 21);
}

static void drops_what_a_round_has_not_seen(void **state)
{
    CLEANUP(round_deinit) struct round round;

    round_init(&round, *state);
    begin(&round, 10);
    assert_true(add(&round, "a", 1) && add(&round, "b", 1));
    snapshot_sizes_end(&round.sizes);
    begin(&round, 10);
    assert_true(add(&round, "a", 1));
    snapshot_sizes_end(&round.sizes);
    begin(&round, 10);
    assert_true(add(&round, "a", 1) && add(&round, "b", 1));
    assert_calls(round.f, "Snapshots/Usage b\n");
}

static void a_new_snapshot_of_an_old_name_is_asked_for(void **state)
{
    CLEANUP(round_deinit) struct round round;

    round_init(&round, *state);
    begin(&round, 10);
    assert_true(add(&round, "a", 1) && add(&round, "a", 1.000001));
    assert_int_equal(round.bytes, 2);
    assert_calls(round.f, "Snapshots/Usage a\nSnapshots/Usage a\n");
}

static void a_snapshot_that_is_gone_adds_nothing(void **state)
{
    CLEANUP(round_deinit) struct round round;

    round_init(&round, *state);
    begin(&round, 10);
    assert_true(add(&round, "gone", 1));
    assert_int_equal(round.f->err.code, ERROR_NONE);
    assert_int_equal(round.bytes, 0);
    assert_true(round.complete);
    containerd_fixture_fail(round.f, "Snapshots/Usage", RPC_INTERNAL);
    assert_false(add(&round, "a", 1));
    assert_int_equal(round.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(asks_once_per_snapshot),
        TEST(a_limit_of_calls_makes_a_round_incomplete),
        TEST(drops_what_a_round_has_not_seen),
        TEST(a_new_snapshot_of_an_old_name_is_asked_for),
        TEST(a_snapshot_that_is_gone_adds_nothing),
    };

    return RUN(tests);
}
