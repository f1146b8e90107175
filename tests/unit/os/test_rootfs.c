/* SPDX-License-Identifier: Apache-2.0 */
/* Files below --path.rootfs are opened as after chroot(), other files where they are. */
#include "os/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/file.h"
#include "os/process.h"

#define TEXT_BYTES ((size_t)1000)

/* $T/host is the node, $T/etc the pod. Each file holds its own name. */
static const char tree[] =
    "mkdir -p host/etc/dir host/usr/bin host/opt etc host/etc/certs host/etc/.v1 host/etc/.v2\n"
    "echo host/etc/file >host/etc/file; echo host/etc/dir/file >host/etc/dir/file\n"
    "echo etc/file >etc/file; echo etc/own >etc/own; echo host/top >host/top\n"
    "ln -s /etc/file host/etc/absolute; ln -s dir/file host/etc/relative\n"
    "ln -s ../../../../../etc/file host/etc/climbs; ln -s / host/etc/slash\n"
    "ln -s ../../../.. host/etc/parents; ln -s /etc/absolute host/etc/chain\n"
    "ln -s \"$T/etc/own\" host/etc/escapes; ln -s /etc/nothing host/etc/dangling\n"
    "ln -s loop host/etc/loop; ln -s ping host/etc/pong; ln -s pong host/etc/ping\n"
    "ln -s /proc/self/exe host/etc/magic; ln -s /etc/dir host/etc/link\n"
    "echo v1 >host/etc/.v1/f; echo v2 >host/etc/.v2/f; ln -s .v1 host/etc/..data\n"
    "ln -s ..data/f host/etc/f; for i in b.crt a.crt c.txt; do echo $i >host/etc/certs/$i; done\n"
    "printf '#!/bin/sh\\necho on the node: $0' >host/opt/plugin; chmod +x host/opt/plugin\n"
    "ln -s /opt/plugin host/usr/bin/helper; echo text >host/usr/bin/plain\n"
    "printf '#!/none\\n' >host/opt/lost; chmod +x host/opt/lost";

static char directory[64], host[128];

static int shell(const char *script)
{
    setenv("T", directory, 1);
    return chdir(directory) == 0 ? system(script) : -1; // NOLINT: a fixed text
}

static int make_tree(void **state)
{
    struct error err;

    (void)state;
    strcpy(directory, "/tmp/test_rootfs.XXXXXX");
    if (!mkdtemp(directory) || shell(tree) != 0)
        return -1;
    snprintf(host, sizeof(host), "%s/host", directory);
    return rootfs_use(host, &err) ? 0 : -1;
}

static int remove_tree(void **state)
{
    struct error err;

    (void)state;
    return rootfs_use(NULL, &err) && shell("cd /; rm -r \"$T\"") == 0 ? 0 : -1;
}

/* Returns the first line of a file; on failure "errno N". */
static const char *line_of(const char *path)
{
    static char line[200];
    int fd = rootfs_open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);

    if (n < 0)
        snprintf(line, sizeof(line), "errno %d", errno);
    else
        line[n] = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (fd >= 0)
        close(fd);
    return line;
}

static const char *joined(const char *path)
{
    static char name[400];
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(TEXT_BYTES);

    snprintf(name, sizeof(name), "%s", rootfs_join(path, &arena));
    return name;
}

static void resolves_links_inside(void **state)
{
    static const struct {
        const char *path, *want;
        int errnum;
    } rows[] = {
        {"/etc/file", "host/etc/file", 0},
        {"/etc/dir/file", "host/etc/dir/file", 0},
        {"/etc/absolute", "host/etc/file", 0},
        {"/etc/chain", "host/etc/file", 0},
        {"/etc/relative", "host/etc/dir/file", 0},
        {"/etc/link/file", "host/etc/dir/file", 0},
        {"/etc/link/../top", NULL, ENOENT},
        {"/etc/link/../file", "host/etc/file", 0},
        {"/etc/climbs", "host/etc/file", 0},
        {"/etc/parents/top", "host/top", 0},
        {"/etc/parents/etc/own", NULL, ENOENT},
        {"/etc/slash/top", "host/top", 0},
        {"/../../../top", "host/top", 0},
        {"/etc/../../etc/own", NULL, ENOENT},
        {"/etc/escapes", NULL, ENOENT},
        {"/etc/own", NULL, ENOENT},
        {"/etc/dangling", NULL, ENOENT},
        {"/etc/loop", NULL, ELOOP},
        {"/etc/ping", NULL, ELOOP},
        {"/etc/magic", NULL, ENOENT},
        {"/etc/file/x", NULL, ENOTDIR},
        {"/etc/f", "v1", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char want[32];
        struct stat status;
        const char *path = joined(rows[i].path);

        snprintf(want, sizeof(want), "errno %d", rows[i].errnum);
        if (strcmp(line_of(path), rows[i].want ? rows[i].want : want) != 0)
            fail_msg("%s: %s", rows[i].path, line_of(path));
        assert_int_equal(rootfs_stat(path, &status), rows[i].want ? 0 : -1);
        assert_int_equal(file_stamp(path) != 0, rows[i].want != NULL);
    }
}

static void other_paths_are_opened_where_they_are(void **state)
{
    char path[200];

    (void)state;
    snprintf(path, sizeof(path), "%s/etc/own", directory);
    assert_string_equal(line_of(path), "etc/own");
    snprintf(path, sizeof(path), "%s/host/etc/escapes", directory);
    assert_string_equal(line_of(path), "errno 2");
    snprintf(path, sizeof(path), "%s/hosted", directory); /* not below $T/host */
    assert_int_equal(symlink("etc/own", path), 0);
    assert_string_equal(line_of(path), "etc/own");
    assert_string_equal(line_of("etc/own"), "etc/own");
}

static void joins_paths_of_the_node_once(void **state)
{
    char want[200];

    (void)state;
    snprintf(want, sizeof(want), "%s/etc/x", host);
    assert_string_equal(joined("/etc/x"), want);
    assert_string_equal(joined(want), want);
    assert_string_equal(joined("relative/x"), "relative/x");
    assert_string_equal(joined(host), host);
    assert_string_equal(joined(""), "");
}

/* A path that only the pod has is a mounted Secret; on the node it takes precedence. */
static void the_own_file_is_used_where_the_node_has_none(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(TEXT_BYTES);
    char own[200], both[200];

    (void)state;
    snprintf(own, sizeof(own), "%s/etc/own", directory);
    assert_string_equal(rootfs_join_or_own(own, &arena), own);
    assert_int_equal(shell("mkdir -p \"host$T\" && cp etc/own \"host$T/both\"; cp etc/own both"),
                     0);
    snprintf(both, sizeof(both), "%s/both", directory);
    assert_string_equal(rootfs_join_or_own(both, &arena), joined(both));
    assert_int_equal(shell("ln -s loop \"host$T/loop\"; cp etc/own loop"), 0);
    snprintf(both, sizeof(both), "%s/loop", directory);
    assert_string_equal(rootfs_join_or_own(both, &arena), both);
    assert_string_equal(rootfs_join_or_own("/etc/missing-here", &arena),
                        joined("/etc/missing-here"));
    assert_string_equal(rootfs_join_or_own("/etc/loop", &arena), joined("/etc/loop"));
}

/* As the kubelet replaces a ConfigMap: the link changes, the old directory is removed. */
static void sees_a_file_that_is_replaced(void **state)
{
    uint64_t stamp = file_stamp(joined("/etc/f"));

    (void)state;
    assert_int_equal(shell("ln -s .v2 host/etc/tmp && mv -T host/etc/tmp host/etc/..data && "
                           "rm -r host/etc/.v1"),
                     0);
    assert_string_equal(line_of(joined("/etc/f")), "v2");
    assert_int_not_equal(file_stamp(joined("/etc/f")), stamp);
    assert_int_equal(shell("rm host/etc/..data"), 0);
    assert_string_equal(line_of(joined("/etc/f")), "errno 2");
    assert_int_equal(file_stamp(joined("/etc/f")), 0);
}

static int is_crt(const struct dirent *entry)
{
    return strstr(entry->d_name, ".crt") != NULL;
}

static void lists_directories_in_order(void **state)
{
    struct dirent **entries = NULL;

    (void)state;
    assert_int_equal(symlink("/etc/certs", joined("/etc/to-certs")), 0);
    assert_int_equal(rootfs_scan(joined("/etc/to-certs"), &entries, is_crt), 2);
    assert_string_equal(entries[0]->d_name, "a.crt");
    assert_string_equal(entries[1]->d_name, "b.crt");
    for (int i = 0; i < 2; i++)
        free(entries[i]);
    free(entries);
    assert_int_equal(rootfs_scan(joined("/etc/file"), &entries, is_crt), -1);
    assert_int_equal(errno, ENOTDIR);
    assert_int_equal(rootfs_scan(joined("/etc/nothing"), &entries, is_crt), -1);
    assert_int_equal(errno, ENOENT);
}

/* Returns what the program prints; on failure the message. */
static const char *output_of(const char *program)
{
    static char text[sizeof(((struct error *)NULL)->message)];
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(TEXT_BYTES);
    const char *const argv[] = {program, NULL};
    struct cancel cancel;
    struct error err;

    cancel_init(&cancel, INT64_MAX / 2);
    snprintf(text, sizeof(text), "%s",
             process_run(&(struct process_call){.argv = argv}, &out, NULL, &cancel, &err)
                 ? out.data
                 : err.message);
    cancel_deinit(&cancel);
    return text;
}

static void runs_programs_of_the_node(void **state)
{
    char path[PATH_MAX], *old = strdup(getenv("PATH"));

    (void)state;
    assert_int_equal(rootfs_program(joined("/usr/bin/helper"), path), 0);
    assert_string_equal(path, joined("/opt/plugin"));
    assert_int_equal(rootfs_program(joined("/usr/bin/plain"), path), EACCES);
    assert_int_equal(rootfs_program(joined("/usr/bin"), path), EACCES);
    assert_int_equal(rootfs_program(joined("/usr/bin/nothing"), path), ENOENT);
    assert_int_equal(rootfs_program("/bin/sh", path), 0);
    assert_string_equal(path, "/bin/sh");
    assert_non_null(strstr(output_of(joined("/usr/bin/helper")), "on the node: "));
    assert_non_null(strstr(output_of("helper"), "/host/opt/plugin"));
    assert_non_null(strstr(output_of(joined("/opt/lost")), "interpreter"));
    assert_int_equal(setenv("PATH", "/nowhere::relative:/usr/bin:/bin", 1), 0);
    assert_non_null(strstr(output_of("helper"), "/host/opt/plugin"));
    assert_int_equal(rootfs_program("sh", path), 0); /* the node has none */
    assert_string_equal(path, "sh");
    assert_int_equal(unsetenv("PATH"), 0);
    assert_int_equal(rootfs_program("helper", path), 0);
    assert_int_equal(setenv("PATH", old, 1), 0);
    free(old);
}

static atomic_bool stop;

static void *rename_forever(void *arg)
{
    char a[200], b[200];

    (void)arg;
    snprintf(a, sizeof(a), "%s/a", directory);
    snprintf(b, sizeof(b), "%s/b", directory);
    (void)mkdir(a, 0700);
    while (!stop)
        if (rename(a, b) != 0 || rename(b, a) != 0)
            break;
    return NULL;
}

/* openat2() gives up at ".." while something else is renamed. */
static void renames_elsewhere_do_not_disturb(void **state)
{
    pthread_t thread;

    (void)state;
    stop = false;
    assert_int_equal(pthread_create(&thread, NULL, rename_forever, NULL), 0);
    for (int i = 0; i < 20000; i++)
        assert_string_equal(line_of(joined("/etc/climbs")), "host/etc/file");
    stop = true;
    pthread_join(thread, NULL);
}

static void without_a_directory_nothing_changes(void **state)
{
    static const char *const none[] = {NULL, "", "/", "///"};
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_true(rootfs_use(none[i], &err));
        assert_string_equal(rootfs_path(), "");
        assert_string_equal(joined("/etc/x"), "/etc/x");
        assert_string_equal(line_of(host), "errno 21");
    }
}

static void trailing_slashes_do_not_count(void **state)
{
    char path[200];
    struct error err;

    (void)state;
    snprintf(path, sizeof(path), "%s//", host);
    assert_true(rootfs_use(path, &err));
    assert_string_equal(rootfs_path(), host);
    assert_string_equal(line_of(joined("/etc/absolute")), "host/etc/file");
}

static void rejects_what_is_no_directory(void **state)
{
    static const struct {
        const char *path, *want;
    } rows[] = {
        {"host", "expected an absolute path"},
        {"/nonexistent/host", "No such file"},
        {"/dev/null", "Not a directory"},
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_false(rootfs_use(rows[i].path, &err));
        assert_int_equal(err.code, ERROR_INVALID);
        assert_non_null(strstr(err.message, rows[i].want));
        assert_string_equal(rootfs_path(), "");
    }
}

/* In a child: from now on openat2() fails with this errno. */
static void forbid(int errnum)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)errnum),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {sizeof(code) / sizeof(code[0]), code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        _exit(99);
}

/* An old kernel and a strict seccomp profile are named at the start. */
static void says_what_forbids_it(void **state)
{
    static const struct {
        int errnum;
        const char *want;
    } rows[] = {{ENOSYS, "expected Linux 5.6 or newer"}, {EPERM, "expected a seccomp profile"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        pid_t pid = fork();
        int status;

        if (pid == 0) {
            struct error err;

            forbid(rows[i].errnum);
            _exit(!rootfs_use(host, &err) && err.code == ERROR_UNSUPPORTED &&
                          strstr(err.message, rows[i].want) && !*rootfs_path()
                      ? 0
                      : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(resolves_links_inside),
        TEST(other_paths_are_opened_where_they_are),
        TEST(joins_paths_of_the_node_once),
        TEST(the_own_file_is_used_where_the_node_has_none),
        TEST(sees_a_file_that_is_replaced),
        TEST(lists_directories_in_order),
        TEST(runs_programs_of_the_node),
        TEST(renames_elsewhere_do_not_disturb),
        TEST(without_a_directory_nothing_changes),
        TEST(trailing_slashes_do_not_count),
        TEST(rejects_what_is_no_directory),
        TEST(says_what_forbids_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
