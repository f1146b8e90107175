/* SPDX-License-Identifier: Apache-2.0 */
/* Routes, health, reload and shutdown, without a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/exchange_fake.h"
#include "web/web.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 60000

/* The reload waits in make_node() while `blocked` is set, and fails if `fails` is. */
static struct {
    atomic_bool blocked, fails, entered;
} node;

struct globals {
    const char *address;
};

static const struct setting global_settings[] = {
    SETTING(SETTING_STRING, struct globals, address, "address", "", "An address."),
    {0},
};
static const struct config_section sections[] = {{"global", global_settings}, {0}};
static const struct collector *const no_collectors[] = {NULL};
static const struct config_schema schema = {no_collectors, sections, sizeof(struct globals)};

struct world {
    struct board *board;
    struct exposition *exposition;
    struct scheduler *scheduler;
    struct reloader *reloader;
    struct history *history;
    struct web *web;
};

static void sleep_ms(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

#define wait_for(condition)                                                     \
    do {                                                                        \
        for (int waited_ = 0; !(condition) && waited_ < PATIENCE_MS; waited_++) \
            sleep_ms();                                                         \
        assert_true(condition);                                                 \
    } while (0)

static struct node *make_node(const void *globals, struct error *err)
{
    (void)globals;
    node.entered = true;
    wait_for(!node.blocked);
    if (!node.fails)
        return (struct node *)&node;
    error_set(err, ERROR_RUNTIME, "no node");
    return NULL;
}

static void free_node(struct node *ignored)
{
    (void)ignored;
}

/* `config` is the file, or NULL for none. */
static void start_with(struct world *world, const char *telemetry_path, const char *prefix,
                       const char *config)
{
    const struct exposition_options exposition = {.board = world->board};
    const struct scheduler_options scheduler = {.inventory_workers = 1, .node = "n"};
    struct reload_options reload = {
        .schema = &schema, .board = world->board, .make_node = make_node, .free_node = free_node};
    struct error err;

    reload.path = config;
    world->exposition = exposition_new(&exposition, &err);
    world->scheduler = scheduler_new(world->board, &scheduler, &err);
    reload.scheduler = world->scheduler;
    world->reloader = reloader_new(&reload, &err);
    world->history = history_new(1, 4096, &err);
    world->web = web_start(&(struct web_options){.exposition = world->exposition,
                                                 .page = {.telemetry_path = telemetry_path,
                                                          .external_url = "",
                                                          .route_prefix = prefix,
                                                          .version = "1",
                                                          .board = world->board,
                                                          .scheduler = world->scheduler,
                                                          .reloader = world->reloader,
                                                          .history = world->history}},
                           &err);
    assert_non_null(world->web);
}

static void start(struct world *world, const char *telemetry_path, const char *prefix)
{
    start_with(world, telemetry_path, prefix, NULL);
}

static int set_up(void **state)
{
    static struct world world;

    memset(&world, 0, sizeof(world));
    memset(&fake_server, 0, sizeof(fake_server));
    node.blocked = node.fails = node.entered = false;
    world.board = board_new();
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    web_stop(world->web);
    scheduler_free(world->scheduler);
    reloader_free(world->reloader);
    exposition_free(world->exposition);
    history_free(world->history);
    board_free(world->board);
    return fake_server.stopped == 1 ? 0 : -1;
}

static void handle(struct exchange *exchange)
{
    fake_server.options.handle(fake_server.options.arg, exchange);
}

/* Sends METHOD to PATH, and checks status and a part of the body. */
static void expect(const char *method, const char *path, unsigned status, const char *part)
{
    CLEANUP(exchange_deinit) struct exchange exchange = {.method = method, .path = path};

    handle(&exchange);
    if (exchange.status != status ||
        (part && (!exchange.body.data || !strstr(exchange.body.data, part))))
        fail_msg("%s %s: %u %s, expected %u %s", method, path, exchange.status,
                 exchange.body.data ? exchange.body.data : "", status, part ? part : "");
}

static void routes_by_path_and_method(void **state)
{
    static const struct {
        const char *method, *path;
        unsigned status;
        const char *part;
    } rows[] = {
        {"GET", "/", 200, "<title>Status"},
        {"HEAD", "/", 200, NULL},
        {"GET", "/history", 200, "<title>History"},
        {"GET", "/config?format=text", 404, NULL}, /* the server removes the query */
        {"GET", "/config", 200, "# command line:"},
        {"GET", "/metrics-help", 200, "promhttp_metric_handler_requests_total"},
        {"GET", "/metrics-help", 200, "probe_image_canary_bytes"},
        {"GET", "/probe", 400, "missing parameter target"},
        {"GET", "/-/healthy", 200, "Healthy\n"},
        {"GET", "/-/ready", 200, "Ready\n"},
        {"GET", "/none", 404, "404 page not found\n"},
        {"GET", "", 404, NULL},
        {"GET", "//", 404, NULL},
        {"GET", "/-/healthyx", 404, NULL},
        {"POST", "/", 405, "405 method not allowed\n"},
        {"POST", "/metrics", 405, "405 method not allowed\n"},
        {"GE", "/", 405, NULL},
        {"ET", "/", 405, NULL},
        {"get", "/", 405, NULL},
        {"GET", "/-/reload", 405, "This endpoint requires a POST request.\n"},
        {"PUT", "/-/ready", 405, NULL},
    };

    start(*state, "/metrics", "");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(rows[i].method, rows[i].path, rows[i].status, rows[i].part);
}

static void names_the_allowed_methods(void **state)
{
    CLEANUP(exchange_deinit) struct exchange read = {.method = "POST", .path = "/"};
    CLEANUP(exchange_deinit) struct exchange write = {.method = "GET", .path = "/-/reload"};

    start(*state, "/metrics", "");
    handle(&read);
    assert_non_null(strstr(read.headers, "Allow: GET, HEAD\n"));
    handle(&write);
    assert_non_null(strstr(write.headers, "Allow: POST, PUT\n"));
}

static void strips_the_route_prefix(void **state)
{
    CLEANUP(exchange_deinit) struct exchange root = {.path = "/"};
    CLEANUP(exchange_deinit) struct exchange prefix = {.path = "/ce"};

    start(*state, "/metrics", "/ce");
    expect("GET", "/ce/-/healthy", 200, "Healthy\n");
    expect("GET", "/ce/", 200, "<title>Status");
    expect("GET", "/-/healthy", 404, NULL);
    expect("GET", "/metrics", 404, NULL);
    handle(&root);
    assert_int_equal(root.status, 302);
    assert_non_null(strstr(root.headers, "Location: /ce/\n"));
    handle(&prefix);
    assert_int_equal(prefix.status, 302);
}

static void serves_metrics_at_the_telemetry_path(void **state)
{
    CLEANUP(exchange_deinit) struct exchange head = {.method = "HEAD", .path = "/m"};

    start(*state, "/m", "");
    handle(&head);
    assert_int_equal(head.status, 200);
    assert_non_null(strstr(head.headers, "Process-Start-Time-Unix: "));
    expect("GET", "/metrics", 404, NULL);
}

static void opens_the_health_paths_only(void **state)
{
    const char *const *open;

    start(*state, "/metrics", "/ce");
    open = fake_server.options.open_paths;
    assert_string_equal(open[0], "/ce/-/healthy");
    assert_string_equal(open[1], "/ce/-/ready");
    assert_null(open[2]);
}

static void keeps_metrics_at_a_health_path_closed(void **state)
{
    const char *const *open;

    start(*state, "/-/healthy", "");
    open = fake_server.options.open_paths;
    assert_string_equal(open[0], "/-/ready");
    assert_null(open[1]);
}

static void reloads_once_at_a_time(void **state)
{
    CLEANUP(exchange_deinit) struct exchange first = {.method = "POST", .path = "/-/reload"};
    CLEANUP(exchange_deinit) struct exchange third = {.method = "PUT", .path = "/-/reload"};
    struct world *world = *state;

    start(world, "/metrics", "");
    node.blocked = true;
    handle(&first);
    wait_for(node.entered);
    assert_int_equal(first.status, 0);
    expect("POST", "/-/reload", 503, "a reload is already running\n");
    node.blocked = false;
    wait_for(first.status != 0);
    assert_int_equal(first.status, 200);
    assert_string_equal(first.body.data, "reloaded\n");
    /* The reply comes just before the thread marks itself as done. */
    for (int i = 0; i < PATIENCE_MS && (third.status == 0 || third.status == 503); i++) {
        exchange_deinit(&third);
        third = (struct exchange){.method = "PUT", .path = "/-/reload"};
        handle(&third);
        wait_for(third.status != 0);
    }
    assert_int_equal(third.status, 200);
}

static void reports_a_failed_reload(void **state)
{
    CLEANUP(exchange_deinit) struct exchange exchange = {.method = "POST", .path = "/-/reload"};

    start(*state, "/metrics", "");
    node.fails = true;
    handle(&exchange);
    wait_for(exchange.status != 0);
    assert_int_equal(exchange.status, 500);
    assert_non_null(strstr(exchange.body.data, "failed to reload config: "));
    assert_non_null(strstr(exchange.body.data, "no node"));
}

static void write_config(char path[64], const char *text)
{
    FILE *file;

    snprintf(path, 64, "/tmp/test_web.%d.yml", (int)getpid());
    file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void answers_with_the_mistakes_of_the_file(void **state)
{
    CLEANUP(exchange_deinit) struct exchange exchange = {.method = "POST", .path = "/-/reload"};
    char path[64], want[512];

    write_config(path, "a: 1\nglobal: {\"https://u:hunter2@h/\": 1}\n");
    start_with(*state, "/metrics", "", path);
    handle(&exchange);
    wait_for(exchange.status != 0);
    unlink(path);
    assert_int_equal(exchange.status, 500);
    snprintf(want, sizeof(want),
             "failed to reload config: 2 mistakes in %s\n"
             "%s:1:1: unknown key \"a\" (known: global, collectors, registries, defaults, probes, "
             "kubernetes)\n"
             "%s:2:10: unknown key \"https://...@h/\" (known: address)\n",
             path, path, path);
    assert_string_equal(exchange.body.data, want);
}

static void shows_the_configuration_without_secrets(void **state)
{
    CLEANUP(exchange_deinit) struct exchange text = {.path = "/config"};
    CLEANUP(exchange_deinit)
    struct exchange html = {.path = "/config", .query = {{"format", "html"}}};
    CLEANUP(exchange_deinit)
    struct exchange invalid = {.path = "/config", .query = {{"format", "xml"}}};
    struct world *world = *state;
    char path[64];
    struct error err;

    write_config(
        path, "global: {address: \"https://u:hunter2@h/x?a=b@c http://plain/@ ftp://v@w <&>\"}\n");
    start_with(world, "/metrics", "", path);
    assert_true(reloader_reload(world->reloader, NULL, &err));
    unlink(path);
    handle(&text);
    assert_string_equal(text.content_type, "text/plain; charset=utf-8");
    assert_non_null(strstr(text.body.data, "# command line:\n#   "));
    assert_non_null(strstr(text.body.data, "https://<secret>@h/x?a=b@c http://plain/@ "
                                           "ftp://<secret>@w <&>"));
    assert_null(strstr(text.body.data, "hunter2"));
    handle(&html);
    assert_string_equal(html.content_type, "text/html; charset=utf-8");
    assert_non_null(strstr(html.body.data, "<h1>The configuration in force</h1>"));
    assert_non_null(strstr(html.body.data, "https://&lt;secret&gt;@h/x?a=b@c"));
    assert_non_null(strstr(html.body.data, "<a href=\"/config\">As plain text</a>"));
    assert_non_null(strstr(html.body.data, "\nglobal:\n"));
    assert_non_null(strstr(html.body.data, "</pre>\n</main>"));
    handle(&invalid);
    assert_int_equal(invalid.status, 400);
}

static void drains_before_it_stops(void **state)
{
    struct world *world = *state;

    start(world, "/metrics", "");
    web_drain(world->web);
    assert_int_equal(fake_server.drained, 1);
    expect("GET", "/-/ready", 503, "Stopping\n");
    expect("GET", "/-/healthy", 200, "Healthy\n");
    expect("POST", "/-/reload", 503, "Stopping\n");
    assert_false(node.entered);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(routes_by_path_and_method),
        TEST(names_the_allowed_methods),
        TEST(strips_the_route_prefix),
        TEST(serves_metrics_at_the_telemetry_path),
        TEST(opens_the_health_paths_only),
        TEST(keeps_metrics_at_a_health_path_closed),
        TEST(reloads_once_at_a_time),
        TEST(reports_a_failed_reload),
        TEST(answers_with_the_mistakes_of_the_file),
        TEST(shows_the_configuration_without_secrets),
        TEST(drains_before_it_stops),
    };

    return cmocka_run_group_tests_name("web", tests, NULL, NULL);
}
