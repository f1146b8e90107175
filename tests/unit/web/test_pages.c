/* SPDX-License-Identifier: Apache-2.0 */
/* The HTML and JSON pages of a node with given samples and runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "os/file.h"
#include "scheduler/metric_catalog.h"
#include "support/exchange_fake.h"
#include "support/pages_fixture.h"
#include "web/pages/page.h"
#include "web/pages/reason_help.h"
#include "web/pages/run_card.h"
#include "web/web.h"

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

/* ---- Whole pages ---------------------------------------------------------------------------- */

/* The body of the page, one element a line, without the revision of the build. */
static void append_body(struct buf *out, const char *page)
{
    const char *at = strstr(page, "<body>"), *end = strstr(page, "</body>");
    const char *revision = strstr(page, "containerd_exporter 1.2.3 (");

    for (at = at ? at : page; *at && at != end; at++) {
        if (revision && at == revision + strlen("containerd_exporter 1.2.3"))
            at = strchr(at, ')') + 1;
        buf_append_char(out, *at);
        if (at[0] == '>' && at[1] == '<')
            buf_append_char(out, '\n');
    }
}

/* Compares with tests/unit/web/golden/NAME. UPDATE_GOLDEN=1 writes the file instead. */
static void equals_golden(const struct buf *page, const char *name)
{
    CLEANUP(buf_deinit) struct buf got = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf want = BUF_INIT(NODE_LIMIT_BYTES);
    struct error err;
    char path[128];
    size_t i = 0;

    append_body(&got, page->data);
    snprintf(path, sizeof(path), "tests/unit/web/golden/%s", name);
    if (getenv("UPDATE_GOLDEN")) {
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_int_equal(fwrite(got.data, 1, got.size, file), got.size);
        assert_int_equal(fclose(file), 0);
        return;
    }
    assert_true(file_read(path, &want, &err));
    while (i < got.size && i < want.size && got.data[i] == want.data[i])
        i++;
    if (i < got.size || i < want.size)
        fail_msg("%s differs at byte %zu: expected '%.*s', found '%.*s'", path, i,
                 (int)(want.size - i < 80 ? want.size - i : 80), want.data + i,
                 (int)(got.size - i < 80 ? got.size - i : 80), got.data + i);
}

static void address_of(const char *daemon, char *out, size_t out_size)
{
    snprintf(out, out_size, strcmp(daemon, "others") == 0 ? "" : "/run/<%s>.sock", daemon);
}

static void two_sockets(const char *daemon, char *out, size_t out_size)
{
    snprintf(out, out_size, "/run/<%s>.sock", daemon);
}

static void names_further_sockets_of_containerd(void **state)
{
    (void)state;
    for (int up = 0; up < 2; up++) {
        CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
        CLEANUP(node_deinit) struct node node;

        node_init(&node);
        node.context.daemon_address = two_sockets;
        snapshot_add(node.snapshot, UP, up);
        node_join(&node);
        node_page(&node, 1, &page);
        has(&page,
            "<dt>Also listening</dt><dd><span class=\"ref\">/run/&lt;others&gt;.sock</span>");
        has(&page, "several sockets of containerd: containerd.address decides");
    }
}

static void renders_a_node_with_all_sections(void **state)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(node_deinit) struct node node;
    struct snapshot *s;

    (void)state;
    node_init(&node);
    s = node.snapshot;
    node.context.daemon_address = address_of;
    snapshot_add(s, UP, 1);
    snapshot_add(s, HEALTHY, 1);
    snapshot_add(s, VERSION, 1, "2.1.0", "r", "u");
    snapshot_add(s, CRI, 1, "v1");
    snapshot_add(s, NAMESPACES, 2);
    snapshot_add(s, IMAGES, 3, "k8s.io", "complete", "true");
    snapshot_add(s, IMAGES, 4, "moby", "complete", "true");
    snapshot_add(s, CONTAINERS, 5, "k8s.io");
    snapshot_add(s, LEASES, 6, "k8s.io");
    snapshot_add(s, EXPIRED_LEASES, 1, "k8s.io");
    snapshot_add(s, INGESTS, 7, "k8s.io");
    snapshot_add(s, CONDITION, 1, "RuntimeReady");
    snapshot_add(s, SANDBOX, 1, "registry.k8s.io/pause:3.10");
    snapshot_add(s, SANDBOX_PRESENT, 1);
    snapshot_add(s, DEPRECATIONS, 1, "io.containerd.deprecation/x");
    snapshot_add(s, DOCKER_UP, 1);
    snapshot_add(s, DOCKER_INFO, 1, "28.0.1");
    snapshot_add(s, DOCKER_IMAGES, 9);
    snapshot_add(s, START_TIME, NODE_NOW - 7200);
    snapshot_add(s, RELOADED, 1);
    snapshot_add(s, RELOAD_TIME, NODE_NOW - 3600);
    snapshot_add(s, HELD, 0, "docker.io");
    snapshot_add(s, HELD, 0, "ghcr.io");
    snapshot_add(s, HELD, 0, "registry.example");
    snapshot_add(s, RATE_LIMIT, 100, "docker.io");
    snapshot_add(s, RATE_REMAINING, 76, "docker.io");
    snapshot_add(s, RATE_REMAINING, 5, "ghcr.io");
    snapshot_add(s, CERTIFICATE, NODE_NOW + 86400 * 30, "registry.example");
    snapshot_add(s, CONTENT, 1048576, "k8s.io");
    snapshot_add(s, CONTENT, 2048, "moby");
    snapshot_add(s, SNAPSHOTS, 524288, "k8s.io", "overlayfs");
    snapshot_add(s, CONTENT_UNIQUE, 1049600);
    node_probe(&node, "good");
    node_probe(&node, "lame");
    node_probe(&node, "new");
    node.status.probes[2].schedule = "@daily";
    node.status.probes[2].next_unix = NODE_NOW - 1;
    node.status.probes[0].running = true;
    node_run(&node, "good", 300, 2, ERROR_NONE, "", false);
    node_run(&node, "good", 200, 4, ERROR_TIMEOUT, "late", false);
    node_run(&node, "good", 100, 3, ERROR_NONE, "", false);
    node_run(&node, "lame", 60, 40, ERROR_NONE, "", true);
    node_join(&node);
    node_page(&node, 1, &page);
    equals_golden(&page, "status.html");
}

static void renders_a_node_with_all_problems(void **state)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(node_deinit) struct node node;
    struct snapshot *s;
    char name[8];

    (void)state;
    node_init(&node);
    s = node.snapshot;
    snapshot_add(s, UP, 1);
    snapshot_add(s, HEALTHY, 0);
    snapshot_add(s, CONDITION, 0, "NetworkReady");
    snapshot_add(s, SANDBOX, 1, "registry.k8s.io/pause:3.10");
    snapshot_add(s, SANDBOX_PRESENT, 0);
    snapshot_add(s, DOCKER_UP, 0);
    snapshot_add(s, RELOADED, 0);
    snapshot_add(s, PLUGIN, 1, "io.containerd.snapshotter.v1", "zfs", "error");
    snapshot_add(s, PLUGIN, 1, "io.containerd.snapshotter.v1", "btrfs", "error");
    snapshot_add(s, HELD, 90, "docker.io");
    snapshot_add(s, HELD, 30, "ghcr.io");
    snapshot_add(s, COLLECTOR, 0, "tasks");
    snapshot_add(s, COLLECTOR, 0, "images");
    snapshot_add(s, IMAGE_STATUS, 1, "k8s.io", "a.example/x:1", "incomplete");
    snapshot_add(s, IMAGE_SINCE, NODE_NOW - 120, "k8s.io", "a.example/x:1");
    snapshot_add(s, IMAGE_BLOBS, 9, "k8s.io", "a.example/x:1", "required");
    snapshot_add(s, IMAGE_BLOBS, 7, "k8s.io", "a.example/x:1", "present");
    snapshot_add(s, IMAGE_STATUS, 1, "k8s.io", "unpacked:1", "incomplete");
    snapshot_add(s, BAD_BLOBS, 2, "wrong_hash");
    snapshot_add(s, BAD_BLOBS, 1, "wrong_size");
    snapshot_add(s, BAD_IMAGE, 1, "k8s.io", "b.example/y:2", "sha256:77", "wrong_hash");
    for (int i = 0; i < 7; i++) {
        snprintf(name, sizeof(name), "p%d", i);
        node_probe(&node, name);
        if (i % 2 == 0)
            node_run(&node, name, 600 - i, 1, ERROR_NONE, "", false);
        node_run(&node, name, 60 - i, 1, i == 6 ? ERROR_CANCELED : ERROR_DNS, "no such host",
                 false);
    }
    node_join(&node);
    node_page(&node, 1, &page);
    equals_golden(&page, "status_problems.html");
}

static void renders_a_node_without_daemons(void **state)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    node.context.daemon_address = address_of;
    snapshot_add(node.snapshot, UP, 0);
    snapshot_add(node.snapshot, COLLECTOR, 0, "tasks");
    node_join(&node);
    node_page(&node, 1, &page);
    equals_golden(&page, "status_down.html");
}

static void renders_runs_of_every_kind(void **state)
{
    static const struct run_record base = {.id = "0123456789abcdef",
                                           .probe = "p",
                                           .operation = "pull",
                                           .engine = "client",
                                           .image = "r.example/a:1",
                                           .host = "mirror.example",
                                           .start = NODE_NOW - 90,
                                           .seconds = 10,
                                           .timeout_seconds = 60,
                                           .message = "",
                                           .warning = "",
                                           .log = "+0.1s one\n+0.2s <two>\n"};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(NODE_LIMIT_BYTES);
    const struct page_context context = {.external_url = "", .route_prefix = "/ce"};
    struct run_record record = base;

    (void)state;
    record.phases[0].name = "resolve";
    record.phases[0].seconds = 1;
    record.phases[1].name = "auth";
    record.phases[1].seconds = -1;
    record.phases[2].name = "fetch";
    record.phases[2].seconds = 4;
    record.phases[3].name = "upload";
    record.phases[3].seconds = 2;
    record.n_phases = 4;
    record.fetched_bytes = 4 << 20;
    record.uploaded_bytes = 3 << 20;
    record.cached_bytes = 1024;
    run_card(&out, &context, &record, NODE_NOW, true);
    record.phases[2].seconds = 40; /* longer than the run */
    record.slow = true;
    record.trigger = RUN_DEMAND;
    record.warning = "slow disk";
    run_card(&out, &context, &record, NODE_NOW, false);
    record = base;
    record.engine = record.host = record.log = "";
    record.fetched_bytes = 1;
    record.seconds = 0;
    record.trigger = RUN_RETRY;
    record.reason = ERROR_DNS;
    record.message = "no <such> host";
    run_card(&out, &context, &record, NODE_NOW, false);
    record.reason = ERROR_CANCELED;
    run_card(&out, &context, &record, NODE_NOW, false);
    equals_golden(&out, "run_cards.html");
}

/* ---- Details -------------------------------------------------------------------------------- */

static void shows_no_results_before_the_first_runs(void **state)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    node_join(&node);
    node_page(&node, 1, &page);
    has(&page, "<h1>No results yet</h1>");
    has(&page, "No probe is configured");
    has(&page, "no result yet");
    lacks(&page, "http-equiv");
}

static void reports_when_nothing_is_monitored(void **state)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    node.status.first_runs_done = true; /* and no collector has posted samples */
    node_join(&node);
    node_page(&node, 1, &page);
    has(&page, "<h1>Nothing is monitored</h1>");
    has(&page, "No collector monitors containerd. No probe is configured.");
    has(&page, "<code>daemon</code> is switched off");
    lacks(&page, "in progress");
}

static void shows_a_node_without_problems(void **state)
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
    has(&page, "<h1>All OK</h1>");
    has(&page, "1.7.27");
    has(&page, "registry.example/team/app:1.4");
    has(&page, "last run <time");
    has(&page, "1 min ago</time>, took 1.5 s");
    has(&page, "next <time");
    has(&page, "every 5 min");
    has(&page, "2 runs, <span class=\"bad\">1 failed</span>");
    lacks(&page, "class=\"why\"");
}

static void explains_a_failing_probe(void **state)
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
    has(&page, "<h1>1 of 2 probes are failing</h1>");
    has(&page, "<a class=\"bad\" href=\"#probe-0\">bad: ");
    has(&page, ">10 min ago</time>; the last success was <time");
    has(&page, reason_help_of(ERROR_UNAUTHORIZED, "pull").what);
    has(&page, reason_help_of(ERROR_UNAUTHORIZED, "pull").todo);
    has(&page, "HTTP 401 from the registry");
    has(&page, "href=\"/history?id=0000000000000004\"");
    assert_true(strstr(page.data, "id=\"probe-0\"") < strstr(page.data, "id=\"probe-1\""));
}

static void reports_a_slow_probe_as_a_warning(void **state)
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
    has(&page, "<h1>OK, with warnings</h1>");
    has(&page, "1 probe is slow");
    has(&page, "The last run took 40 s, which is slow: the limit is 30 s.");
}

static void reports_problems_of_the_daemons(void **state)
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
    has(&page, "<h1>Problems found</h1>");
    has(&page, "up, not healthy");
    has(&page, "Docker does not answer");
    has(&page, "<dt>NetworkReady</dt><dd class=\"bad\">no</dd>");
    has(&page, "the configuration file is invalid");
    has(&page, "<th scope=\"row\">zfs</th>");
    lacks(&page, "<th scope=\"row\">overlayfs</th>");
    has(&page, "back-off for 1 min 30 s (Retry-After)");
    has(&page, "Failing collectors</h2>");
    has(&page, "<tr><th scope=\"row\">tasks</th><td></td><td class=\"ref\"></td></tr>");
}

static void fail_collector(struct node *node, const char *name, const char *reason,
                           const char *message)
{
    snapshot_add(node->snapshot, COLLECTOR, 0, name);
    snapshot_add(node->snapshot, FAILURE, 1, name, reason);
    node->status.failures[node->status.n_failures++] = (struct status_failure){name, message};
}

static void shows_why_collectors_fail(void **state)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    snapshot_add(node.snapshot, UP, 1);
    fail_collector(&node, "snapshots", "runtime", "zfs: <no pool>");
    fail_collector(&node, "tasks", "timeout", "after 30 s");
    node_join(&node);
    node_page(&node, 1, &page);
    has(&page, "<th scope=\"row\">snapshots</th><td>runtime</td><td class=\"ref\">zfs: "
               "&lt;no pool&gt;</td>");
    has(&page, "<th scope=\"row\">tasks</th><td>timeout</td><td class=\"ref\">after 30 s</td>");
    has(&page, "2 collectors are failing");
}

static void tells_a_denied_socket_from_a_dead_daemon(void **state)
{
    static const struct {
        const char *reason, *headline, *tag, *hint, *docker;
    } rows[] = {
        {"runtime_forbidden", "<h1>The exporter may not use containerd's socket</h1>",
         ">permission denied</span>", "Run the exporter as root",
         "the exporter may not use Docker"},
        {"runtime_unavailable", "<h1>containerd does not answer</h1>", ">does not answer</span>",
         "systemctl status containerd", "Docker does not answer"},
        {"timeout", "<h1>containerd does not answer</h1>", ">does not answer</span>",
         "systemctl status containerd", "Docker does not answer"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
        CLEANUP(node_deinit) struct node node;

        node_init(&node);
        snapshot_add(node.snapshot, UP, 0);
        snapshot_add(node.snapshot, DOCKER_UP, 0);
        fail_collector(&node, "daemon", rows[i].reason, "/c.sock: first words");
        fail_collector(&node, "docker", rows[i].reason, "/d.sock: other words");
        node_join(&node);
        node_page(&node, 1, &page);
        has(&page, rows[i].headline);
        has(&page, rows[i].tag);
        has(&page, rows[i].hint);
        has(&page, rows[i].docker);
        has(&page, "<dt>Last error</dt><dd><span class=\"ref\">/c.sock: first words");
        has(&page, "<dt>Last error</dt><dd><span class=\"ref\">/d.sock: other words");
    }
}

static void puts_a_daemon_that_is_down_into_the_headline(void **state)
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
    lacks(&page, "1 collector is failing");
}

static void lists_incomplete_images_with_repair_commands(void **state)
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

/* Where containerd discards layers after unpacking, no image is complete. */
static void lists_images_with_needed_blobs_first(void **state)
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

static void sums_disk_usage_by_namespace(void **state)
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

/* External text never becomes markup. */
static void escapes_hostile_names(void **state)
{
    CLEANUP(buf_deinit) struct buf page = BUF_INIT(NODE_LIMIT_BYTES);
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    node.context.node = HOSTILE;
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
    has(&page, "1 of 1 probe is failing");
}

static void splits_a_thousand_probes_into_pages_failing_first(void **state)
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
    has(&page, "<h1>10 of 1000 probes are failing</h1>");
    has(&page, "and 5 more");
    has(&page, ">p999</a>");
    lacks(&page, ">p500</a>");
    has(&page, "href=\"/?page=2#probes\"");
    assert_in_range(page.size, 1, 200 << 10);
}

static void stops_at_the_last_page(void **state)
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
    has(&page, ">Previous</a>");
    lacks(&page, ">Next</a>");
}

static void prefixes_links_with_the_external_path(void **state)
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
        node.context.external_url = rows[i].external;
        node.context.route_prefix = rows[i].prefix;
        node_join(&node);
        node_page(&node, 1, &page);
        has(&page, rows[i].want);
    }
}

static void check_help(struct reason_help reason_help)
{
    assert_non_null(reason_help.what);
    assert_non_null(reason_help.todo);
    assert_int_equal(reason_help.what[strlen(reason_help.what) - 1], '.');
    assert_int_equal(reason_help.todo[strlen(reason_help.todo) - 1], '.');
    assert_null(strpbrk(reason_help.what, "<>&"));
    assert_null(strpbrk(reason_help.todo, "<>&"));
}

static void has_help_for_every_reason(void **state)
{
    (void)state;
    for (int reason = 0; reason < ERROR_CODES; reason++) {
        check_help(reason_help_of((enum error_code)reason, "pull"));
        check_help(reason_help_of((enum error_code)reason, "push"));
    }
}

static void help_depends_on_the_operation(void **state)
{
    static const char *const writes[] = {"push", "roundtrip", "tag"};

    (void)state;
    assert_non_null(strstr(reason_help_of(ERROR_NOT_FOUND, "pull").todo, "spelling"));
    assert_non_null(strstr(reason_help_of(ERROR_LIMIT, "pull").what, "of the exporter"));
    assert_null(strstr(reason_help_of(ERROR_LIMIT, "pull").todo, "413"));
    for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
        assert_null(strstr(reason_help_of(ERROR_NOT_FOUND, writes[i]).todo, "spelling"));
        assert_non_null(strstr(reason_help_of(ERROR_LIMIT, writes[i]).todo, "413"));
        assert_ptr_equal(reason_help_of(ERROR_DNS, writes[i]).what,
                         reason_help_of(ERROR_DNS, "pull").what);
    }
}

static void help_names_what_to_look_at_first(void **state)
{
    static const struct {
        enum error_code reason;
        const char *operation, *word;
    } rows[] = {
        {ERROR_TIMEOUT, "pull", "socket of a daemon"}, {ERROR_TLS, "pull", "plain_http: true"},
        {ERROR_PROTOCOL, "pull", "plain_http: true"},  {ERROR_LIMIT, "pull", "names a budget"},
        {ERROR_LIMIT, "push", "names a budget"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_non_null(
            strstr(reason_help_of(rows[i].reason, rows[i].operation).todo, rows[i].word));
}

static void history_filters_by_probe(void **state)
{
    CLEANUP(exchange_deinit) struct exchange exchange = {.query = {{"probe", "a b"}}};
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    node_run(&node, "a b", 60, 2, ERROR_NONE, "", false);
    node_run(&node, "a b", 30, 1, ERROR_TIMEOUT, "too late " HOSTILE, false);
    node_run(&node, "other", 10, 1, ERROR_NONE, "", false);
    page_history(&node.context, &exchange);
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

static void history_finds_a_run_by_id(void **state)
{
    CLEANUP(exchange_deinit)
    struct exchange exchange = {.query = {{"id", "0000000000000001"}, {"format", "json"}}};
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    node_run(&node, "p", 60, 2, ERROR_NONE, "", true);
    node_run(&node, "p", 30, 1, ERROR_DNS, "no\n\"such\" host \xff", false);
    page_history(&node.context, &exchange);
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

static void history_filters_failures_up_to_the_limit(void **state)
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
    page_history(&node.context, &exchange);
    assert_int_equal(exchange.status, 200);
    has(&exchange.body, "\"id\":\"0000000000000008\"");
    has(&exchange.body, "\"id\":\"0000000000000006\"");
    lacks(&exchange.body, "\"id\":\"0000000000000004\"");
    lacks(&exchange.body, "\"success\":true");
    has(&exchange.body, "\"reason\":\"dns\",\"message\":\"no \\\"such\\\" \xef\xbf\xbd\"");
}

static void history_rejects_invalid_parameters(void **state)
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
        page_history(&node.context, &exchange);
        assert_int_equal(exchange.status, rows[i].status);
        lacks(&exchange.body, "<script>");
    }
}

static void history_reports_errors_as_json(void **state)
{
    CLEANUP(exchange_deinit)
    struct exchange exchange = {.query = {{"probe", "nobody"}, {"format", "json"}}};
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    page_history(&node.context, &exchange);
    assert_int_equal(exchange.status, 404);
    assert_string_equal(exchange.body.data, "{\"error\":\"Unknown probe: expected a probe of the "
                                            "configuration, or one with runs.\"}\n");
}

static void explains_every_metric_once(void **state)
{
    CLEANUP(exchange_deinit) struct exchange exchange = {0};
    CLEANUP(metric_catalog_deinit) struct metric_catalog list = {0};
    CLEANUP(node_deinit) struct node node;
    struct error err;

    (void)state;
    node_init(&node);
    page_metrics_help(&node.context, &exchange);
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

static void explains_metrics_as_json(void **state)
{
    CLEANUP(exchange_deinit) struct exchange json = {.query = {{"format", "json"}}};
    CLEANUP(exchange_deinit) struct exchange bad = {.query = {{"format", "xml"}}};
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    page_metrics_help(&node.context, &json);
    has(&json.body, "{\"name\":\"containerd_up\",\"type\":\"gauge\",\"unit\":\"\",\"group\":"
                    "\"containerd\",\"labels\":[],\"help\":\"Whether containerd answers");
    page_metrics_help(&node.context, &bad);
    assert_int_equal(bad.status, 400);
}

/* The limits of numbers, and parameters that are repeated. */
static void status_rejects_invalid_numbers(void **state)
{
    static const struct {
        const char *query[2][2];
        unsigned status;
    } rows[] = {
        {{{"refresh", "1"}}, 200},    {{{"refresh", "3600"}}, 200},
        {{{"refresh", "3601"}}, 400}, {{{"page", "1"}}, 200},
        {{{"page", "20000"}}, 200},   {{{"page", "20001"}}, 400},
        {{{"page", "0"}}, 400},       {{{"page", "-1"}}, 400},
        {{{"page", ""}}, 400},        {{{"page", "1"}, {"page", "1"}}, 400},
    };
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(exchange_deinit) struct exchange exchange = {0};

        memcpy(exchange.query, rows[i].query, sizeof(rows[i].query));
        page_status(&node.context, &exchange);
        assert_int_equal(exchange.status, rows[i].status);
        if (rows[i].status == 400) {
            has(&exchange.body, "<h1>Bad request</h1><p>Invalid page or refresh");
            has(&exchange.body, "<title>Bad request · node-1</title>");
        }
    }
}

static void history_shows_a_form_and_more_runs(void **state)
{
    CLEANUP(exchange_deinit)
    struct exchange some = {.query = {{"limit", "2"}, {"only", "failures"}}};
    CLEANUP(exchange_deinit) struct exchange all = {.query = {{"limit", "1000"}}};
    CLEANUP(exchange_deinit) struct exchange one = {.query = {{"id", "0000000000000002"}}};
    CLEANUP(exchange_deinit) struct exchange none = {.query = {{"probe", ""}}};
    CLEANUP(node_deinit) struct node node;
    CLEANUP(node_deinit) struct node empty;

    (void)state;
    node_init(&node);
    node_init(&empty);
    for (int i = 0; i < 3; i++)
        node_run(&node, "p", 100 - i, 1, ERROR_DNS, "no host", false);
    page_history(&node.context, &some);
    has(&some.body, "<h1>Recent runs</h1>");
    has(&some.body, "<option value=\"failures\" selected>failures only</option>");
    has(&some.body,
        "<p class=\"pages\"><a href=\"/history?probe=&amp;only=failures&amp;limit=8\">Show "
        "more</a><a href=\"/history?probe=&amp;only=failures&amp;limit=2&amp;format=json\">As "
        "JSON</a></p>");
    lacks(&some.body, "<details open>");
    page_history(&node.context, &all);
    has(&all.body, "<option value=\"failures\">failures only</option>");
    lacks(&all.body, "Show more");
    has(&all.body, "limit=1000&amp;format=json");
    page_history(&node.context, &one);
    has(&one.body, "<h1>Run</h1>");
    has(&one.body, "<details open>");
    has(&one.body, "/history?probe=&amp;id=0000000000000002&amp;limit=30&amp;format=json");
    lacks(&one.body, "run-0000000000000001");
    page_history(&empty.context, &none);
    has(&none.body, "<p class=\"card\">The history has no matching run.</p>");
}

static void refreshes_only_on_request(void **state)
{
    CLEANUP(exchange_deinit) struct exchange asked = {.query = {{"refresh", "30"}}};
    CLEANUP(exchange_deinit) struct exchange bad = {.query = {{"refresh", "0"}}};
    CLEANUP(exchange_deinit) struct exchange worse = {.query = {{"page", "x"}}};
    CLEANUP(node_deinit) struct node node;

    (void)state;
    node_init(&node);
    page_status(&node.context, &asked);
    assert_int_equal(asked.status, 200);
    has(&asked.body, "<meta http-equiv=\"refresh\" content=\"30\">");
    page_status(&node.context, &bad);
    assert_int_equal(bad.status, 400);
    page_status(&node.context, &worse);
    assert_int_equal(worse.status, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renders_a_node_with_all_sections),
        cmocka_unit_test(renders_a_node_with_all_problems),
        cmocka_unit_test(renders_a_node_without_daemons),
        cmocka_unit_test(renders_runs_of_every_kind),
        cmocka_unit_test(shows_no_results_before_the_first_runs),
        cmocka_unit_test(reports_when_nothing_is_monitored),
        cmocka_unit_test(shows_a_node_without_problems),
        cmocka_unit_test(explains_a_failing_probe),
        cmocka_unit_test(reports_a_slow_probe_as_a_warning),
        cmocka_unit_test(reports_problems_of_the_daemons),
        cmocka_unit_test(names_further_sockets_of_containerd),
        cmocka_unit_test(shows_why_collectors_fail),
        cmocka_unit_test(tells_a_denied_socket_from_a_dead_daemon),
        cmocka_unit_test(puts_a_daemon_that_is_down_into_the_headline),
        cmocka_unit_test(lists_incomplete_images_with_repair_commands),
        cmocka_unit_test(lists_images_with_needed_blobs_first),
        cmocka_unit_test(sums_disk_usage_by_namespace),
        cmocka_unit_test(escapes_hostile_names),
        cmocka_unit_test(splits_a_thousand_probes_into_pages_failing_first),
        cmocka_unit_test(stops_at_the_last_page),
        cmocka_unit_test(prefixes_links_with_the_external_path),
        cmocka_unit_test(has_help_for_every_reason),
        cmocka_unit_test(help_depends_on_the_operation),
        cmocka_unit_test(help_names_what_to_look_at_first),
        cmocka_unit_test(history_filters_by_probe),
        cmocka_unit_test(history_finds_a_run_by_id),
        cmocka_unit_test(history_filters_failures_up_to_the_limit),
        cmocka_unit_test(history_rejects_invalid_parameters),
        cmocka_unit_test(history_reports_errors_as_json),
        cmocka_unit_test(explains_every_metric_once),
        cmocka_unit_test(explains_metrics_as_json),
        cmocka_unit_test(status_rejects_invalid_numbers),
        cmocka_unit_test(history_shows_a_form_and_more_runs),
        cmocka_unit_test(refreshes_only_on_request),
    };

    return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
