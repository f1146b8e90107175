/* SPDX-License-Identifier: Apache-2.0 */
/* Reloads of a web configuration file after valid and invalid changes. */
#include "server/config/web_reload.h"

#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SUCCESSFUL "containerd_exporter_web_config_last_reload_successful"
#define TIMESTAMP  "containerd_exporter_web_config_last_reload_success_timestamp_seconds"
#define LIMIT      ((size_t)1 << 16)

#define ONE "rate_limit: {interval: 1s, burst: 1}\n"
#define TWO "rate_limit: {interval: 1s, burst: 2}\n"
#define TLS "tls_server_config: {cert_file: c.pem, key_file: k.pem}\n"

struct fixture {
    char folder[32], path[64];
    struct board *board;
    struct web_reloader *reloader;
    size_t applied;
    uint64_t burst; /* of the last configuration applied */
    bool refuse;
};

static void write_text(const struct fixture *f, const char *name, const char *text)
{
    char path[64], new_path[80];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", f->folder, name);
    snprintf(new_path, sizeof(new_path), "%s.new", path);
    file = fopen(new_path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(new_path, path), 0);
}

static void copy_pem(const struct fixture *f, const char *from, const char *name)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(LIMIT);
    char path[64];
    struct error err;

    snprintf(path, sizeof(path), "tests/web/%s", from);
    assert_true(file_read(path, &pem, &err));
    write_text(f, name, pem.data);
}

static bool apply(void *arg, struct web_config *config, struct error *err)
{
    struct fixture *f = arg;

    if (f->refuse)
        return error_set(err, ERROR_INTERNAL, "not today");
    f->applied++;
    f->burst = config->rate_burst;
    return true;
}

static void fixture_init(struct fixture *f, const char *text)
{
    struct error err;

    *f = (struct fixture){.folder = "/tmp/web_reload_XXXXXX", .board = board_new()};
    assert_non_null(f->board);
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof(f->path), "%s/web.yml", f->folder);
    copy_pem(f, "server.pem", "c.pem");
    copy_pem(f, "server_key.pem", "k.pem");
    write_text(f, "web.yml", text);
    f->reloader = web_reloader_new(f->path, f->board, &err);
    if (f->reloader)
        web_reloader_attach(f->reloader, apply, f);
}

static void fixture_deinit(struct fixture *f)
{
    static const char *const names[] = {"web.yml", "c.pem", "k.pem"};

    if (f->reloader)
        web_reloader_free(f->reloader);
    board_free(f->board);
    for (size_t i = 0; i < 3; i++) {
        char path[64];

        snprintf(path, sizeof(path), "%s/%s", f->folder, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(f->folder), 0);
}

static double value(const struct fixture *f, const char *name)
{
    CLEANUP(board_view_freep) struct board_view *view = board_view_new(f->board);
    struct board_cursor at = {0};
    const struct sample *sample = board_next(view, name, &at);

    assert_non_null(sample);
    return sample->value;
}

/* Like the check that main runs every second. */
static void check_twice(struct fixture *f)
{
    web_reloader_check(f->reloader);
    web_reloader_check(f->reloader);
}

static void ignores_unchanged_files(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    fixture_init(&f, ONE);
    assert_int_equal(web_reloader_config(f.reloader)->rate_burst, 1);
    for (int i = 0; i < 5; i++)
        web_reloader_check(f.reloader);
    assert_int_equal(f.applied, 0);
    assert_true(value(&f, SUCCESSFUL) == 1);
    assert_true(value(&f, TIMESTAMP) > 1e9);
}

static void waits_until_a_change_is_stable(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    fixture_init(&f, ONE);
    write_text(&f, "web.yml", TWO);
    web_reloader_check(f.reloader);
    assert_int_equal(f.applied, 0);
    web_reloader_check(f.reloader);
    assert_int_equal(f.applied, 1);
    assert_int_equal(f.burst, 2);
    assert_int_equal(web_reloader_config(f.reloader)->rate_burst, 2);
    web_reloader_check(f.reloader);
    assert_int_equal(f.applied, 1);
}

static void keeps_the_old_configuration_after_a_bad_edit(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;
    double before;

    (void)state;
    fixture_init(&f, ONE);
    before = value(&f, TIMESTAMP);
    write_text(&f, "web.yml", "rate_limit: {interval: 1s, burst: many}\n");
    check_twice(&f);
    assert_int_equal(f.applied, 0);
    assert_int_equal(web_reloader_config(f.reloader)->rate_burst, 1);
    assert_true(value(&f, SUCCESSFUL) == 0);
    assert_true(value(&f, TIMESTAMP) == before);
    write_text(&f, "web.yml", TWO);
    check_twice(&f);
    assert_int_equal(f.burst, 2);
    assert_true(value(&f, SUCCESSFUL) == 1);
    assert_true(value(&f, TIMESTAMP) >= before);
}

static void explicit_reloads_always_report(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;
    struct error err;

    (void)state;
    fixture_init(&f, ONE);
    assert_true(web_reloader_reload(f.reloader, NULL, &err));
    assert_int_equal(f.applied, 1);
    write_text(&f, "web.yml", "more: 1\n");
    for (int i = 0; i < 2; i++) {
        assert_false(web_reloader_reload(f.reloader, NULL, &err));
        assert_true(strstr(err.message, "1 mistake in"));
    }
    assert_int_equal(f.applied, 1);
}

static void applies_a_renewed_certificate(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    fixture_init(&f, TLS);
    copy_pem(&f, "other.pem", "c.pem");
    web_reloader_check(f.reloader);
    copy_pem(&f, "other_key.pem", "k.pem"); /* later, without a check between */
    check_twice(&f);
    assert_int_equal(f.applied, 1);
    assert_true(value(&f, SUCCESSFUL) == 1);
    copy_pem(&f, "server.pem", "c.pem");
    check_twice(&f);
    assert_int_equal(f.applied, 1);
    assert_true(value(&f, SUCCESSFUL) == 0);
    copy_pem(&f, "server_key.pem", "k.pem");
    check_twice(&f);
    assert_int_equal(f.applied, 2);
    assert_true(value(&f, SUCCESSFUL) == 1);
}

/* The file in force names another certificate, so the stamp does not change. */
static void applies_a_file_that_appears_later(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    fixture_init(&f, ONE);
    copy_pem(&f, "other.pem", "c.pem");
    write_text(&f, "web.yml", TLS);
    check_twice(&f);
    assert_true(value(&f, SUCCESSFUL) == 0);
    copy_pem(&f, "server.pem", "c.pem");
    web_reloader_check(f.reloader);
    assert_true(value(&f, SUCCESSFUL) == 1);
    assert_true(web_reloader_config(f.reloader)->tls);
}

static void keeps_the_old_configuration_if_apply_fails(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    fixture_init(&f, ONE);
    f.refuse = true;
    write_text(&f, "web.yml", TWO);
    check_twice(&f);
    assert_int_equal(web_reloader_config(f.reloader)->rate_burst, 1);
    assert_true(value(&f, SUCCESSFUL) == 0);
    f.refuse = false;
    web_reloader_check(f.reloader);
    assert_int_equal(f.burst, 2);
    assert_true(value(&f, SUCCESSFUL) == 1);
}

static void does_not_start_with_an_invalid_file(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    fixture_init(&f, "more: 1\n");
    assert_null(f.reloader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ignores_unchanged_files),
        cmocka_unit_test(waits_until_a_change_is_stable),
        cmocka_unit_test(keeps_the_old_configuration_after_a_bad_edit),
        cmocka_unit_test(explicit_reloads_always_report),
        cmocka_unit_test(applies_a_renewed_certificate),
        cmocka_unit_test(applies_a_file_that_appears_later),
        cmocka_unit_test(keeps_the_old_configuration_if_apply_fails),
        cmocka_unit_test(does_not_start_with_an_invalid_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
