/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What probes leave of each other: leftovers of interrupted runs are removed, what somebody else
 * made is not, and two probes of one repository wait for each other.
 */
#include "support/engine_fixture.h"

#include <pthread.h>
#include <time.h>

#define ALIVE       "containerd-exporter.alive"
#define STATE_BYTES ((size_t)100000)
#define WAIT_NS \
    (2 * NS_PER_SECOND) /* for another run that does not end: a busy machine needs some of it */

static void run(struct engine_world *w, const char *operation, const char *name)
{
    if (!engine_world_run(w, operation, name))
        fail_msg("%s\n%s", w->err.message, w->log.text.data);
    assert_false(w->result.cleanup_failed);
}

/* ---- workspace ---- */

static void add_leftovers(struct engine_world *w, const char *space, int64_t expires)
{
    struct fake_item *item = fake_containerd_add(w->containerd, FAKE_NAMESPACE, "", space);
    char text[32];

    snprintf(text, sizeof(text), "%lld", (long long)expires);
    if (expires >= 0)
        fake_item_label(item, "containerd-exporter/expires", text);
    fake_containerd_add_image(w->containerd, space, "left:1", &w->other);
    fake_containerd_add_snapshots(w->containerd, space, &w->other);
    fake_containerd_add(w->containerd, FAKE_LEASE, space, "some");
    fake_containerd_add(w->containerd, FAKE_INGEST, space, "half");
}

static bool has_space(struct engine_world *w, const char *space)
{
    return fake_containerd_find(w->containerd, FAKE_NAMESPACE, "", space);
}

static void a_killed_run_is_cleaned_up_by_the_next(void **state)
{
    struct engine_world *w = *state;

    add_leftovers(w, PROBE_SPACE, -1);
    run(w, "pull", "client");
    assert_int_equal(w->containerd->n_items, 0);
    w->containerd->keeps_garbage = true;
    add_leftovers(w, PROBE_SPACE, -1);
    run(w, "pull", "client");
    assert_int_equal(w->containerd->n_items, 0);
    assert_true(call_log_has(&w->log, "Content/Abort half"));
}

static void leftovers_that_cannot_be_removed_fail_the_run(void **state)
{
    struct engine_world *w = *state;

    add_leftovers(w, PROBE_SPACE, -1);
    w->log.fail_method = "Images/Delete";
    w->log.fail_at = 1;
    assert_false(engine_world_run(w, "pull", "client"));
    assert_non_null(strstr(w->err.message, "leftovers in namespace " PROBE_SPACE));
    assert_false(w->result.cleanup_failed); /* nothing was made, so nothing is cleaned up */
    w->containerd->keeps_garbage = true;
    w->log.fail_method = "Snapshots/Remove";
    w->log.fail_status = 9; /* FAILED_PRECONDITION */
    w->log.fail_on = true;
    w->log.matches_ = 0;
    assert_false(engine_world_run(w, "pull", "client"));
    assert_non_null(strstr(w->err.message, "3 snapshots cannot be removed"));
}

static void namespaces_of_other_probes_go_once_they_have_expired(void **state)
{
    struct engine_world *w = *state;
    int64_t now = (int64_t)time(NULL);

    add_leftovers(w, "containerd-exporter.old", now - 10);
    add_leftovers(w, "containerd-exporter.alive", now + 1000);
    add_leftovers(w, "containerd-exporter.unlabeled", -1);
    add_leftovers(w, "k8s.io", now - 10);
    run(w, "pull", "client");
    assert_false(has_space(w, "containerd-exporter.old"));
    assert_true(has_space(w, "containerd-exporter.alive"));
    assert_true(has_space(w, "containerd-exporter.unlabeled"));
    assert_true(has_space(w, "k8s.io"));
    assert_non_null(fake_containerd_find(w->containerd, FAKE_RECORD, "k8s.io", "left:1"));
    add_leftovers(w, "containerd-exporter.old", now - 10);
    w->log.fail_method = "Images/List"; /* its removal is not this run's business */
    w->log.fail_at = 1;
    run(w, "pull", "client");
    assert_true(has_space(w, "containerd-exporter.old"));
}

static void look_at_expiry(void *arg, const char *line)
{
    struct engine_world *w = arg;
    struct fake_item *space;

    if (strncmp(line, "Leases/Create", 13) != 0)
        return;
    space = fake_containerd_find(w->containerd, FAKE_NAMESPACE, "", PROBE_SPACE);
    w->sent.count =
        space && space->n_labels == 1 ? (size_t)strtoul(space->labels[0].value, NULL, 10) : 0;
}

static void the_namespace_says_when_it_expires(void **state)
{
    struct engine_world *w = *state;
    size_t now = (size_t)time(NULL);

    w->log.on_call = look_at_expiry;
    w->log.arg = w;
    run(w, "pull", "client");
    assert_in_range(w->sent.count, now + 600, now + 600 + 120);
}

struct neighbour {
    struct engine_world *world;
    const char *lease;
    unsigned n_lists, leave_after;
};

/* Another process releases its claim after some attempts. */
static void release(void *arg, const char *line)
{
    struct neighbour *neighbour = arg;
    struct engine_world *w = neighbour->world;

    if (strncmp(line, "Content/Write/stat", 18) == 0 &&
        ++neighbour->n_lists == neighbour->leave_after)
        fake_containerd_find(w->containerd, FAKE_INGEST, PROBE_SPACE, ALIVE)->active = false;
}

static void add_live_run(struct engine_world *w)
{
    add_leftovers(w, PROBE_SPACE, (int64_t)time(NULL) + 1000);
    fake_containerd_add(w->containerd, FAKE_INGEST, PROBE_SPACE, ALIVE)->active = true;
}

static void a_live_run_of_another_process_is_waited_for(void **state)
{
    static const char *const pulls[] = {"client", "cri", "transfer"};
    struct engine_world *w = *state;

    for (size_t i = 0; i < sizeof(pulls) / sizeof(pulls[0]); i++) {
        struct neighbour other = {w, NULL, 0, 3};

        engine_world_reset(NULL);
        add_live_run(w);
        w->log.on_call = release;
        w->log.arg = &other;
        run(w, "pull", pulls[i]);
        assert_true(other.n_lists >= 3);
        assert_int_equal(w->containerd->n_items, 0);
    }
}

static void a_live_run_of_another_process_is_not_touched(void **state)
{
    static const char *const pulls[] = {"client", "cri", "transfer"};
    struct engine_world *w = *state;

    for (size_t i = 0; i < sizeof(pulls) / sizeof(pulls[0]); i++) {
        CLEANUP(buf_deinit) struct buf before = BUF_INIT(STATE_BYTES);

        engine_world_reset(NULL);
        add_live_run(w);
        engine_world_dump(w, &before);
        cancel_deinit(&w->cancel);
        cancel_init(&w->cancel, clock_now_ns() + WAIT_NS);
        assert_false(engine_world_run(w, "pull", pulls[i]));
        assert_int_equal(w->err.code, ERROR_TIMEOUT);
        assert_non_null(strstr(w->err.message, "another exporter that runs the same probe"));
        engine_world_assert_state(w, &before);
    }
}

/* ---- CRI ---- */

static struct fake_item *add_lease(struct engine_world *w, const char *id, const char *image,
                                   int64_t started_unix_ns, int64_t ends_unix_ns)
{
    struct fake_item *lease = fake_containerd_add(w->containerd, FAKE_LEASE, "k8s.io", id);
    char text[32];

    fake_item_label(lease, "containerd-exporter/image", image);
    snprintf(text, sizeof(text), "%lld", (long long)started_unix_ns);
    fake_item_label(lease, "containerd-exporter/started", text);
    snprintf(text, sizeof(text), "%lld", (long long)ends_unix_ns);
    fake_item_label(lease, "containerd-exporter/ends", text);
    return lease;
}

static bool has_record(struct engine_world *w, const char *name)
{
    return fake_containerd_find(w->containerd, FAKE_RECORD, "k8s.io", name);
}

static void cri_removes_what_an_interrupted_run_left(void **state)
{
    struct engine_world *w = *state;
    int64_t now_ns = clock_unix_ns();

    fake_containerd_add_image(w->containerd, "k8s.io", w->name, &w->image);
    add_lease(w, PROBE_SPACE, w->name, now_ns - NS_PER_SECOND, now_ns + 1000 * NS_PER_SECOND);
    run(w, "pull", "cri"); /* would not be cold, had the image stayed */
    assert_int_equal(w->containerd->n_items, 0);
}

static void cri_leaves_what_is_older_than_the_interrupted_run(void **state)
{
    struct engine_world *w = *state;
    int64_t now_ns = clock_unix_ns();

    fake_containerd_add_image(w->containerd, "k8s.io", w->name, &w->image);
    add_lease(w, PROBE_SPACE, w->name, now_ns + 1000 * NS_PER_SECOND, now_ns);
    assert_false(engine_world_run(w, "pull", "cri"));
    assert_int_equal(w->err.code, ERROR_NOT_COLD);
    assert_true(has_record(w, w->name));
    assert_null(fake_containerd_find(w->containerd, FAKE_LEASE, "k8s.io", PROBE_SPACE));
}

static void cri_removes_unclaimed_leases_of_other_probes(void **state)
{
    struct engine_world *w = *state;
    int64_t now_ns = clock_unix_ns();

    fake_containerd_add_image(w->containerd, "k8s.io", "example.org/other:1", &w->other);
    add_lease(w, "containerd-exporter.q", "example.org/other:1", now_ns - NS_PER_SECOND, now_ns);
    fake_containerd_add(w->containerd, FAKE_LEASE, "k8s.io", "containerd-exporter.unlabeled");
    fake_containerd_add(w->containerd, FAKE_LEASE, "k8s.io", "kubelet");
    add_lease(w, "containerd-exporter.r", "example.org/claimed:1", now_ns,
              now_ns + 1000 * NS_PER_SECOND);
    fake_containerd_add_image(w->containerd, "k8s.io", "example.org/claimed:1", &w->other);
    run(w, "pull", "cri");
    assert_false(has_record(w, "example.org/other:1"));
    assert_true(has_record(w, "example.org/claimed:1"));
    assert_non_null(fake_containerd_find(w->containerd, FAKE_LEASE, "k8s.io", "kubelet"));
    assert_non_null(
        fake_containerd_find(w->containerd, FAKE_LEASE, "k8s.io", "containerd-exporter.r"));
    assert_null(fake_containerd_find(w->containerd, FAKE_LEASE, "k8s.io", "containerd-exporter.q"));
    assert_null(
        fake_containerd_find(w->containerd, FAKE_LEASE, "k8s.io", "containerd-exporter.unlabeled"));
}

/* Another probe removes its lease after some calls. */
static void leave(void *arg, const char *line)
{
    struct neighbour *neighbour = arg;
    struct engine_world *w = neighbour->world;

    if (strncmp(line, "Leases/List", 11) == 0 && ++neighbour->n_lists == neighbour->leave_after) {
        struct fake_item *item =
            fake_containerd_find(w->containerd, FAKE_LEASE, "k8s.io", neighbour->lease);

        snprintf(item->name, sizeof(item->name), "gone");
    }
}

static void cri_waits_for_a_probe_of_the_same_repository(void **state)
{
    struct engine_world *w = *state;
    struct neighbour after = {w, "containerd-exporter.z", 0, 4};
    struct neighbour before = {w, "containerd-exporter.a", 0, 4};
    char image[300];

    snprintf(image, sizeof(image), "%s/" REPOSITORY ":another", w->registry.http.address);
    add_lease(w, after.lease, image, 0, clock_unix_ns() + 1000 * NS_PER_SECOND);
    w->log.on_call = leave;
    w->log.arg = &after;
    run(w, "pull", "cri");
    assert_int_equal(call_log_count(&w->log, "Leases/Create"), 1); /* keeps its own, and waits */
    engine_world_reset(NULL);
    snprintf(image, sizeof(image), "%s/" REPOSITORY "@sha256:1", w->registry.http.address);
    add_lease(w, before.lease, image, 0, clock_unix_ns() + 1000 * NS_PER_SECOND);
    w->log.on_call = leave;
    w->log.arg = &before;
    run(w, "pull", "cri");
    assert_int_equal(call_log_count(&w->log, "Leases/Create"), 2); /* lets go, and waits */
}

static void cri_does_not_wait_for_probes_of_other_repositories(void **state)
{
    struct engine_world *w = *state;
    int64_t end_ns = clock_unix_ns() + 1000 * NS_PER_SECOND;
    char image[300];

    add_lease(w, "containerd-exporter.a", "example.org/" REPOSITORY ":1", 0, end_ns);
    snprintf(image, sizeof(image), "%s/" REPOSITORY "b:1", w->registry.http.address);
    add_lease(w, "containerd-exporter.b", image, 0, end_ns);
    snprintf(image, sizeof(image), "%s/" REPOSITORY ":1", w->registry.http.address);
    add_lease(w, "kubelet", image, 0, end_ns);
    run(w, "pull", "cri");
    assert_int_equal(call_log_count(&w->log, "Leases/Create"), 1);
    assert_int_equal(call_log_count(&w->log, "Leases/ListResources"), 1);
    assert_int_equal(call_log_count(&w->log, "Leases/List"), 1 + 6); /* each once */
}

static void cri_says_for_whom_it_waited_in_vain(void **state)
{
    struct engine_world *w = *state;

    add_lease(w, "containerd-exporter.a", w->name, 0, clock_unix_ns() + 1000 * NS_PER_SECOND);
    cancel_deinit(&w->cancel);
    cancel_init(&w->cancel, clock_now_ns() + WAIT_NS);
    assert_false(engine_world_run(w, "pull", "cri"));
    assert_int_equal(w->err.code, ERROR_TIMEOUT);
    assert_non_null(strstr(w->err.message, "another probe that pulls from the same repository"));
    assert_false(w->result.cleanup_failed);
    assert_null(fake_containerd_find(w->containerd, FAKE_LEASE, "k8s.io", PROBE_SPACE));
}

static void look_at_lease(void *arg, const char *line)
{
    struct engine_world *w = arg;
    struct fake_item *lease;

    if (strncmp(line, "ImageService/PullImage", 22) != 0)
        return;
    lease = fake_containerd_find(w->containerd, FAKE_LEASE, "k8s.io", PROBE_SPACE);
    w->sent.count = lease ? lease->n_labels : 0;
    for (size_t i = 0; lease && i < lease->n_labels; i++) {
        if (strcmp(lease->labels[i].name, "containerd-exporter/image") == 0 &&
            strcmp(lease->labels[i].value, w->name) != 0)
            w->sent.count = 0;
        if (strcmp(lease->labels[i].name, "containerd-exporter/ends") == 0 &&
            strtoll(lease->labels[i].value, NULL, 10) < clock_unix_ns() + 61 * NS_PER_SECOND)
            w->sent.count = 0; /* has to claim the image for a minute after the deadline */
    }
}

static void cri_labels_its_lease_with_what_it_claims(void **state)
{
    struct engine_world *w = *state;

    w->log.on_call = look_at_lease;
    w->log.arg = w;
    run(w, "pull", "cri");
    assert_int_equal(w->sent.count, 4);
}

static void pull_again(void *arg, const char *line)
{
    struct engine_world *w = arg;

    if (strncmp(line, "Leases/Delete", 13) == 0)
        fake_containerd_add_image(w->containerd, "k8s.io", w->name, &w->image);
}

static void cri_gives_up_on_an_image_that_comes_back(void **state)
{
    struct engine_world *w = *state;

    w->log.on_call = pull_again;
    w->log.arg = w;
    assert_true(engine_world_run(w, "pull", "cri"));
    assert_true(w->result.cleanup_failed);
    assert_non_null(strstr(w->result.cleanup_error.message, "created again"));
    assert_non_null(strstr(w->result.cleanup_error.message, "clean-up of "));
    assert_int_equal(call_log_count(&w->log, "Leases/Delete"), 3);
}

/* ---- Docker ---- */

static void add_mark(struct engine_world *w, const char *volume, const char *image,
                     const char *spared, int64_t expires)
{
    char labels[1000];

    snprintf(labels, sizeof(labels),
             "{\"containerd-exporter/image\":\"%s\",\"containerd-exporter/spared\":\"%s\","
             "\"containerd-exporter/expires\":\"%lld\"}",
             image, spared, (long long)expires);
    fake_docker_add_volume(&w->docker, volume, labels);
}

static void docker_removes_what_an_interrupted_run_left(void **state)
{
    struct engine_world *w = *state;
    int64_t now = (int64_t)time(NULL);

    fake_docker_add(&w->docker, w->image.config.digest, w->name);
    add_mark(w, PROBE_SPACE, w->name, "", now + 100000);
    fake_docker_add(&w->docker, w->other.config.digest, "example.org/old:1");
    add_mark(w, "containerd-exporter.old", "example.org/old:1", "", now - 10);
    run(w, "pull", "docker");
    assert_int_equal(w->docker.n_images, 0);
    assert_int_equal(w->docker.n_volumes, 0);
}

static void docker_spares_what_the_mark_spares(void **state)
{
    struct engine_world *w = *state;
    int64_t now = (int64_t)time(NULL);
    char spared[400];

    fake_docker_add(&w->docker, w->other.config.digest, "example.org/old:1");
    snprintf(spared, sizeof(spared), "sha256:1,%s", w->other.config.digest);
    add_mark(w, "containerd-exporter.old", "example.org/old:1", spared, now - 10);
    fake_docker_add(&w->docker, w->image.manifest.digest, "example.org/old:2");
    snprintf(spared, sizeof(spared), "%s0,sha256:2", w->image.manifest.digest); /* another id */
    add_mark(w, "containerd-exporter.older", "example.org/old:2", spared, now - 10);
    run(w, "pull", "docker");
    assert_non_null(fake_docker_find(&w->docker, "example.org/old:1"));
    assert_null(fake_docker_find(&w->docker, "example.org/old:2"));
    assert_int_equal(w->docker.n_volumes, 0);
}

static void docker_leaves_the_marks_of_other_probes(void **state)
{
    struct engine_world *w = *state;

    fake_docker_add(&w->docker, w->other.config.digest, "example.org/old:1");
    add_mark(w, "containerd-exporter.alive", "example.org/old:1", "", (int64_t)time(NULL) + 10);
    run(w, "pull", "docker");
    assert_non_null(fake_docker_find(&w->docker, "example.org/old:1"));
    assert_non_null(fake_docker_volume(&w->docker, "containerd-exporter.alive"));
    assert_null(fake_docker_volume(&w->docker, PROBE_SPACE));
}

static void docker_works_without_volumes(void **state)
{
    struct engine_world *w = *state;

    w->docker.has_no_volumes = true;
    run(w, "pull", "docker");
    assert_int_equal(w->docker.n_images, 0);
    assert_false(call_log_has(&w->log, "docker/DELETE /volumes"));
}

static void look_at_mark(void *arg, const char *line)
{
    struct engine_world *w = arg;
    const struct fake_volume *volume;

    if (strncmp(line, "docker/POST /images/create", 26) != 0)
        return;
    volume = fake_docker_volume(&w->docker, PROBE_SPACE);
    w->sent.count = volume && strstr(volume->labels, w->name) &&
                    strstr(volume->labels, w->other.config.digest) &&
                    !strstr(volume->labels, w->other.manifest.digest);
}

static void docker_spares_images_that_would_go_with_the_name(void **state)
{
    struct engine_world *w = *state;
    struct fake_docker_image *image;

    image = fake_docker_add(&w->docker, w->other.config.digest, NULL); /* only a foreign digest */
    snprintf(image->digests[image->n_digests++], 256, "example.org/x@%s", w->other.root.digest);
    image =
        fake_docker_add(&w->docker, w->other.manifest.digest, NULL); /* a tag of the repository */
    snprintf(image->tags[image->n_tags++], 256, "%s/" REPOSITORY ":kept", w->registry.http.address);
    w->log.on_call = look_at_mark;
    w->log.arg = w;
    w->request.cold = false;
    run(w, "pull", "docker");
    assert_int_equal(w->sent.count, 0); /* the image with a foreign digest keeps it, so it may go */
}

static void docker_keeps_other_names_of_the_same_image(void **state)
{
    struct engine_world *w = *state;
    CLEANUP(buf_deinit) struct buf before = BUF_INIT(STATE_BYTES);
    struct fake_docker_image *image;

    w->request.cold = false;
    image = fake_docker_add(&w->docker, w->image.config.digest, NULL);
    snprintf(image->tags[image->n_tags++], 256, "%s/" REPOSITORY ":kept", w->registry.http.address);
    engine_world_dump(w, &before);
    run(w, "pull", "docker");
    engine_world_assert_state(w, &before); /* also the digest that came with the tag has gone */
}

static void docker_waits_for_another_process(void **state)
{
    struct engine_world *w = *state;
    char image[300];

    snprintf(image, sizeof(image), "%s/" REPOSITORY ":another", w->registry.http.address);
    add_mark(w, "containerd-exporter.q--visitor", image, "",
             (int64_t)time(NULL) + LEFTOVER_SECONDS + 1000);
    cancel_deinit(&w->cancel);
    cancel_init(&w->cancel, clock_now_ns() + WAIT_NS);
    assert_false(engine_world_run(w, "pull", "docker"));
    assert_int_equal(w->err.code, ERROR_TIMEOUT);
    assert_non_null(strstr(w->err.message, "another process that probes the same repository"));
    assert_false(call_log_has(&w->log, "docker/POST"));
}

static void docker_waits_only_for_processes_at_work(void **state)
{
    struct engine_world *w = *state;
    int64_t now = (int64_t)time(NULL);

    add_mark(w, "containerd-exporter.q", w->name, "", now + LEFTOVER_SECONDS + 1000); /* ours */
    add_mark(w, "containerd-exporter.r--visitor", w->name, "", now + LEFTOVER_SECONDS - 10);
    add_mark(w, "containerd-exporter.s--visitor", "example.org/x:1", "",
             now + LEFTOVER_SECONDS + 1000);
    run(w, "pull", "docker");
    w->request.one_shot = true;
    cancel_deinit(&w->cancel);
    cancel_init(&w->cancel, clock_now_ns() + WAIT_NS);
    assert_false(engine_world_run(w, "pull", "docker")); /* of a one-shot process, all are others */
    assert_int_equal(w->err.code, ERROR_TIMEOUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_killed_run_is_cleaned_up_by_the_next, engine_world_reset),
        cmocka_unit_test_setup(leftovers_that_cannot_be_removed_fail_the_run, engine_world_reset),
        cmocka_unit_test_setup(namespaces_of_other_probes_go_once_they_have_expired,
                               engine_world_reset),
        cmocka_unit_test_setup(a_live_run_of_another_process_is_waited_for, engine_world_reset),
        cmocka_unit_test_setup(a_live_run_of_another_process_is_not_touched, engine_world_reset),
        cmocka_unit_test_setup(the_namespace_says_when_it_expires, engine_world_reset),
        cmocka_unit_test_setup(cri_removes_what_an_interrupted_run_left, engine_world_reset),
        cmocka_unit_test_setup(cri_leaves_what_is_older_than_the_interrupted_run,
                               engine_world_reset),
        cmocka_unit_test_setup(cri_removes_unclaimed_leases_of_other_probes, engine_world_reset),
        cmocka_unit_test_setup(cri_waits_for_a_probe_of_the_same_repository, engine_world_reset),
        cmocka_unit_test_setup(cri_does_not_wait_for_probes_of_other_repositories,
                               engine_world_reset),
        cmocka_unit_test_setup(cri_says_for_whom_it_waited_in_vain, engine_world_reset),
        cmocka_unit_test_setup(cri_labels_its_lease_with_what_it_claims, engine_world_reset),
        cmocka_unit_test_setup(cri_gives_up_on_an_image_that_comes_back, engine_world_reset),
        cmocka_unit_test_setup(docker_removes_what_an_interrupted_run_left, engine_world_reset),
        cmocka_unit_test_setup(docker_spares_what_the_mark_spares, engine_world_reset),
        cmocka_unit_test_setup(docker_leaves_the_marks_of_other_probes, engine_world_reset),
        cmocka_unit_test_setup(docker_works_without_volumes, engine_world_reset),
        cmocka_unit_test_setup(docker_spares_images_that_would_go_with_the_name,
                               engine_world_reset),
        cmocka_unit_test_setup(docker_keeps_other_names_of_the_same_image, engine_world_reset),
        cmocka_unit_test_setup(docker_waits_for_another_process, engine_world_reset),
        cmocka_unit_test_setup(docker_waits_only_for_processes_at_work, engine_world_reset),
    };

    return cmocka_run_group_tests(tests, engine_world_start, engine_world_stop);
}
