/* SPDX-License-Identifier: Apache-2.0 */
/* Why a path cannot be used: in this file system, and below a directory for the files of a node. */
#include "os/path_failure.h"

#include "os/rootfs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define NOBODY       65534

static char root[] = "/tmp/test_path_failure.XXXXXX";

static const char commands[] =
    "set -e; mkdir -p open shut/in group; echo a >open/file; echo a >open/private; echo a "
    ">shut/in/file\n"
    "ln -s /none open/lost; ln -s ../shut/in open/to-shut; ln -s lost open/lost-again\n"
    "ln -s /open open/absolute; chmod 600 open/private; chmod 700 shut; chmod 750 group";

/* `at`: the part of the path that the message begins with. */
static const struct {
    const char *path, *at, *want;
    int errnum;
    enum error_code code;
} rows[] = {
    {"/open/none", "/open/none", ": No such file or directory", ENOENT, ERROR_NOT_FOUND},
    {"/none/a/b", "/none/a/b", ": No such file or directory", ENOENT, ERROR_NOT_FOUND},
    {"/open/lost", "/open/lost", ": a link that leads nowhere: /none", ENOENT, ERROR_INVALID},
    {"/open/lost/a/b", "/open/lost", ": a link that leads nowhere: /none", ENOENT, ERROR_INVALID},
    {"/open/lost-again", "/open/lost-again", ": a link that leads nowhere: lost", ENOENT,
     ERROR_INVALID},
    {"/shut/in/file", "/shut", ": Permission denied: expected user root", EACCES, ERROR_INVALID},
    {"/shut/none/", "/shut", ": Permission denied: expected user root", EACCES, ERROR_INVALID},
    {"/group/a", "/group", ": Permission denied: expected user root or group 0", EACCES,
     ERROR_INVALID},
    {"/open/private", "/open/private", ": Permission denied: expected user root", EACCES,
     ERROR_INVALID},
    {"/open/to-shut/file", "/open/to-shut", ", a link to ../shut/in: Permission denied", EACCES,
     ERROR_INVALID},
    {"/open/file", "/open/file", ": Permission denied", EACCES, ERROR_INVALID},
    {"/open/file/a", "/open/file/a", ": Not a directory", ENOTDIR, ERROR_INVALID},
};

static void explains(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char path[256], want[512];
        struct error err;

        if (rows[i].errnum == EACCES && getuid() != 0)
            continue; /* the files are not root's */
        snprintf(path, sizeof(path), "%s%s", root, rows[i].path);
        snprintf(want, sizeof(want), "%s%s%s", root, rows[i].at, rows[i].want);
        assert_int_equal(getuid() == 0 ? seteuid(NOBODY) : 0, 0);
        assert_false(path_failure(path, rows[i].errnum, &err));
        assert_int_equal(getuid() == 0 ? seteuid(0) : 0, 0);
        if (strcmp(err.message, want) != 0 || err.code != rows[i].code)
            fail_msg("%s: %s, expected %s", path, err.message, want);
    }
}

static void explains_files_of_the_node(void **state)
{
    char path[256], want[512];
    struct error err;

    (void)state;
    if (!rootfs_use(root, &err)) {
        assert_int_equal(err.code, ERROR_UNSUPPORTED);
        skip();
    }
    snprintf(path, sizeof(path), "%s/open/lost/a", root);
    snprintf(want, sizeof(want), "%s/open/lost: a link that leads nowhere below %s: /none", root,
             root);
    assert_false(path_failure(path, ENOENT, &err));
    assert_string_equal(err.message, want);
    snprintf(path, sizeof(path), "%s/open/absolute/none", root);
    assert_false(path_failure(path, ENOENT, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
}

static int make_root(void **state)
{
    char command[sizeof(commands) + 64];

    (void)state;
    if (!mkdtemp(root) || chmod(root, 0755) != 0)
        return -1;
    snprintf(command, sizeof(command), "cd %s && %s", root, commands);
    return system(command);
}

static int remove_root(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", root);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explains),
        cmocka_unit_test(explains_files_of_the_node),
    };

    return cmocka_run_group_tests(tests, make_root, remove_root);
}
