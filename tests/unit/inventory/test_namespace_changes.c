/* SPDX-License-Identifier: Apache-2.0 */
/* Changes from the events of a fake daemon: which namespaces, which counts, which limits. */
#include "inventory/namespace_changes.h"

#include "containerd/namespaces.h"
#include "support/containerd_fixture.h"

static uint64_t count_of(struct namespace_changes *changes, const char *topic)
{
    struct topic_counts counts;

    namespace_changes_count(changes, &counts);
    for (size_t i = 0; i < counts.count; i++)
        if (strcmp(counts.items[i].topic, topic) == 0)
            return counts.items[i].n_events;
    return UINT64_MAX;
}

/* Subscribes, and takes the change of everything that this means. */
static struct namespace_changes *subscribe(struct containerd_fixture *f)
{
    struct namespace_changes *changes = namespace_changes_new(f->daemon, &f->err);
    struct changed_namespaces taken;

    assert_non_null(changes);
    assert_int_equal(count_of(changes, "/images/create"), 0);
    assert_true(namespace_changes_wait(changes, &f->cancel, &f->err));
    namespace_changes_take(changes, &taken);
    assert_true(taken.all); /* changes before the subscription */
    return changes;
}

static void reports_changed_namespaces_once(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(namespace_changes_freep) struct namespace_changes *changes = subscribe(f);
    struct changed_namespaces taken;

    fake_containerd_publish(f->fake, "a", "/images/create");
    fake_containerd_publish(f->fake, "b", "/content/create");
    fake_containerd_publish(f->fake, "a", "/images/create");
    assert_true(namespace_changes_wait(changes, &f->cancel, &f->err));
    while (count_of(changes, "/images/create") < 2) /* a busy machine may need another wait */
        assert_true(namespace_changes_wait(changes, &f->cancel, &f->err));
    namespace_changes_take(changes, &taken);
    assert_false(taken.all);
    assert_int_equal(taken.count, 2);
    assert_string_equal(taken.names[0], "a");
    assert_string_equal(taken.names[1], "b");
    assert_int_equal(count_of(changes, "/images/create"), 2);
    assert_int_equal(count_of(changes, "/content/create"), 1);
    namespace_changes_take(changes, &taken);
    assert_int_equal(taken.count, 0);
    assert_false(taken.all);
}

/* Publishes an event after one that must be ignored, and waits for it. */
static void wait_for(struct containerd_fixture *f, struct namespace_changes *changes,
                     const char *space, const char *topic, struct changed_namespaces *taken)
{
    uint64_t before = count_of(changes, topic);

    if (before == UINT64_MAX)
        before = 0;
    fake_containerd_publish(f->fake, PROBE_NAMESPACE_PREFIX "x", topic);
    fake_containerd_publish(f->fake, space, topic);
    while (count_of(changes, topic) == UINT64_MAX || count_of(changes, topic) == before)
        assert_true(namespace_changes_wait(changes, &f->cancel, &f->err));
    assert_int_equal(count_of(changes, topic), before + 1); /* without that of the probe */
    namespace_changes_take(changes, taken);
}

static void all_have_changed_if_the_name_is_unknown(void **state)
{
    static const struct {
        const char *space, *topic;
        bool all;
    } rows[] = {
        {"a", "/images/delete", false},
        {"", "/images/delete", true},
        {"a", "/namespaces/delete", true}, /* of another namespace */
        {"a-name-that-is-longer-than-any-name-that-containerd-takes-for-one-of-its-namespaces",
         "/images/delete", true},
    };
    struct containerd_fixture *f = *state;
    CLEANUP(namespace_changes_freep) struct namespace_changes *changes = subscribe(f);
    struct changed_namespaces taken;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wait_for(f, changes, rows[i].space, rows[i].topic, &taken);
        assert_int_equal(taken.all, rows[i].all);
        assert_int_equal(taken.count, !rows[i].all);
    }
}

static void a_change_of_a_probe_does_not_end_the_wait(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(namespace_changes_freep) struct namespace_changes *changes = subscribe(f);
    struct changed_namespaces taken;

    fake_containerd_publish(f->fake, PROBE_NAMESPACE_PREFIX "x", "/images/create");
    cancel_now(&f->cancel);
    assert_false(namespace_changes_wait(changes, &f->cancel, &f->err));
    namespace_changes_take(changes, &taken);
    assert_int_equal(taken.count + taken.all, 0);
}

static void more_than_the_limit_are_all(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(namespace_changes_freep) struct namespace_changes *changes = subscribe(f);
    struct changed_namespaces taken;
    char name[16];

    for (size_t n = CHANGES_NAMES_MAX; n <= CHANGES_NAMES_MAX + 1; n++) {
        uint64_t want = count_of(changes, "/images/update") + n;

        for (size_t i = 0; i < n; i++) {
            snprintf(name, sizeof(name), "n%zu", i);
            fake_containerd_publish(f->fake, name, "/images/update");
        }
        while (count_of(changes, "/images/update") < want)
            assert_true(namespace_changes_wait(changes, &f->cancel, &f->err));
        namespace_changes_take(changes, &taken);
        assert_int_equal(taken.count, CHANGES_NAMES_MAX);
        assert_int_equal(taken.all, n > CHANGES_NAMES_MAX);
    }
}

static void unusual_topics_are_counted_up_to_a_limit(void **state)
{
    static const char long_topic[] =
        "/images/a-topic-that-is-longer-than-any-topic-of-containerd-has-ever-been";
    struct containerd_fixture *f = *state;
    CLEANUP(namespace_changes_freep) struct namespace_changes *changes = subscribe(f);
    struct topic_counts counts;
    char topic[32];
    size_t n_usual;

    topic_counts_init(&counts);
    n_usual = counts.count;
    for (size_t i = n_usual; i < CHANGES_TOPICS_MAX + 2; i++) {
        snprintf(topic, sizeof(topic), "/images/x%zu", i);
        fake_containerd_publish(f->fake, "a", topic);
    }
    fake_containerd_publish(f->fake, "a", long_topic);
    while (count_of(changes, CHANGES_TOPIC_OTHER) == UINT64_MAX ||
           count_of(changes, CHANGES_TOPIC_OTHER) < 3)
        assert_true(namespace_changes_wait(changes, &f->cancel, &f->err));
    namespace_changes_count(changes, &counts);
    assert_int_equal(counts.count, CHANGES_TOPICS_MAX + 1);
    assert_string_equal(counts.items[CHANGES_TOPICS_MAX].topic, CHANGES_TOPIC_OTHER);
    assert_int_equal(counts.items[CHANGES_TOPICS_MAX].n_events, 3);
    for (size_t i = n_usual; i < CHANGES_TOPICS_MAX; i++)
        assert_int_equal(counts.items[i].n_events, 1);
}

static void subscribes_again_after_a_failure(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(namespace_changes_freep)
    struct namespace_changes *changes = namespace_changes_new(f->daemon, &f->err);
    struct changed_namespaces taken;

    assert_non_null(changes);
    containerd_fixture_fail(f, "Events/Subscribe", RPC_INTERNAL);
    assert_false(namespace_changes_wait(changes, &f->cancel, &f->err));
    namespace_changes_take(changes, &taken);
    assert_false(taken.all);
    assert_true(namespace_changes_wait(changes, &f->cancel, &f->err));
    namespace_changes_take(changes, &taken);
    assert_true(taken.all);
    cancel_now(&f->cancel);
    assert_false(namespace_changes_wait(changes, &f->cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_CANCELED);
    assert_false(namespace_changes_wait(changes, &f->cancel, &f->err)); /* subscribes: canceled */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reports_changed_namespaces_once),
        TEST(all_have_changed_if_the_name_is_unknown),
        TEST(a_change_of_a_probe_does_not_end_the_wait),
        TEST(more_than_the_limit_are_all),
        TEST(unusual_topics_are_counted_up_to_a_limit),
        TEST(subscribes_again_after_a_failure),
    };

    return RUN(tests);
}
