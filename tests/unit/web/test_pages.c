/* SPDX-License-Identifier: Apache-2.0 */
/* The pages for people, of a node made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "scheduler/metric_catalog.h"
#include "support/pages_fixture.h"
#include "web/pages/reason_help.h"
#include "web/tables.h"

#define HOSTILE "<script>x</script>\"'&\xe2\x80\xae\xff"

static void has(const struct buf *page, const char *part)
{
    if (!page->data || !strstr(page->data, part))
        fail_msg("'%s' is not in\n%s", part, page->data ? page->data : "");
}

static void lacks(const struct buf *page, const char *part)
{
    if (page->data && strstr(page->data, part))
        fail_msg("'%s' is in\n%s", part, page->data);
}

static void says_that_nothing_is_known_yet(void **state)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    node_join(&node);
    node_page(&node, 1, &page);
    has(&page, "<h1>Nothing is known yet</h1>");
    has(&page, "No probe is configured");
    has(&page, "not asked yet");
    lacks(&page, "http-equiv");
}

static void says_that_nothing_is_watched(void **state)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    node.status.tried = true; /* and no collector has said anything */
    node_join(&node);
    node_page(&node, 1, &page);
    has(&page, "<h1>Nothing is watched</h1>");
    has(&page, "No collector asks containerd. No probe is configured.");
    has(&page, "<code>daemon</code> is switched off");
    lacks(&page, "under way");
}

static void says_that_all_is_well(void **state)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    snapshot_add(node.snapshot, UP, 1);
    snapshot_add(node.snapshot, VERSION, 1, "1.7.27", "r", "u");
    node_probe(&node, "hub");
    node_run(&node, "hub", 500, 2, ERROR_CONNECT, "once", false);
    node_run(&node, "hub", 60, 1.5, ERROR_NONE, "", false);
    node_join(&node);
    node_page(&node, 1, &page);
    has(&page, "<h1>All well</h1>");
    has(&page, "1.7.27");
    has(&page, "registry.example/team/app:1.4");
    has(&page, "last run <time");
    has(&page, "1 min ago</time>, took 1.5 s");
    has(&page, "next <time");
    has(&page, "every 5 min");
    has(&page, "2 runs, <span class=\"bad\">1 failed</span>");
    lacks(&page, "class=\"why\"");
}

static void says_why_a_probe_fails_since_when_and_what_to_do(void **state)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    snapshot_add(node.snapshot, UP, 1);
    node_probe(&node, "bad");
    node_probe(&node, "good");
    node_run(&node, "bad", 3600, 1, ERROR_NONE, "", false);
    node_run(&node, "bad", 600, 1, ERROR_DNS, "before", false);
    node_run(&node, "bad", 60, 1, ERROR_CANCELED, "stopped", false);
    node_run(&node, "bad", 30, 1, ERROR_UNAUTHORIZED, "HTTP 401 from the registry", false);
    node_run(&node, "good", 30, 1, ERROR_NONE, "", false);
    node_join(&node);
    node_page(&node, 1, &page);
    has(&page, "<h1>1 of 2 probes fail</h1>");
    has(&page, "<a class=\"bad\" href=\"#probe-0\">bad: ");
    has(&page, ">10 min ago</time>; the last success was <time");
    has(&page, reason_help_of(ERROR_UNAUTHORIZED).what);
    has(&page, reason_help_of(ERROR_UNAUTHORIZED).todo);
    has(&page, "HTTP 401 from the registry");
    has(&page, "href=\"/history?id=0000000000000004\"");
    assert_true(strstr(page.data, "id=\"probe-0\"") < strstr(page.data, "id=\"probe-1\""));
}

static void slow_is_a_remark(void **state)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    snapshot_add(node.snapshot, UP, 1);
    node_probe(&node, "lame");
    node_run(&node, "lame", 30, 40, ERROR_NONE, "", true);
    node_join(&node);
    node_page(&node, 1, &page);
    has(&page, "<h1>Well, with remarks</h1>");
    has(&page, "1 probe is slow");
    has(&page, "The last run took 40 s, and counts as slow from 30 s on.");
}

static void tells_what_the_daemons_miss(void **state)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    snapshot_add(node.snapshot, UP, 1);
    snapshot_add(node.snapshot, HEALTHY, 0);
    snapshot_add(node.snapshot, DOCKER_UP, 0);
    snapshot_add(node.snapshot, CONDITION, 0, "NetworkReady");
    snapshot_add(node.snapshot, RELOADED, 0);
    snapshot_add(node.snapshot, PLUGIN, 1, "io.containerd.snapshotter.v1", "zfs", "error");
    snapshot_add(node.snapshot, PLUGIN, 0, "io.containerd.snapshotter.v1", "zfs", "ok");
    snapshot_add(node.snapshot, PLUGIN, 1, "io.containerd.snapshotter.v1", "overlayfs", "ok");
    snapshot_add(node.snapshot, HELD, 90, "docker.io");
    snapshot_add(node.snapshot, COLLECTOR, 0, "tasks");
    snapshot_add(node.snapshot, COLLECTOR, 1, "images");
    node_join(&node);
    node_page(&node, 1, &page);
    has(&page, "<h1>Something is wrong</h1>");
    has(&page, "up, not healthy");
    has(&page, "Docker does not answer");
    has(&page, "<dt>NetworkReady</dt><dd class=\"bad\">no</dd>");
    has(&page, "the configuration file has mistakes");
    has(&page, "<th scope=\"row\">zfs</th>");
    lacks(&page, "<th scope=\"row\">overlayfs</th>");
    has(&page, "left alone for 1 min 30 s");
    has(&page, "Collectors that fail</h2><p class=\"card\">tasks.");
}

static void a_daemon_that_is_down_is_the_headline(void **state)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    snapshot_add(node.snapshot, UP, 0);
    snapshot_add(node.snapshot, COLLECTOR, 0, "tasks");
    node_probe(&node, "p");
    node_run(&node, "p", 30, 1, ERROR_RUNTIME_UNAVAILABLE, "no socket", false);
    node_join(&node);
    node_page(&node, 1, &page);
    has(&page, "<h1>containerd does not answer</h1>");
    has(&page, "systemctl status containerd");
    lacks(&page, "1 collector fails");
}

static void names_images_and_the_command_that_mends_them(void **state)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    snapshot_add(node.snapshot, UP, 1);
    snapshot_add(node.snapshot, IMAGE_STATUS, 1, "k8s.io", "a.example/x:1", "incomplete");
    snapshot_add(node.snapshot, IMAGE_STATUS, 0, "k8s.io", "a.example/x:1", "complete");
    snapshot_add(node.snapshot, IMAGE_SINCE, node.now - 120, "k8s.io", "a.example/x:1");
    snapshot_add(node.snapshot, IMAGE_BLOBS, 9, "k8s.io", "a.example/x:1", "required");
    snapshot_add(node.snapshot, IMAGE_BLOBS, 7, "k8s.io", "a.example/x:1", "present");
    snapshot_add(node.snapshot, IMAGE_STATUS, 1, "k8s.io", "whole", "complete");
    snapshot_add(node.snapshot, IMAGE_STATUS, 1, "k8s.io", "thrown/away:1", "incomplete");
    snapshot_add(node.snapshot, IMAGE_STATUS, 1, "k'; rm -rf /", "$(x) 'y'", "error");
    snapshot_add(node.snapshot, IMAGE_SINCE, node.now - 1, "k'; rm -rf /", "$(x) 'y'");
    snapshot_add(node.snapshot, BAD_BLOBS, 2, "wrong_hash");
    snapshot_add(node.snapshot, BAD_IMAGE, 1, "k8s.io", "b.example/y:2", "sha256:77", "wrong_hash");
    node_join(&node);
    node_page(&node, 1, &page);
    has(&page, "2 images are not complete");
    has(&page, "<code>ctr -n k8s.io images pull a.example/x:1</code>");
    has(&page, "7 of 9");
    has(&page, "<code>ctr -n &#39;k&#39;\\&#39;&#39;; rm -rf /&#39; images pull &#39;$(x) "
               "&#39;\\&#39;&#39;y&#39;\\&#39;&#39;&#39;</code>");
    lacks(&page, ">whole<");
    has(&page, "thrown/away:1");
    lacks(&page, "images pull thrown/away:1");
    has(&page, "2 blobs are damaged");
    has(&page, "b.example/y:2");
}

/* Where layers are thrown away once they are unpacked, no image is complete. */
static void many_images_that_nobody_misses_hide_none_that_somebody_does(void **state)
{
    CLEANUP(node_deinit) struct node node;
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    char name[32];

    (void)state;
    node_init(&node);
    snapshot_add(node.snapshot, UP, 1);
    for (int i = 0; i < 150; i++) {
        snprintf(name, sizeof(name), "thrown/away:%d", i);
        snapshot_add(node.snapshot, IMAGE_STATUS, 1, "k8s.io", name, "incomplete");
    }
    snapshot_add(node.snapshot, IMAGE_STATUS, 1, "k8s.io", "missed:1", "unavailable");
    snapshot_add(node.snapshot, IMAGE_SINCE, node.now - 60, "k8s.io", "missed:1");
    node_join(&node);
    node_page(&node, 1, &page);
    has(&page, "1 image is not complete");
    has(&page, "<code>ctr -n k8s.io images pull missed:1</code>");
    has(&page, "<span class=\"tag bad\">unavailable</span>");
    has(&page, "The first 100 of 151.");
}

static void adds_the_disk_of_a_namespace_up(void **state)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    snapshot_add(node.snapshot, CONTENT, 1024, "small");
    snapshot_add(node.snapshot, CONTENT, 1048576, "large");
    snapshot_add(node.snapshot, SNAPSHOTS, 1048576, "large", "overlayfs");
    snapshot_add(node.snapshot, SNAPSHOTS, 1048576, "large", "native");
    node_join(&node);
    node_page(&node, 1, &page);
    has(&page, "<th scope=\"row\">large</th><td class=\"num\">1.0 MiB</td><td class=\"num\">2.0 "
               "MiB</td>");
    has(&page, "width:66.67%");
    assert_true(strstr(page.data, ">large<") < strstr(page.data, ">small<"));
}

/* Nothing from outside becomes markup, wherever it stands. */
static void hostile_names_stay_text(void **state)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    node.options.node = HOSTILE;
    snapshot_add(node.snapshot, UP, 1);
    snapshot_add(node.snapshot, VERSION, 1, HOSTILE, HOSTILE, HOSTILE);
    snapshot_add(node.snapshot, IMAGE_STATUS, 1, HOSTILE, HOSTILE, HOSTILE);
    snapshot_add(node.snapshot, IMAGE_SINCE, node.now, HOSTILE, HOSTILE);
    snapshot_add(node.snapshot, BAD_BLOBS, 1, HOSTILE);
    snapshot_add(node.snapshot, BAD_IMAGE, 1, HOSTILE, HOSTILE, HOSTILE, HOSTILE);
    snapshot_add(node.snapshot, PLUGIN, 1, HOSTILE, HOSTILE, "error");
    snapshot_add(node.snapshot, CONTENT, 1, HOSTILE);
    snapshot_add(node.snapshot, HELD, 1, HOSTILE);
    snapshot_add(node.snapshot, COLLECTOR, 0, HOSTILE);
    snapshot_add(node.snapshot, CONDITION, 0, HOSTILE);
    node_probe(&node, HOSTILE);
    node_run(&node, HOSTILE, 1, 1, ERROR_DNS, HOSTILE, false);
    node_join(&node);
    node_page(&node, 1, &page);
    lacks(&page, "<script");
    lacks(&page, "\xe2\x80\xae");
    assert_true(text_is_utf8(page.data, page.size));
    has(&page, "&lt;script&gt;");
    has(&page, "1 of 1 probe fails");
}

static void a_thousand_probes_are_paged_those_that_fail_first(void **state)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(node_deinit) struct node node;
    char name[16];

    (void)state;
    node_init(&node);
    snapshot_add(node.snapshot, UP, 1);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "p%03d", i);
        node_probe(&node, name);
        node_run(&node, name, 60, 1, i % 100 == 99 ? ERROR_TLS : ERROR_NONE, "expired", false);
    }
    node_join(&node);
    node_page(&node, 1, &page);
    has(&page, "<h1>10 of 1000 probes fail</h1>");
    has(&page, "and 5 more");
    has(&page, ">p999</a>");
    lacks(&page, ">p500</a>");
    has(&page, "href=\"/?page=2#probes\"");
    assert_in_range(page.size, 1, 200 << 10);
}

static void the_last_page_is_the_end(void **state)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(node_deinit) struct node node;
    char name[16];

    (void)state;
    node_init(&node);
    for (int i = 0; i < 41; i++) {
        snprintf(name, sizeof(name), "p%02d", i);
        node_probe(&node, name);
    }
    node_join(&node);
    node_page(&node, 99, &page);
    has(&page, ">p40</a>");
    lacks(&page, ">p39</a>");
    has(&page, "Those before");
    lacks(&page, "Those after");
}

static void links_begin_with_what_people_see(void **state)
{
    static const struct {
        const char *external, *prefix, *want;
    } rows[] = {
        {"", "", "href=\"/history\""},
        {"", "/p", "href=\"/p/history\""},
        {"https://host/ce/", "/p", "href=\"/ce/history\""},
        {"https://host", "/p", "href=\"/p/history\""},
        {"https://host/a\"b", "", "href=\"/a&quot;b/history\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
        CLEANUP(node_deinit) struct node node;
        node_init(&node);
        node.options.external_url = rows[i].external;
        node.options.route_prefix = rows[i].prefix;
        node_join(&node);
        node_page(&node, 1, &page);
        has(&page, rows[i].want);
    }
}

static void every_reason_has_words_and_advice(void **state)
{
    (void)state;
    for (int reason = 0; reason < ERROR_CODES; reason++) {
        struct reason_help reason_help = reason_help_of((enum error_code)reason);
        assert_non_null(reason_help.what);
        assert_non_null(reason_help.todo);
        assert_int_equal(reason_help.what[strlen(reason_help.what) - 1], '.');
        assert_int_equal(reason_help.todo[strlen(reason_help.todo) - 1], '.');
        assert_null(strpbrk(reason_help.what, "<>&"));
        assert_null(strpbrk(reason_help.todo, "<>&"));
    }
}

static void exchange_deinit(struct exchange *exchange)
{
    buf_deinit(&exchange->body);
}

static void history_shows_runs_of_one_probe(void **state)
{
    CLEANUP(exchange_deinit) struct exchange exchange = {.query = {{"probe", "a b"}}};
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    node_run(&node, "a b", 60, 2, ERROR_NONE, "", false);
    node_run(&node, "a b", 30, 1, ERROR_TIMEOUT, "too late " HOSTILE, false);
    node_run(&node, "other", 10, 1, ERROR_NONE, "", false);
    page_history(&node.options, &exchange);
    assert_int_equal(exchange.status, 200);
    has(&exchange.body, "<h1>Runs of a b</h1>");
    has(&exchange.body, "id=\"run-0000000000000001\"");
    has(&exchange.body, "too late &lt;script&gt;");
    has(&exchange.body, "fetch 1.2 s");
    has(&exchange.body, "<dt>Fetched</dt><dd>24.0 MiB, 20.0 MiB/s</dd>");
    has(&exchange.body, "+0.120s layer 9c1f3e7a0b52");
    has(&exchange.body, "probe=a%20b&amp;limit=30&amp;format=json");
    lacks(&exchange.body, "run-0000000000000003");
    assert_non_null(strstr(exchange.headers, "Content-Security-Policy: default-src 'none';"));
    assert_non_null(strstr(exchange.headers, "Referrer-Policy: no-referrer\n"));
    assert_non_null(strstr(exchange.headers, "X-Content-Type-Options: nosniff\n"));
}

static void history_finds_a_run_by_its_id(void **state)
{
    CLEANUP(exchange_deinit)
    struct exchange exchange = {.query = {{"id", "0000000000000001"}, {"format", "json"}}};
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    node_run(&node, "p", 60, 2, ERROR_NONE, "", true);
    node_run(&node, "p", 30, 1, ERROR_DNS, "no\n\"such\" host \xff", false);
    page_history(&node.options, &exchange);
    assert_int_equal(exchange.status, 200);
    assert_string_equal(exchange.content_type, "application/json; charset=utf-8");
    has(&exchange.body, "{\"node\":\"node-1\",\"now\":");
    has(&exchange.body, "\"seconds\":2,\"timeout_seconds\":60,\"success\":true,\"slow\":true,"
                        "\"reason\":null,\"message\":\"\"");
    has(&exchange.body, "\"phases\":{\"resolve\":0.2,\"fetch\":1.2,\"unpack\":0.6}");
    has(&exchange.body, "\"bytes\":{\"fetched\":25165824,\"uploaded\":0,");
    has(&exchange.body, "\"log\":[\"+0.001s GET ");
    lacks(&exchange.body, "such");
}

static void history_keeps_to_failures_and_to_the_limit(void **state)
{
    CLEANUP(exchange_deinit)
    struct exchange exchange = {
        .query = {{"only", "failures"}, {"format", "json"}, {"limit", "2"}, {"probe", ""}}};
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    for (int i = 0; i < 9; i++)
        node_run(&node, "p", 100 - i, 1, i % 2 ? ERROR_DNS : ERROR_NONE, "no\n\"such\" \xff",
                 false);
    node_run(&node, "p", 1, 1, ERROR_CANCELED, "stopped", false);
    page_history(&node.options, &exchange);
    assert_int_equal(exchange.status, 200);
    has(&exchange.body, "\"id\":\"0000000000000008\"");
    has(&exchange.body, "\"id\":\"0000000000000006\"");
    lacks(&exchange.body, "\"id\":\"0000000000000004\"");
    lacks(&exchange.body, "\"success\":true");
    has(&exchange.body, "\"reason\":\"dns\",\"message\":\"no \\\"such\\\" \xef\xbf\xbd\"");
}

static void history_refuses_what_it_does_not_understand(void **state)
{
    static const struct {
        const char *query[3][2];
        unsigned status;
    } rows[] = {
        {{{"probe", "nobody"}}, 404},
        {{{"id", "0123456789abcdef"}}, 404},
        {{{"id", "<script>"}}, 404},
        {{{"limit", "0"}}, 400},
        {{{"limit", "1001"}}, 400},
        {{{"limit", "-1"}}, 400},
        {{{"limit", ""}}, 400},
        {{{"limit", "1"}, {"limit", "2"}}, 400},
        {{{"format", "xml"}}, 400},
        {{{"only", "success"}}, 400},
        {{{"probe", "a"}, {"probe", "b"}}, 400},
        {{{"probe", ""}}, 200},
    };
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(exchange_deinit) struct exchange exchange = {0};
        memcpy(exchange.query, rows[i].query, sizeof(rows[i].query));
        page_history(&node.options, &exchange);
        assert_int_equal(exchange.status, rows[i].status);
        lacks(&exchange.body, "<script>");
    }
}

static void tells_errors_in_json_to_scripts(void **state)
{
    CLEANUP(exchange_deinit)
    struct exchange exchange = {.query = {{"probe", "nobody"}, {"format", "json"}}};
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    page_history(&node.options, &exchange);
    assert_int_equal(exchange.status, 404);
    assert_string_equal(exchange.body.data, "{\"error\":\"There is no such probe.\"}\n");
}

static void explains_every_metric_once(void **state)
{
    CLEANUP(exchange_deinit) struct exchange exchange = {0};
    CLEANUP(metric_catalog_deinit) struct metric_catalog list = {0};
    CLEANUP(node_deinit) struct node node;
    struct error err;

    (void)state;
    node_init(&node);
    page_metrics_help(&node.options, &exchange);
    assert_int_equal(exchange.status, 200);
    assert_true(metric_catalog_init(&list, web_tables, &err));
    assert_in_range(list.count, 80, 400);
    for (size_t i = 0; i < list.count; i++) {
        CLEANUP(buf_deinit) struct buf query = BUF_INIT(NODE_LIMIT_BYTES);
        char article[256];
        snprintf(article, sizeof(article), "<article class=\"card metric\" id=\"%s\">",
                 list.families[i]->name);
        has(&exchange.body, article);
        family_query(list.families[i], &query);
        has(&query, list.families[i]->name);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(list.families[i]->name, list.families[j]->name);
    }
    has(&exchange.body, "promhttp_metric_handler_requests_total");
    has(&exchange.body, "containerd_exporter_collector_success");
}

static void explains_metrics_to_scripts(void **state)
{
    CLEANUP(exchange_deinit) struct exchange json = {.query = {{"format", "json"}}};
    CLEANUP(exchange_deinit) struct exchange bad = {.query = {{"format", "xml"}}};
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    page_metrics_help(&node.options, &json);
    has(&json.body, "{\"name\":\"containerd_up\",\"type\":\"gauge\",\"unit\":\"\",\"group\":"
                    "\"containerd\",\"labels\":[],\"help\":\"Whether containerd answers");
    page_metrics_help(&node.options, &bad);
    assert_int_equal(bad.status, 400);
}

static void refreshes_only_if_asked(void **state)
{
    CLEANUP(exchange_deinit) struct exchange asked = {.query = {{"refresh", "30"}}};
    CLEANUP(exchange_deinit) struct exchange bad = {.query = {{"refresh", "0"}}};
    CLEANUP(exchange_deinit) struct exchange worse = {.query = {{"page", "x"}}};
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    page_status(&node.options, &asked);
    assert_int_equal(asked.status, 200);
    has(&asked.body, "<meta http-equiv=\"refresh\" content=\"30\">");
    page_status(&node.options, &bad);
    assert_int_equal(bad.status, 400);
    page_status(&node.options, &worse);
    assert_int_equal(worse.status, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_that_nothing_is_known_yet),
        cmocka_unit_test(says_that_nothing_is_watched),
        cmocka_unit_test(says_that_all_is_well),
        cmocka_unit_test(says_why_a_probe_fails_since_when_and_what_to_do),
        cmocka_unit_test(slow_is_a_remark),
        cmocka_unit_test(tells_what_the_daemons_miss),
        cmocka_unit_test(a_daemon_that_is_down_is_the_headline),
        cmocka_unit_test(names_images_and_the_command_that_mends_them),
        cmocka_unit_test(many_images_that_nobody_misses_hide_none_that_somebody_does),
        cmocka_unit_test(adds_the_disk_of_a_namespace_up),
        cmocka_unit_test(hostile_names_stay_text),
        cmocka_unit_test(a_thousand_probes_are_paged_those_that_fail_first),
        cmocka_unit_test(the_last_page_is_the_end),
        cmocka_unit_test(links_begin_with_what_people_see),
        cmocka_unit_test(every_reason_has_words_and_advice),
        cmocka_unit_test(history_shows_runs_of_one_probe),
        cmocka_unit_test(history_finds_a_run_by_its_id),
        cmocka_unit_test(history_keeps_to_failures_and_to_the_limit),
        cmocka_unit_test(history_refuses_what_it_does_not_understand),
        cmocka_unit_test(tells_errors_in_json_to_scripts),
        cmocka_unit_test(explains_every_metric_once),
        cmocka_unit_test(explains_metrics_to_scripts),
        cmocka_unit_test(refreshes_only_if_asked),
    };

    return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
