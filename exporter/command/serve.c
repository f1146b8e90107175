/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts the exporter, waits for signals, stops it. Each member of struct parts may use the members
 * above it, so stop() goes through them from the last to the first.
 */
#include "command/serve.h"

#include "base/clock.h"
#include "base/log.h"
#include "command/periodic.h"
#include "command/setup.h"
#include "net/http/proxy.h"
#include "os/build.h"
#include "os/systemd.h"
#include "scheduler/reload.h"
#include "web/web.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define INVENTORY_WORKERS 4
#define HISTORY_BYTES     ((size_t)2 << 20)
#define WEB_CONFIG_NS     NS_PER_SECOND /* between two checks of the web configuration */
#define SHUTDOWN_SECONDS  2             /* then the process exits without clean-up */

/* Signals are blocked before a library starts a thread: threads inherit the mask, so only sigwait()
 * receives signals. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD,
           SIG_DFL); /* an inherited SIG_IGN would hide the exit status of child processes */
}

/* A hanging daemon must not block the shutdown. */
static void exit_without_cleanup(int signal_number)
{
    static const char line[] = "level=WARN msg=\"clean-up timed out, exiting\"\n";

    (void)signal_number;
    (void)!write(STDERR_FILENO, line, sizeof(line) - 1);
    _exit(EXIT_SUCCESS);
}

static void limit_shutdown(void)
{
    sigset_t set;

    signal(SIGALRM, exit_without_cleanup);
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    alarm(SHUTDOWN_SECONDS);
}

struct parts {
    struct listeners listeners; /* empty once the web server owns them */
    struct board *board;
    struct history *history;
    struct exposition *exposition;
    struct reloader *reloader;
    struct scheduler *scheduler;
    struct web_reloader *web_reloader;
    struct web *web;
};

static void stop(struct parts *parts)
{
    web_stopp(&parts->web);
    web_reloader_freep(&parts->web_reloader);
    scheduler_freep(&parts->scheduler);
    reloader_freep(&parts->reloader);
    exposition_freep(&parts->exposition);
    history_freep(&parts->history);
    board_freep(&parts->board);
    listeners_close(&parts->listeners);
}

static bool start_scheduler(struct parts *parts, const struct options *options,
                            const struct config_schema *schema, struct error *err)
{
    struct scheduler_options lanes = {.inventory_workers = INVENTORY_WORKERS,
                                      .probe_workers = options->probe_workers,
                                      .spread_ns = options->probe_spread_ns,
                                      .node = setup_node()};
    struct reload_options reload = {.path = options->config_file,
                                    .schema = schema,
                                    .make_node = setup_make_node,
                                    .free_node = setup_free_node,
                                    .refresh_node = setup_refresh_node};

    parts->board = board_new();
    if (!parts->board)
        return error_memory(err);
    parts->history = history_new(options->history_limit, HISTORY_BYTES, err);
    if (!parts->history)
        return false;
    lanes.history = parts->history;
    parts->scheduler = scheduler_new(parts->board, &lanes, err);
    if (!parts->scheduler)
        return false;
    reload.scheduler = parts->scheduler;
    reload.board = parts->board;
    parts->reloader = reloader_new(&reload, err);
    return parts->reloader && reloader_reload(parts->reloader, NULL, err);
}

static bool start_web(struct parts *parts, const struct options *options, struct error *err)
{
    const struct exposition_options pages = {
        .board = parts->board,
        .encode = {options->native_histograms, options->created_lines},
        .exporter_metrics = !options->no_exporter_metrics};

    parts->exposition = exposition_new(&pages, err);
    if (!parts->exposition)
        return false;
    if (options->web_config_file) {
        parts->web_reloader = web_reloader_new(options->web_config_file, parts->board, err);
        if (!parts->web_reloader)
            return false;
    }
    parts->web =
        web_start(&(struct web_options){.listeners = &parts->listeners,
                                        .max_requests = options->max_requests,
                                        .web_reloader = parts->web_reloader,
                                        .exposition = parts->exposition,
                                        .page = {.telemetry_path = options->telemetry_path,
                                                 .external_url = options->external_url,
                                                 .route_prefix = options->route_prefix,
                                                 .version = build_version,
                                                 .node = setup_node(),
                                                 .daemon_address = setup_daemon_address,
                                                 .timeout_offset_ns = options->timeout_offset_ns,
                                                 .openmetrics_2 = options->openmetrics_2,
                                                 .board = parts->board,
                                                 .scheduler = parts->scheduler,
                                                 .reloader = parts->reloader,
                                                 .history = parts->history}},
                  err);
    return parts->web;
}

static void reload(struct parts *parts)
{
    struct error err;

    systemd_notify_reloading();
    if (reloader_reload(parts->reloader, NULL, &err))
        log_info("reloaded the configuration");
    else
        log_error("reload failed, the old configuration stays in force: %s", err.message);
    systemd_notify("READY=1");
}

static void check_web_config(void *arg)
{
    struct parts *parts = arg;

    web_reloader_check(parts->web_reloader);
}

static void reload_if_changed(void *arg)
{
    struct parts *parts = arg;

    if (reloader_changed(parts->reloader))
        reload(parts);
}

static void feed_watchdog(void *arg)
{
    (void)arg;
    systemd_notify("WATCHDOG=1");
}

static void wait_for_end(struct parts *parts, const struct options *options,
                         const sigset_t *signals)
{
    struct periodic_task tasks[] = {
        {reload_if_changed, parts, options->auto_reload_ns},
        {check_web_config, parts, parts->web_reloader ? WEB_CONFIG_NS : 0},
        {feed_watchdog, NULL, systemd_watchdog_ns() / 2},
        {0},
    };
    struct error err;
    int signal_number;

    while ((signal_number = run_tasks_until_signal(tasks, signals)) == SIGHUP) {
        reload(parts);
        web_reloader_reload(parts->web_reloader, NULL, &err); /* logs its errors itself */
    }
    log_info("%s, stopping", strsignal(signal_number));
}

static bool start_and_wait(const struct options *options, const struct config_schema *schema,
                           const sigset_t *signals, struct error *err)
{
    CLEANUP(stop) struct parts parts = {0};

    if (!listeners_open(&parts.listeners, options->addresses.items, options->addresses.count,
                        options->systemd_socket, err) ||
        !start_scheduler(&parts, options, schema, err) || !start_web(&parts, options, err))
        return false;
    systemd_notify("READY=1");
    wait_for_end(&parts, options, signals);
    systemd_notify("STOPPING=1");
    web_drain(parts.web);
    limit_shutdown();
    return true;
}

/* Leaves out unknown facts. */
static void log_build(void)
{
    static const char *const facts[] = {"user",     build_user,     "date", build_date,
                                        "compiler", build_compiler, "tags", build_tags};
    const char *known[sizeof(facts) / sizeof(facts[0]) + 1] = {0};
    size_t n = 0;

    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i += 2)
        if (build_knows(facts[i + 1])) {
            known[n++] = facts[i];
            known[n++] = facts[i + 1];
        }
    log_with(LOG_INFO,
             build_knows(build_revision) ? LOG_PAIRS("version", build_version, "branch",
                                                     build_branch, "revision", build_revision)
                                         : LOG_PAIRS("version", build_version),
             "Starting containerd_exporter");
    log_with(LOG_INFO, known, "Build context");
}

bool serve(const struct options *options, const struct config_schema *schema)
{
    sigset_t signals;
    struct error err;
    bool ok;

    block_signals(&signals);
    log_build();
    if (!proxy_check(proxy_environment, &err))
        log_warn("%s", err.message);
    ok = setup_begin("", &err);
    if (ok) {
        if (*setup_node_doubt())
            log_warn("%s", setup_node_doubt());
        ok = start_and_wait(options, schema, &signals, &err);
        setup_end();
    }
    if (!ok)
        log_error("%s", err.message);
    return ok;
}
