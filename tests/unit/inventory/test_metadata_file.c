/* SPDX-License-Identifier: Apache-2.0 */
/* When a database is believed not to have changed, and whose it is. */
#include "inventory/metadata_file.h"

#include "base/clock.h"

#include <fcntl.h>
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

static char path[] = "/tmp/test_metadata_file.XXXXXX";
static char socket_path[64];

static int make_files(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = mkstemp(path), listener = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)state;
    close(fd);
    snprintf(socket_path, sizeof(socket_path), "%s.sock", path);
    strcpy(address.sun_path, socket_path);
    return bind(listener, (struct sockaddr *)&address, sizeof(address)) + listen(listener, 9);
}

static int remove_files(void **state)
{
    (void)state;
    return unlink(path) + unlink(socket_path);
}

static void set_age(int64_t age_ns)
{
    struct timespec now, times[2];
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t then_ns = now.tv_sec * NS_PER_SECOND + now.tv_nsec - age_ns;
    times[0] = times[1] = (struct timespec){then_ns / NS_PER_SECOND, then_ns % NS_PER_SECOND};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void believes_a_file_that_was_quiet(void **state)
{
    struct metadata_file file;
    (void)state;
    snprintf(file.path, sizeof(file.path), "%s", path);
    set_age(10 * NS_PER_SECOND);
    const struct metadata_mark first = metadata_file_mark(&file);
    const struct metadata_mark second = metadata_file_mark(&file);
    assert_true(first.known && metadata_mark_is_same(&first, &second));
    set_age(NS_PER_SECOND / 10);
    const struct metadata_mark written = metadata_file_mark(&file);
    assert_false(written.known);
    assert_false(metadata_mark_is_same(&written, &written));
    set_age(5 * NS_PER_SECOND);
    const struct metadata_mark later = metadata_file_mark(&file);
    assert_true(later.known);
    assert_false(metadata_mark_is_same(&first, &later));
}

static void finds_the_file_of_who_listens(void **state)
{
    struct metadata_file file;
    char want[128];
    (void)state;
    metadata_file_find(&file, socket_path, path);
    snprintf(want, sizeof(want), "/proc/%d/root%s", (int)getpid(), path);
    assert_string_equal(file.path, want);
    assert_false(metadata_file_is_lost(&file));
    metadata_file_find(&file, socket_path, "/nowhere/at/all");
    assert_true(metadata_file_is_lost(&file));
    assert_false(metadata_file_mark(&file).known);
}

static void knows_nothing_where_nobody_listens(void **state)
{
    static const char *const sockets[] = {"/nowhere.sock", "", path};
    struct metadata_file file;
    (void)state;
    for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
        metadata_file_find(&file, sockets[i], path);
        assert_string_equal(file.path, "");
        assert_false(metadata_file_is_lost(&file));
        assert_false(metadata_file_mark(&file).known);
    }
    metadata_file_find(&file, socket_path, "");
    assert_string_equal(file.path, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(believes_a_file_that_was_quiet),
        cmocka_unit_test(finds_the_file_of_who_listens),
        cmocka_unit_test(knows_nothing_where_nobody_listens),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
