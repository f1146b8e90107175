/* SPDX-License-Identifier: Apache-2.0 */
/* A directory as configuration: which files are read, how they are joined, where mistakes are. */
#include "support/config_fixture.h"

#include "config/files/config_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/test_config_files.XXXXXX";

static const char *path_of(const char *name)
{
    static char path[300];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");

    assert_non_null(file);
    assert_int_equal(fputs(text, file) < 0, 0);
    assert_int_equal(fclose(file), 0);
}

static void load(struct fixture *fixture)
{
    *fixture = (struct fixture){.problems = BUF_INIT(100000)};
    fixture->ok =
        config_load(&fixture->config, &test_schema, directory, &fixture->problems, &fixture->err);
}

static int make_directory(void **state)
{
    (void)state;
    memcpy(directory + strlen(directory) - 6, "XXXXXX", 6);
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    char command[100];

    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", directory);
    return system(command);
}

/* What the fixture reports, with the path of the directory cut. */
static void assert_problems(const struct fixture *fixture, const char *want)
{
    CLEANUP(buf_deinit) struct buf got = BUF_INIT(100000);
    size_t size = strlen(directory);

    for (const char *at = fixture->problems.data ? fixture->problems.data : ""; *at;) {
        bool is_path = strncmp(at, directory, size) == 0;

        if (is_path)
            at += size + 1;
        else
            buf_append_char(&got, *at++);
    }
    assert_string_equal(got.data ? got.data : "", want);
}

static void reads_files_in_the_order_of_their_bytes(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    write_file("b.yml", "probes:\n- {name: b, operation: pull, image: r/x}\n");
    write_file("a.yaml", "probes:\n- {name: a, operation: pull, image: r/x}\n");
    write_file("B.yml", "probes:\n- {name: B, operation: pull, image: r/x}\n");
    write_file("a.yml", "probes:\n- {name: a2, operation: pull, image: r/x}\n");
    write_file(".hidden.yml", "[");
    write_file("b.yml~", "[");
    write_file("README", "[");
    write_file("yml", "[");
    load(&f);
    assert_problems(&f, "");
    assert_true(f.ok);
    for (size_t i = 0, n = 0; i < f.config.n_jobs; i++)
        if (strlen(f.config.jobs[i].name) < 3)
            assert_string_equal(f.config.jobs[i].name,
                                ((const char *[]){"B", "a", "a2", "b"})[n++]);
    assert_string_equal(job(&f, "a2")->place.file, path_of("a.yml"));
    assert_int_equal(job(&f, "a2")->place.line, 2);
}

static void joins_probes_registries_and_collectors(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    write_file("1.yml", "probes:\nregistries: {r: {plain_http: true}}\ncontainerd:\n"
                        "collectors: {images: {max_series: 7}}\n");
    write_file("2.yml", "containerd: {address: /x}\n"
                        "probes: [{name: a, operation: pull, image: r/x}]\n---\n");
    write_file("3.yml", "# nothing\n");
    write_file("4.yml",
               "registries: {q: {plain_http: true}}\ncollectors: {docker: {enabled: false}}\n"
               "probes: [{name: b, operation: pull, image: q/x}]\ncontainerd: ~\n");
    load(&f);
    assert_problems(&f, "");
    assert_string_equal(((const struct globals *)f.config.globals)->address, "/x");
    assert_true(((const struct probe *)job(&f, "a")->state)->plain_http);
    assert_true(((const struct probe *)job(&f, "b")->state)->plain_http);
    assert_int_equal(((const struct images *)job(&f, "images")->state)->max_series, 7);
}

static void joins_canary_documents(void **state)
{
    static const char canary[] = "apiVersion: canaries.flanksource.com/v1\nkind: Canary\n"
                                 "metadata: {name: %s}\nspec:\n  interval: 60\n  containerd:\n"
                                 "  - {image: r/x, name: z}\n";
    CLEANUP(fixture_deinit) struct fixture f;
    char text[300];

    (void)state;
    snprintf(text, sizeof(text), canary, "one");
    write_file("1.yml", text);
    write_file("2.yml", "probes: [{name: z, operation: pull, image: r/x}]\n");
    snprintf(text, sizeof(text), canary, "two");
    write_file("3.yml", text);
    load(&f);
    /* the probes of these documents have a setting that the fixture has not */
    assert_problems(&f, "1.yml:6:3: unknown key \"engine\" (known: name, operation, enabled, "
                        "interval, schedule, timeout, retry_interval, image, auth, expected, slow, "
                        "cold, labels)\n"
                        "3.yml:6:3: unknown key \"engine\" (known: name, operation, enabled, "
                        "interval, schedule, timeout, retry_interval, image, auth, expected, slow, "
                        "cold, labels)\n");
}

static void what_two_files_say_names_both(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;
    CLEANUP(buf_deinit) struct buf want = BUF_INIT(10000);

    (void)state;
    write_file("1.yml", "containerd: {address: /x}\nregistries: {r: {}}\n"
                        "collectors: {images: {max_series: 7}}\n"
                        "probes: [{name: a, operation: pull, image: r/x}]\n");
    write_file("2.yml", "registries:\n  r: {}\n  q: {}\ncontainerd: {verbose: true}\n"
                        "collectors: {images: {series: all}}\n"
                        "probes: [{name: a, operation: pull, image: r/x}]\n");
    load(&f);
    assert_false(f.ok);
    assert_problems(&f,
                    "2.yml:2:3: duplicate key \"r\", first at 1.yml:2:14: expected in one file "
                    "only\n"
                    "2.yml:4:1: duplicate key \"containerd\", first at 1.yml:1:1: expected in one "
                    "file only\n"
                    "2.yml:5:14: duplicate key \"images\", first at 1.yml:3:14: expected in one "
                    "file only\n"
                    "2.yml:6:17: \"name\": duplicate probe name \"a\": first used at 1.yml:4:17\n");
    buf_printf(&want, "4 mistakes in %s", directory);
    assert_string_equal(f.err.message, want.data);
}

static void every_mistake_names_its_file(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    write_file("1.yml", "containerd: {addres: x}\nprobes:\n- {name: a, operation: pull}\n");
    write_file("2.yml", "probes:\n\t- name: a\n");
    write_file("3.yml", "probes: {}\n");
    write_file("4.yml", "- a\n");
    write_file("5.yml", "a: &x {name: a: b}\n");
    write_file("6.yml", "output: {verbose: *x}\n---\noutput: {}\n");
    load(&f);
    assert_problems(
        &f, "1.yml:1:14: unknown key \"addres\" (did you mean \"address\"?)\n"
            "1.yml:3:3: \"image\" is missing: Reference of the image.\n"
            "2.yml:2:1: found a tab in the indentation: expected spaces\n"
            "3.yml:1:9: \"probes\": expected a list, found a mapping\n"
            "4.yml:1:1: expected a mapping, found a list\n"
            "5.yml:1:15: found a \":\" that no key has: expected \",\" before the next key, or "
            "quotes around the value\n"
            "6.yml:1:19: unknown anchor \"x\": expected &x before this alias\n"
            "6.yml:3:1: second settings document (the first is at line 1): expected kind Canary\n");
}

static void a_directory_without_files_is_an_error(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f, g, h;

    (void)state;
    load(&f);
    assert_false(f.ok);
    assert_non_null(strstr(f.err.message, ": no configuration file in this directory: expected a "
                                          "name that ends with .yml or .yaml"));
    assert_int_equal(f.err.code, ERROR_INVALID);
    write_file("a.yml", "{}");
    assert_int_equal(mkdir(path_of("b.yml"), 0755), 0);
    load(&g);
    assert_false(g.ok);
    assert_non_null(strstr(g.err.message, "/b.yml: Is a directory"));
    assert_int_equal(rmdir(path_of("b.yml")), 0);
    assert_int_equal(symlink("nothing", path_of("b.yml")), 0);
    load(&h);
    assert_false(h.ok);
    assert_non_null(strstr(h.err.message, "/b.yml: a link that leads nowhere: nothing"));
}

static void probes_of_all_files_have_one_limit(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1000000);
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    for (int file = 0; file < 2; file++) {
        buf_clear(&text);
        buf_append_str(&text, "probes:\n");
        for (int i = 0; i < 501; i++)
            buf_printf(&text, "- {name: p%d-%d, operation: pull, image: r/x}\n", file, i);
        write_file(file ? "b.yml" : "a.yml", text.data);
    }
    load(&f);
    assert_problems(&f,
                    "b.yml:501:3: more than 1000 members in one list or mapping of all files\n"
                    "b.yml:502:3: more than 1000 members in one list or mapping of all files\n");
}

/* As the kubelet mounts a ConfigMap: the keys are links into the directory behind `..data`. */
static void a_config_map_is_read_once(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f, g;
    uint64_t stamp, next;

    (void)state;
    assert_int_equal(mkdir(path_of("..1"), 0755), 0);
    assert_int_equal(mkdir(path_of("..2"), 0755), 0);
    write_file("..1/a.yml", "probes: [{name: a, operation: pull, image: r/x}]\n");
    write_file("..2/a.yml", "probes: [{name: A, operation: pull, image: r/x}]\n");
    write_file("..2/b.yml", "probes: [{name: b, operation: pull, image: r/x}]\n");
    assert_int_equal(symlink("..1", path_of("..data")), 0);
    assert_int_equal(symlink("..data/a.yml", path_of("a.yml")), 0);
    load(&f);
    assert_problems(&f, "");
    assert_non_null(job(&f, "a"));
    stamp = config_stamp(directory);
    assert_int_not_equal(stamp, 0);
    assert_int_equal(config_stamp(directory), stamp);
    assert_int_equal(symlink("..2", path_of("..data_tmp")), 0);
    {
        char from[300];

        snprintf(from, sizeof(from), "%s", path_of("..data_tmp"));
        assert_int_equal(rename(from, path_of("..data")), 0);
    }
    next = config_stamp(directory);
    assert_int_not_equal(next, stamp);
    assert_int_equal(symlink("..data/b.yml", path_of("b.yml")), 0);
    assert_int_not_equal(config_stamp(directory), next);
    load(&g);
    assert_problems(&g, "");
    assert_non_null(job(&g, "A"));
    assert_non_null(job(&g, "b"));
    assert_int_equal(g.config.n_jobs, f.config.n_jobs + 1);
}

/* The settings of a probe are what matters, not the file that has it. */
static void a_probe_that_moves_keeps_its_fingerprint(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f, g;

    (void)state;
    write_file("a.yml", "probes: [{name: a, operation: pull, image: r/x}]\n");
    load(&f);
    assert_int_equal(unlink(path_of("a.yml")), 0);
    write_file("b.yml", "registries: {}\nprobes:\n- {name: a, operation: pull, image: r/x}\n");
    load(&g);
    assert_string_equal(job(&f, "a")->fingerprint, job(&g, "a")->fingerprint);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_files_in_the_order_of_their_bytes),
        TEST(joins_probes_registries_and_collectors),
        TEST(joins_canary_documents),
        TEST(what_two_files_say_names_both),
        TEST(every_mistake_names_its_file),
        TEST(a_directory_without_files_is_an_error),
        TEST(probes_of_all_files_have_one_limit),
        TEST(a_config_map_is_read_once),
        TEST(a_probe_that_moves_keeps_its_fingerprint),
    };

    return cmocka_run_group_tests(tests, set_environment, NULL);
}
