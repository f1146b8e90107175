/* SPDX-License-Identifier: Apache-2.0 */
/* Which of several sockets is taken for the containerd of the node. */
#include "containerd/search/daemon_search.h"
#include "support/fake_containerd.h"

#include "base/clock.h"
#include "containerd/containerd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define PLACES     3
#define FOREVER_NS (3600 * NS_PER_SECOND)
#define SOON_NS    (1 * NS_PER_MS)
#define WAIT_NS    (60 * NS_PER_SECOND) /* for a busy machine */
#define PATH_BYTES 80

static struct {
    struct call_log log;
    struct fake_containerd *plain, *kubelet; /* the second has the namespace k8s.io */
    char folder[40], paths[PLACES][PATH_BYTES];
    const char *places[PLACES + 1];
    struct containerd *daemon;
} world;

/* The last report. */
static struct {
    size_t count;
    char address[PATH_BYTES], others[DAEMON_OTHERS_BYTES];
    bool answers, kubernetes;
} reported;

static void report(const struct daemon_choice *choice)
{
    reported.count++;
    snprintf(reported.address, sizeof(reported.address), "%s", choice->address);
    snprintf(reported.others, sizeof(reported.others), "%s", choice->others);
    reported.answers = choice->answers;
    reported.kubernetes = choice->kubernetes;
}

static int open_world(void **state)
{
    (void)state;
    rpc_library_init();
    call_log_init(&world.log);
    world.plain = fake_containerd_new(&world.log);
    world.kubelet = fake_containerd_new(&world.log);
    (void)fake_containerd_add(world.plain, FAKE_NAMESPACE, "", "moby");
    (void)fake_containerd_add(world.kubelet, FAKE_NAMESPACE, "", "default");
    (void)fake_containerd_add(world.kubelet, FAKE_NAMESPACE, "", "k8s.io");
    strcpy(world.folder, "/tmp/test_daemon_search.XXXXXX");
    assert_non_null(mkdtemp(world.folder));
    for (int i = 0; i < PLACES; i++) {
        snprintf(world.paths[i], PATH_BYTES, "%s/%d.sock", world.folder, i);
        world.places[i] = world.paths[i];
    }
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    rmdir(world.folder);
    fake_containerd_free(world.plain);
    fake_containerd_free(world.kubelet);
    call_log_deinit(&world.log);
    rpc_library_deinit();
    return 0;
}

static void serve_at(int place, const struct fake_containerd *fake)
{
    assert_int_equal(symlink(fake->socket, world.paths[place]), 0);
}

static void leave(int place)
{
    if (unlink(world.paths[place]) != 0)
        rmdir(world.paths[place]);
}

static int begin(void **state)
{
    (void)state;
    memset(&reported, 0, sizeof(reported));
    return 0;
}

static int end(void **state)
{
    (void)state;
    containerd_free(TAKE(world.daemon));
    for (int i = 0; i < PLACES; i++)
        leave(i);
    return 0;
}

static void search(int64_t patience_ns, int64_t pause_ns)
{
    struct error err;

    world.daemon = containerd_find(&(struct daemon_search_options){.places = world.places,
                                                                   .report = report,
                                                                   .patience_ns = patience_ns,
                                                                   .pause_ns = pause_ns},
                                   &err);
    assert_non_null(world.daemon);
}

static bool ask(struct error *err)
{
    struct cancel cancel;
    bool serving, ok;

    cancel_init(&cancel, clock_now_ns() + WAIT_NS);
    ok = containerd_health(world.daemon, &serving, &cancel, err);
    cancel_deinit(&cancel);
    return ok;
}

static bool is_at(int place)
{
    return strcmp(containerd_address(world.daemon), world.paths[place]) == 0;
}

/* Calls until the daemon at `place` answers. */
static void await(int place)
{
    int64_t limit_ns = clock_now_ns() + WAIT_NS;
    struct error err;

    while (!(ask(&err) && is_at(place))) {
        assert_true(clock_now_ns() < limit_ns);
        usleep(20000);
    }
}

/* Calls, which fail, for longer than the time between two looks. */
static void fail_for_a_while(void)
{
    int64_t until_ns = clock_now_ns() + 3 * NS_PER_SECOND;
    struct error err;

    while (clock_now_ns() < until_ns) {
        assert_false(ask(&err));
        usleep(20000);
    }
}

static int bind_socket(int place, bool listens)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", world.paths[place]);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    if (listens)
        assert_int_equal(listen(fd, 100), 0);
    return fd;
}

/* Starts a daemon that a test can stop. */
static struct fake_containerd *start_at(int place, const char *name_space)
{
    struct fake_containerd *fake = fake_containerd_new(&world.log);

    (void)fake_containerd_add(fake, FAKE_NAMESPACE, "", name_space);
    serve_at(place, fake);
    return fake;
}

static void stop_at(int place, struct fake_containerd *fake)
{
    leave(place);
    fake_containerd_free(fake);
}

static void passes_over_dead_files_and_folders(void **state)
{
    struct error err;

    (void)state;
    close(bind_socket(0, false));
    assert_int_equal(mkdir(world.paths[1], 0700), 0);
    serve_at(2, world.plain);
    search(FOREVER_NS, FOREVER_NS);
    assert_true(is_at(0)); /* before the first look */
    assert_int_equal(reported.count, 0);
    assert_true(ask(&err));
    assert_true(is_at(2));
    assert_int_equal(reported.count, 1);
    assert_string_equal(reported.address, world.paths[2]);
    assert_string_equal(reported.others, "");
    assert_true(reported.answers && !reported.kubernetes);
    assert_true(ask(&err));
    assert_int_equal(reported.count, 1);
}

static void finds_a_daemon_that_starts_later(void **state)
{
    struct error err;

    (void)state;
    search(FOREVER_NS, FOREVER_NS);
    assert_false(ask(&err));
    assert_int_equal(err.code, ERROR_RUNTIME_UNAVAILABLE);
    assert_non_null(strstr(err.message, "0.sock: no such socket; no containerd answers"));
    assert_false(reported.answers);
    serve_at(1, world.plain);
    await(1);
    assert_int_equal(reported.count, 2);
    assert_true(reported.answers);
}

static void names_the_most_telling_place_without_a_daemon(void **state)
{
    struct error err;

    (void)state;
    close(bind_socket(1, false));
    search(FOREVER_NS, FOREVER_NS);
    assert_false(ask(&err));
    assert_true(is_at(1));
    assert_non_null(strstr(err.message, "1.sock: no process listens"));
}

static void prefers_the_daemon_of_the_kubelet(void **state)
{
    struct fake_containerd *third = start_at(2, "moby");
    char others[DAEMON_OTHERS_BYTES];
    struct error err;

    (void)state;
    serve_at(0, world.plain);
    serve_at(1, world.kubelet);
    search(FOREVER_NS, FOREVER_NS);
    assert_true(ask(&err));
    assert_true(is_at(1));
    assert_true(reported.kubernetes);
    snprintf(others, sizeof(others), "%s, %s", world.paths[0], world.paths[2]);
    assert_string_equal(reported.others, others);
    containerd_others(world.daemon, others, sizeof(others));
    assert_string_equal(reported.others, others);
    stop_at(2, third);
}

static void takes_the_first_of_equal_daemons_and_names_the_other(void **state)
{
    struct fake_containerd *second = start_at(2, "moby");
    struct error err;

    (void)state;
    serve_at(1, world.plain);
    search(FOREVER_NS, FOREVER_NS);
    assert_true(ask(&err));
    assert_true(is_at(1));
    assert_string_equal(reported.others, world.paths[2]);
    assert_false(reported.kubernetes);
    stop_at(2, second);
}

static void takes_two_names_of_one_socket_for_one_daemon(void **state)
{
    struct error err;

    (void)state;
    serve_at(1, world.plain);
    serve_at(2, world.plain);
    search(SOON_NS, SOON_NS);
    assert_true(ask(&err));
    assert_true(is_at(1));
    assert_string_equal(reported.others, "");
    serve_at(0, world.plain); /* another name, before the chosen one */
    for (int i = 0; i < 5; i++) {
        usleep(2000);
        assert_true(ask(&err));
    }
    assert_true(is_at(1));
    assert_int_equal(reported.count, 1);
}

static void moves_to_the_kubelets_daemon_when_it_appears(void **state)
{
    struct containerd *before;
    struct error err;

    (void)state;
    serve_at(0, world.plain);
    search(FOREVER_NS, SOON_NS);
    assert_true(ask(&err));
    before = containerd_current(world.daemon);
    serve_at(2, world.kubelet);
    await(2);
    assert_true(reported.kubernetes);
    assert_string_equal(reported.others, world.paths[0]);
    assert_string_equal(containerd_address(before), world.paths[0]); /* a run stays where it is */
    leave(0);
    assert_true(ask(&err));
}

static void counts_the_calls_to_all_daemons_together(void **state)
{
    struct rpc_stats *stats;
    struct error err;

    (void)state;
    serve_at(0, world.plain);
    search(FOREVER_NS, SOON_NS);
    assert_true(ask(&err));
    stats = rpc_channel_stats(containerd_channel(world.daemon));
    serve_at(1, world.kubelet);
    await(1);
    assert_ptr_equal(rpc_channel_stats(containerd_channel(world.daemon)), stats);
}

static void never_moves_from_the_kubelets_daemon_to_a_worse_one(void **state)
{
    struct fake_containerd *fake = start_at(1, "k8s.io");
    struct error err;

    (void)state;
    search(SOON_NS, SOON_NS);
    assert_true(ask(&err));
    stop_at(1, fake);
    serve_at(0, world.plain);
    fail_for_a_while();
    assert_true(is_at(1));
    assert_false(ask(&err));
    assert_null(strstr(err.message, "no containerd answers"));
    containerd_search_again(world.daemon); /* a reload */
    await(0);
}

static void moves_to_an_equal_daemon_after_a_while(void **state)
{
    struct fake_containerd *fake = start_at(0, "moby");
    struct error err;

    (void)state;
    search(SOON_NS, FOREVER_NS);
    assert_true(ask(&err));
    stop_at(0, fake);
    serve_at(1, world.plain);
    await(1);
    serve_at(0, world.plain);
    assert_true(ask(&err));
    assert_true(is_at(1)); /* it does not go back */
}

static void stays_with_a_daemon_that_restarts(void **state)
{
    struct fake_containerd *fake = start_at(0, "moby");
    struct error err;

    (void)state;
    search(FOREVER_NS, FOREVER_NS);
    assert_true(ask(&err));
    stop_at(0, fake);
    serve_at(1, world.plain);
    fail_for_a_while();
    assert_true(is_at(0));
    fake = start_at(0, "moby");
    await(0);
    stop_at(0, fake);
}

static void passes_over_a_socket_that_does_not_answer(void **state)
{
    int fd = bind_socket(0, true);
    struct error err;

    (void)state;
    serve_at(1, world.plain);
    search(FOREVER_NS, FOREVER_NS);
    assert_true(ask(&err));
    assert_true(is_at(1));
    assert_string_equal(reported.others, world.paths[0]);
    close(fd);
}

static void a_configured_address_is_never_replaced(void **state)
{
    struct error err;

    (void)state;
    serve_at(0, world.plain);
    world.daemon = containerd_new(world.paths[1], &err);
    assert_ptr_equal(containerd_current(world.daemon), world.daemon);
    assert_false(ask(&err));
    containerd_search_again(world.daemon);
    assert_false(ask(&err));
    assert_null(strstr(err.message, "usual"));
    assert_true(is_at(1));
}

static void lists_the_usual_places(void **state)
{
    char path[110];
    struct error err;
    size_t n = 0;

    (void)state;
    for (; daemon_places[n]; n++)
        assert_true(daemon_places[n][0] == '/' && strlen(daemon_places[n]) < sizeof(path) - 2);
    assert_in_range(n, 5, DAEMON_PLACES_MAX);
    assert_string_equal(daemon_places[0], "/run/containerd/containerd.sock");
    world.daemon = containerd_find(&(struct daemon_search_options){.places = daemon_places}, &err);
    assert_string_equal(containerd_address(world.daemon), daemon_places[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(passes_over_dead_files_and_folders),
        TEST(finds_a_daemon_that_starts_later),
        TEST(names_the_most_telling_place_without_a_daemon),
        TEST(prefers_the_daemon_of_the_kubelet),
        TEST(takes_the_first_of_equal_daemons_and_names_the_other),
        TEST(takes_two_names_of_one_socket_for_one_daemon),
        TEST(moves_to_the_kubelets_daemon_when_it_appears),
        TEST(counts_the_calls_to_all_daemons_together),
        TEST(never_moves_from_the_kubelets_daemon_to_a_worse_one),
        TEST(moves_to_an_equal_daemon_after_a_while),
        TEST(stays_with_a_daemon_that_restarts),
        TEST(passes_over_a_socket_that_does_not_answer),
        TEST(a_configured_address_is_never_replaced),
        TEST(lists_the_usual_places),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
