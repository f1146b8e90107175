/* SPDX-License-Identifier: Apache-2.0 */
/* Reloads of valid and invalid files, and their effect on jobs and node. */
#include "support/scheduler_fixture.h"

#include "base/log.h"
#include "scheduler/reload.h"
#include "support/failures.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SUCCESSFUL "containerd_exporter_config_last_reload_successful "
#define TIMESTAMP  "containerd_exporter_config_last_reload_success_timestamp_seconds "

struct globals {
    const char *address;
};

/* Counters. Protected by fake_lock where jobs use them. */
struct node {
    unsigned users;
    char address[32];
};
static unsigned n_nodes, n_made, n_refreshed, n_open, n_closed;
static bool fail_make_node;

struct thing_state {
    struct node *node;
    uint64_t size;
    double count;
};

static const struct setting thing_settings[] = {
    SETTING(SETTING_UINT, struct thing_state, size, "size", "1", "How large; 13 cannot open."),
    {0},
};
static const struct setting global_settings[] = {
    SETTING(SETTING_STRING, struct globals, address, "address", "nowhere", "Address."),
    {0},
};

static bool open_thing(void *state, const struct job_context *context, struct error *err)
{
    struct thing_state *thing = state;
    LOCK_SCOPE(&fake_lock);

    if (thing->size == 13)
        return error_set(err, ERROR_INVALID, "size 13 is rejected");
    thing->node = context->node;
    thing->node->users++;
    n_open++;
    return true;
}

static void close_thing(void *state)
{
    struct thing_state *thing = state;
    LOCK_SCOPE(&fake_lock);

    thing->node->users--;
    n_closed++;
}

static bool run_thing(void *state, struct run *run, struct error *err)
{
    struct thing_state *thing = state;
    LOCK_SCOPE(&fake_lock);

    (void)err;
    snapshot_add(run->out, FAKE_RUNS, ++thing->count, thing->node->address);
    return true;
}

static const struct collector thing = {
    .name = "thing",
    .help = "A thing.",
    .families = fake_families,
    .settings = SETTINGS(thing_settings),
    .state_size = sizeof(struct thing_state),
    .lane = LANE_SCRAPE, /* runs only when the test calls scheduler_refresh() */
    .interval = "1h",
    .timeout = "1h",
    .open = open_thing,
    .close = close_thing,
    .run = run_thing,
};

static const struct collector *const things[] = {&thing, NULL};
static const struct config_section sections[] = {{"global", global_settings}, {0}};
static const struct config_schema schema = {things, sections, sizeof(struct globals)};

static struct node *make_node(const void *globals, struct error *err)
{
    const struct globals *from = globals;
    struct node *node;

    if (fail_make_node) {
        error_set(err, ERROR_RUNTIME, "cannot connect to %s", from->address);
        return NULL;
    }
    node = calloc(1, sizeof(*node));
    if (!node) {
        error_memory(err);
        return NULL;
    }
    snprintf(node->address, sizeof(node->address), "%s", from->address);
    n_nodes++;
    n_made++;
    return node;
}

static void free_node(struct node *node)
{
    assert_int_equal(node->users, 0); /* every job was closed before */
    n_nodes--;
    free(node);
}

static void refresh_node(struct node *node)
{
    assert_non_null(node);
    n_refreshed++;
}

struct world {
    char directory[64], path[80];
    struct board *board;
    struct scheduler *scheduler;
    struct reloader *reloader;
};

static void write_file(const struct world *world, const char *text)
{
    FILE *file = fopen(world->path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* `text` NULL: without a file. */
static void world_init(struct world *world, const char *text)
{
    const struct scheduler_options scheduler = {
        .inventory_workers = 1, .probe_workers = 1, .node = "node"};
    struct reload_options options = {.schema = &schema,
                                     .make_node = make_node,
                                     .free_node = free_node,
                                     .refresh_node = refresh_node};
    struct error err;

    *world = (struct world){.directory = "/tmp/test_reload.XXXXXX", .board = board_new()};
    n_nodes = n_made = n_refreshed = n_open = n_closed = 0;
    fail_make_node = false;
    assert_non_null(mkdtemp(world->directory));
    snprintf(world->path, sizeof(world->path), "%s/config.yml", world->directory);
    if (text)
        write_file(world, text);
    world->scheduler = scheduler_new(world->board, &scheduler, &err);
    assert_non_null(world->scheduler);
    options.path = text ? world->path : NULL;
    options.scheduler = world->scheduler;
    options.board = world->board;
    world->reloader = reloader_new(&options, &err);
    assert_non_null(world->reloader);
}

static void world_deinit(struct world *world)
{
    scheduler_free(world->scheduler);
    reloader_free(world->reloader);
    board_free(world->board);
    (void)unlink(world->path); /* may not exist */
    assert_int_equal(rmdir(world->directory), 0);
    assert_int_equal(n_nodes, 0);
    assert_int_equal(n_open, n_closed);
}

static void reload(struct world *world)
{
    struct error err;

    if (!reloader_reload(world->reloader, NULL, &err))
        fail_msg("%s", err.message);
    assert_int_equal(page_count(world->board, SUCCESSFUL "1\n"), 1);
    assert_int_equal(page_count(world->board, TIMESTAMP), 2 + 1); /* HELP, TYPE, value */
}

static void fail_to_reload(struct world *world, const char *why)
{
    struct error err;

    assert_false(reloader_reload(world->reloader, NULL, &err));
    if (!strstr(err.message, why))
        fail_msg("%s", err.message);
    assert_int_equal(page_count(world->board, SUCCESSFUL "0\n"), 1);
}

/* Runs the collector; expects its address and number of runs on the page. */
static void expect_run(struct world *world, const char *address, int count)
{
    char want[128];

    snprintf(want, sizeof(want), "fake_runs_total{name=\"%s\"} %d\n", address, count);
    scheduler_refresh(world->scheduler);
    assert_int_equal(page_count(world->board, want), 1);
    assert_int_equal(page_count(world->board, "fake_runs_total{"), 1);
}

static void starts_without_a_file(void **state)
{
    CLEANUP(world_deinit) struct world world;

    (void)state;
    world_init(&world, NULL);
    assert_int_equal(page_count(world.board, SUCCESSFUL), 0);
    reload(&world);
    expect_run(&world, "nowhere", 1);
    reload(&world);
    expect_run(&world, "nowhere", 2);
    assert_int_equal(n_made, 1);
}

static void keeps_jobs_and_node_if_nothing_changed(void **state)
{
    CLEANUP(world_deinit) struct world world;

    (void)state;
    world_init(&world, "global: {address: here}\ncollectors: {thing: {size: 2}}\n");
    reload(&world);
    expect_run(&world, "here", 1);
    reload(&world);
    expect_run(&world, "here", 2);
    write_file(&world, "# a comment changes nothing\n"
                       "global:\n  address: here\ncollectors:\n  thing: {size: 2}\n");
    reload(&world);
    expect_run(&world, "here", 3);
    assert_int_equal(n_open, 1);
    assert_int_equal(n_made, 1);
}

static void replaces_a_job_whose_settings_changed(void **state)
{
    CLEANUP(world_deinit) struct world world;

    (void)state;
    world_init(&world, "collectors: {thing: {size: 2}}\n");
    reload(&world);
    expect_run(&world, "nowhere", 1);
    write_file(&world, "collectors: {thing: {size: 3}}\n");
    reload(&world);
    expect_run(&world, "nowhere", 1);
    assert_int_equal(n_open, 2);
    assert_int_equal(n_closed, 1);
    assert_int_equal(n_made, 1); /* settings of a job do not affect the node */
}

static void removes_a_disabled_job(void **state)
{
    CLEANUP(world_deinit) struct world world;

    (void)state;
    world_init(&world, "");
    reload(&world);
    expect_run(&world, "nowhere", 1);
    write_file(&world, "collectors: {thing: {enabled: false}}\n");
    reload(&world);
    assert_int_equal(n_closed, 1);
    assert_int_equal(page_count(world.board, "fake_runs_total"), 0);
}

/* free_node() checks that no job uses the node. */
static void replaces_the_node_if_global_sections_changed(void **state)
{
    CLEANUP(world_deinit) struct world world;

    (void)state;
    world_init(&world, "global: {address: here}\n");
    reload(&world);
    expect_run(&world, "here", 1);
    write_file(&world, "global: {address: there}\n");
    reload(&world);
    expect_run(&world, "there", 1);
    assert_int_equal(n_refreshed, 0);
    reload(&world);
    assert_int_equal(n_refreshed, 1);
    assert_int_equal(n_made, 2);
    assert_int_equal(n_nodes, 1);
}

static void changes_nothing_for_an_invalid_file(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"collectors: {thing: {size: many}}\n", "1 mistake"},
        {"collectors: {thing: {sise: 1}}\nglobal: {addres: x}\n", "2 mistakes"},
        {"global: {address: there}\ncollectors: {nothing: {}}\n", "1 mistake"},
        {"collectors: [\n", "1 mistake"},
        {"global: {address: there}\ncollectors: {thing: {size: 13}}\n",
         "thing: size 13 is rejected"},
    };
    CLEANUP(world_deinit) struct world world;

    (void)state;
    world_init(&world, "global: {address: here}\n");
    reload(&world);
    expect_run(&world, "here", 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        write_file(&world, rows[i].text);
        fail_to_reload(&world, rows[i].why);
        expect_run(&world, "here", (int)i + 2);
        assert_int_equal(n_nodes, 1);
    }
    assert_int_equal(unlink(world.path), 0);
    fail_to_reload(&world, world.path);
    expect_run(&world, "here", 7);
    write_file(&world, "global: {address: here}\n");
    reload(&world);
    expect_run(&world, "here", 8);
    assert_int_equal(n_open, 1);
}

static void keeps_the_time_of_the_last_success(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(freep) char *before = NULL, *after = NULL;
    const char *line;

    (void)state;
    world_init(&world, "");
    reload(&world);
    before = page_text(world.board);
    write_file(&world, "nonsense");
    fail_to_reload(&world, "1 mistake");
    after = page_text(world.board);
    line = strstr(before, "\n" TIMESTAMP);
    assert_non_null(line);
    assert_non_null(strstr(after, "\n" TIMESTAMP));
    assert_memory_equal(strstr(after, "\n" TIMESTAMP) + 1, line + 1, strcspn(line + 1, "\n"));
}

static void fails_at_the_start_and_recovers(void **state)
{
    CLEANUP(world_deinit) struct world world;

    (void)state;
    world_init(&world, "nonsense: 1\n");
    fail_to_reload(&world, "1 mistake");
    assert_int_equal(page_count(world.board, TIMESTAMP), 0);
    assert_int_equal(n_made, 0);
    fail_make_node = true;
    write_file(&world, "global: {address: here}\n");
    fail_to_reload(&world, "cannot connect to here");
    fail_make_node = false;
    reload(&world);
    expect_run(&world, "here", 1);
    fail_make_node = true;
    write_file(&world, "global: {address: there}\n");
    fail_to_reload(&world, "cannot connect to there");
    expect_run(&world, "here", 2);
}

static void *reload_often(void *arg)
{
    for (int i = 0; i < 20; i++) {
        struct error err;

        if (!reloader_reload(arg, NULL, &err))
            abort();
    }
    return NULL;
}

static void is_thread_safe(void **state)
{
    CLEANUP(world_deinit) struct world world;
    pthread_t threads[4];

    (void)state;
    world_init(&world, "collectors: {thing: {size: 2}}\n");
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reload_often, world.reloader), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(n_made, 1);
    assert_int_equal(n_open, 1);
    expect_run(&world, "nowhere", 1);
}

static void shows_the_configuration_in_force(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(buf_deinit) struct buf first = BUF_INIT(4096), second = BUF_INIT(4096);

    (void)state;
    world_init(&world, "global: {address: here}\ncollectors: {thing: {size: 3}}\n");
    reload(&world);
    reloader_config(world.reloader, &first);
    assert_string_equal(first.data, "global:\n  address: here\ncollectors:\n  thing:\n"
                                    "    enabled: true\n    size: 3\nprobes:\n");
    write_file(&world, "global: {address: [1]}\n");
    fail_to_reload(&world, "mistake");
    reloader_config(world.reloader, &second);
    assert_string_equal(first.data, second.data);
    write_file(&world, second.data);
    reload(&world);
    buf_clear(&second);
    reloader_config(world.reloader, &second);
    assert_string_equal(first.data, second.data);
    assert_int_equal(n_made, 1);
}

static void notices_a_changed_file(void **state)
{
    CLEANUP(world_deinit) struct world without, world;

    (void)state;
    world_init(&without, NULL);
    assert_false(reloader_changed(without.reloader));
    world_init(&world, "");
    reload(&world);
    assert_false(reloader_changed(world.reloader));
    write_file(&world, "global: {address: here}\n");
    assert_true(reloader_changed(world.reloader));
    reload(&world);
    assert_false(reloader_changed(world.reloader));
}

static void keeps_the_configuration_if_memory_runs_out(void **state)
{
    CLEANUP(world_deinit) struct world world;
    struct reload_options options = {.schema = &schema};
    struct reloader *other = NULL;
    bool reloaded = false;
    struct error err;

    (void)state;
    world_init(&world, "global: {address: here}\n");
    reload(&world);
    write_file(&world, "global: {address: there}\n");
    for (size_t n = 0; !reloaded; n++) {
        assert_true(n < 10000);
        fail_allocations_after(n);
        reloaded = reloader_reload(world.reloader, NULL, &err);
        fail_nothing();
        if (!reloaded) {
            assert_true(*err.message);
            assert_int_equal(n_nodes, 1);
        }
    }
    expect_run(&world, "there", 1);
    options.board = world.board;
    for (size_t n = 0; !other; n++) {
        fail_allocations_after(n);
        other = reloader_new(&options, &err);
        fail_nothing();
        assert_true(other || err.code == ERROR_MEMORY);
    }
    reloader_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_without_a_file),
        cmocka_unit_test(keeps_jobs_and_node_if_nothing_changed),
        cmocka_unit_test(replaces_a_job_whose_settings_changed),
        cmocka_unit_test(removes_a_disabled_job),
        cmocka_unit_test(replaces_the_node_if_global_sections_changed),
        cmocka_unit_test(changes_nothing_for_an_invalid_file),
        cmocka_unit_test(keeps_the_time_of_the_last_success),
        cmocka_unit_test(fails_at_the_start_and_recovers),
        cmocka_unit_test(is_thread_safe),
        cmocka_unit_test(shows_the_configuration_in_force),
        cmocka_unit_test(notices_a_changed_file),
        cmocka_unit_test(keeps_the_configuration_if_memory_runs_out),
    };

    /* The mistakes of the files are logged as errors. */
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
