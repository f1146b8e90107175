/* SPDX-License-Identifier: Apache-2.0 */
/* Reads whole files or fails, and stamps them. */
#include "os/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"

#define CONTENTS_BYTES ((size_t)10000)

static char directory[64];

static const char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void put(const char *name, const char *data, size_t size)
{
    FILE *file = fopen(path_of(name), "we");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static int make_directory(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/test_file.XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    static const char *const names[] = {"file", "link", "pipe", "folder"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)remove(path_of(names[i])); /* may not exist */
    return rmdir(directory);
}

static size_t count_fds(void)
{
    size_t n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) != -1;
    return n;
}

static void reads_all_bytes(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(CONTENTS_BYTES + 2);
    char data[CONTENTS_BYTES];
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 7);
    put("file", data, sizeof(data));
    assert_int_equal(symlink("file", path_of("link")), 0);
    buf_append_str(&out, "<>");
    assert_true(file_read(path_of("link"), &out, &err));
    assert_int_equal(out.size, sizeof(data) + 2);
    assert_memory_equal(out.data, "<>", 2);
    assert_memory_equal(out.data + 2, data, sizeof(data));
}

static void reads_an_empty_file_and_one_of_proc(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);
    struct error err;

    (void)state;
    put("file", "", 0);
    assert_true(file_read(path_of("file"), &out, &err));
    assert_int_equal(out.size, 0);
    assert_true(file_read("/proc/self/stat", &out, &err));
    assert_true(out.size > 0);
}

static void rejects_files_larger_than_the_buffer(void **state)
{
    char data[CONTENTS_BYTES] = {0};
    struct error err;

    (void)state;
    put("file", data, sizeof(data));
    for (size_t limit = sizeof(data) - 1; limit <= sizeof(data); limit++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(limit);

        assert_int_equal(file_read(path_of("file"), &out, &err), limit == sizeof(data));
    }
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(10);
    assert_false(file_read(path_of("file"), &out, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_non_null(strstr(err.message, "/file"));
}

static void rejects_other_kinds_of_files(void **state)
{
    static const struct {
        const char *name, *want;
    } rows[] = {
        {"pipe", "/pipe: not a regular file"},
        {"folder", "/folder: Is a directory"},
        {"missing", "/missing: No such file or directory"},
    };

    (void)state;
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    assert_int_equal(mkdir(path_of("folder"), 0700), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(10);
        struct error err;
        size_t n_fds = count_fds();

        assert_false(file_read(path_of(rows[i].name), &out, &err));
        assert_int_equal(err.code, ERROR_INVALID);
        assert_non_null(strstr(err.message, rows[i].want));
        assert_int_equal(count_fds(), n_fds);
    }
}

/* Address 0 of a process cannot be read. */
static void reports_read_errors(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(10);
    struct error err = {0};

    (void)state;
    assert_false(file_read("/proc/self/mem", &out, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_string_equal(err.message, "/proc/self/mem: Input/output error");
}

static void keeps_its_secret_when_it_grows(void **state)
{
    CLEANUP(secret_buf_deinit) struct buf out = SECRET_BUF_INIT(CONTENTS_BYTES);
    char data[CONTENTS_BYTES];
    struct error err;

    (void)state;
    memset(data, 's', sizeof(data));
    put("file", data, sizeof(data));
    assert_true(file_read(path_of("file"), &out, &err));
    assert_memory_equal(out.data, data, sizeof(data));
    assert_int_equal(strlen(out.data), sizeof(data));
    free(buf_take(&out));
    assert_true(out.secret);
}

static void a_stamp_changes_with_the_file(void **state)
{
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    uint64_t first, second;

    (void)state;
    assert_int_equal(file_stamp(path_of("file")), 0);
    put("file", "a", 1);
    assert_int_equal(symlink("file", path_of("link")), 0);
    first = file_stamp(path_of("file"));
    assert_int_not_equal(first, 0);
    assert_int_equal(file_stamp(path_of("file")), first);
    assert_int_equal(file_stamp(path_of("link")), first);
    assert_int_equal(utimensat(AT_FDCWD, path_of("file"), old, 0), 0);
    second = file_stamp(path_of("file"));
    assert_int_not_equal(second, first);
    assert_int_not_equal(file_stamp(directory), second);
    assert_int_equal(unlink(path_of("file")), 0);
    assert_int_equal(file_stamp(path_of("link")), 0);
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(reads_all_bytes),
        IN_DIRECTORY(reads_an_empty_file_and_one_of_proc),
        IN_DIRECTORY(rejects_files_larger_than_the_buffer),
        IN_DIRECTORY(rejects_other_kinds_of_files),
        cmocka_unit_test(reports_read_errors),
        IN_DIRECTORY(keeps_its_secret_when_it_grows),
        IN_DIRECTORY(a_stamp_changes_with_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
