/* SPDX-License-Identifier: Apache-2.0 */
#include "web/web.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "scheduler/demand.h"
#include "server/handshakes.h"
#include "server/server.h"
#include "web/page_probe.h"
#include "web/pages/page.h"
#include "web/pages/status/page_status.h"
#include "web/scrape.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define PATH_LIMIT_BYTES   ((size_t)256)
#define TEXT_LIMIT_BYTES   ((size_t)64 << 10)
#define RELOAD_LIMIT_BYTES ((size_t)512 << 10)
#define TEXT               "text/plain; charset=utf-8"
#define DRAIN_NS           (5 * NS_PER_SECOND)

const struct metric_family *const web_tables[] = {scrape_families, web_reload_families,
                                                  handshake_families, page_probe_families, NULL};

struct web {
    struct web_options options;
    char open_paths[2][PATH_LIMIT_BYTES];
    const char *open_list[3];
    struct server *server;
    struct scrape *scrape;
    atomic_bool draining;
    pthread_mutex_t reload_lock;
    struct reload_request *reload; /* the last one; the next one joins its thread */
};

/* A POST /-/reload waits for jobs to end, so it runs on a thread of its own. */
struct reload_request {
    struct web *web;
    struct exchange *exchange;
    pthread_t thread;
    atomic_bool done;
};

static void reject_method(struct exchange *exchange, const char *allowed, const char *text)
{
    struct reply reply = {.status = 405,
                          .content_type = TEXT,
                          .headers = {{"Allow", allowed}, {"X-Content-Type-Options", "nosniff"}},
                          .body = BUF_INIT(TEXT_LIMIT_BYTES)};

    buf_append_str(&reply.body, text);
    exchange_reply(exchange, &reply);
}

static void metrics(struct web *web, struct exchange *exchange)
{
    scrape_answer(web->scrape, exchange);
}

static void *reload_thread(void *arg)
{
    struct reload_request *request = arg;
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(RELOAD_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(RELOAD_LIMIT_BYTES);
    struct error err;
    bool ok = reloader_reload(request->web->options.page.reloader, &problems, &err) &&
              web_reloader_reload(request->web->options.web_reloader, &problems, &err);

    if (ok) {
        log_info("reloaded the configuration");
        buf_append_str(&text, "reloaded\n");
    } else {
        log_error("reload failed, the old configuration stays in force: %s", err.message);
        buf_printf(&text, "failed to reload config: %s\n%s", err.message,
                   problems.data ? problems.data : "");
    }
    request->done = true; /* before the reply: the client may send the next request at once */
    exchange_reply_text(request->exchange, ok ? 200 : 500, text.data ? text.data : "");
    return NULL;
}

/* Frees the last request; false if it is still running. Called with reload_lock held. */
static bool free_last_reload(struct web *web)
{
    if (!web->reload)
        return true;
    if (!web->reload->done)
        return false;
    pthread_join(web->reload->thread, NULL);
    free(TAKE(web->reload));
    return true;
}

static void reload(struct web *web, struct exchange *exchange)
{
    struct reload_request *request;
    LOCK_SCOPE(&web->reload_lock);

    if (web->draining || !free_last_reload(web)) {
        exchange_reply_text(exchange, 503,
                            web->draining ? "Stopping\n" : "a reload is already running\n");
        return;
    }
    request = calloc(1, sizeof(*request));
    if (!request) {
        exchange_reply_text(exchange, 500, "out of memory\n");
        return;
    }
    request->web = web;
    request->exchange = exchange;
    exchange_defer(exchange, NULL, NULL);
    if (pthread_create(&request->thread, NULL, reload_thread, request) != 0) {
        exchange_reply_text(exchange, 500, "cannot start a thread\n");
        free(request);
        return;
    }
    web->reload = request;
}

static void healthy(const struct page_context *context, struct exchange *exchange)
{
    (void)context;
    exchange_reply_text(exchange, 200, "Healthy\n");
}

static void ready(struct web *web, struct exchange *exchange)
{
    if (web->draining)
        exchange_reply_text(exchange, 503, "Stopping\n");
    else if (!scheduler_ready(web->options.page.scheduler))
        exchange_reply_text(exchange, 503, "Starting\n");
    else
        exchange_reply_text(exchange, 200, "Ready\n");
}

#define READS "GET, HEAD"

static const struct route {
    const char *path; /* NULL: the telemetry path */
    const char *methods;
    void (*page)(const struct page_context *context, struct exchange *exchange);
    /* or, for routes that need more than a page: */
    void (*answer)(struct web *web, struct exchange *exchange);
} routes[] = {
    {NULL, READS, NULL, metrics},
    {"/", READS, page_status, NULL},
    {"/history", READS, page_history, NULL},
    {"/config", READS, page_config, NULL},
    {"/probe", READS, page_probe, NULL},
    {"/metrics-help", READS, page_metrics_help, NULL},
    {"/-/healthy", READS, healthy, NULL},
    {"/-/ready", READS, NULL, ready},
    {"/-/reload", "POST, PUT", NULL, reload},
};

static bool method_fits(const char *methods, const char *method)
{
    const char *found = strstr(methods, method);
    char end = found ? found[strlen(method)] : 'x';

    return found && (end == '\0' || end == ',') && (found == methods || found[-1] == ' ');
}

static const struct route *find_route(const struct web *web, const char *path)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
        if (strcmp(path, routes[i].path ? routes[i].path : web->options.page.telemetry_path) == 0)
            return &routes[i];
    return NULL;
}

/* Removes the route prefix; NULL if the path does not have it. */
static const char *strip_prefix(const struct web *web, const char *path)
{
    const char *prefix = web->options.page.route_prefix;

    return text_starts_with(path, prefix) ? path + strlen(prefix) : NULL;
}

/* Redirects from the root to the prefix. */
static void redirect(const struct web *web, struct exchange *exchange)
{
    char location[PATH_LIMIT_BYTES];
    struct reply reply = {.status = 302,
                          .content_type = TEXT,
                          .headers = {{"Location", location}},
                          .body = BUF_INIT(TEXT_LIMIT_BYTES)};

    snprintf(location, sizeof(location), "%s/", web->options.page.route_prefix);
    exchange_reply(exchange, &reply);
}

static void answer(void *arg, struct exchange *exchange)
{
    struct web *web = arg;
    const char *path = strip_prefix(web, exchange_path(exchange));
    const struct route *route = path ? find_route(web, path) : NULL;

    if (!route && *web->options.page.route_prefix &&
        (strcmp(exchange_path(exchange), "/") == 0 || (path && !*path)))
        redirect(web, exchange);
    else if (!route)
        exchange_reply_text(exchange, 404, "404 page not found\n");
    else if (!method_fits(route->methods, exchange_method(exchange)))
        reject_method(exchange, route->methods,
                      route->methods[0] == 'P' ? "This endpoint requires a POST request.\n"
                                               : "405 method not allowed\n");
    else if (route->page)
        route->page(&web->options.page, exchange);
    else
        route->answer(web, exchange);
}

/* The web configuration may open the health paths to clients without authentication, except where
 * the telemetry path is the same. */
static void list_open_paths(struct web *web)
{
    static const char *const paths[] = {"/-/healthy", "/-/ready"};
    size_t n = 0;

    for (size_t i = 0; i < 2; i++) {
        if (strcmp(paths[i], web->options.page.telemetry_path) == 0)
            continue;
        snprintf(web->open_paths[i], PATH_LIMIT_BYTES, "%s%s", web->options.page.route_prefix,
                 paths[i]);
        web->open_list[n++] = web->open_paths[i];
    }
}

static bool apply_config(void *arg, struct web_config *config, struct error *err)
{
    struct web *web = arg;

    return server_apply(web->server, config, err);
}

struct web *web_start(const struct web_options *options, struct error *err)
{
    struct web_config *config = web_reloader_config(options->web_reloader);
    CLEANUP(web_stopp) struct web *web = calloc(1, sizeof(*web));

    if (!web) {
        error_memory(err);
        return NULL;
    }
    web->options = *options;
    web->options.page.tables = web_tables;
    list_open_paths(web);
    pthread_mutex_init(&web->reload_lock, NULL);
    web->scrape = scrape_new(&(struct scrape_options){.board = options->page.board,
                                                      .exposition = options->exposition,
                                                      .scheduler = options->page.scheduler,
                                                      .max_requests = options->max_requests,
                                                      .openmetrics_2 = options->page.openmetrics_2},
                             err);
    if (!web->scrape)
        return NULL;
    web->server = server_start(&(struct server_options){.board = options->page.board,
                                                        .listeners = options->listeners,
                                                        .config = config,
                                                        .open_paths = web->open_list,
                                                        .handle = answer,
                                                        .arg = web},
                               err);
    if (!web->server)
        return NULL;
    web_reloader_attach(options->web_reloader, apply_config, web);
    return TAKE(web);
}

void web_drain(struct web *web)
{
    web->draining = true;
    if (web->options.page.scheduler)
        scheduler_demand_end(web->options.page.scheduler);
    server_drain(web->server, DRAIN_NS);
}

void web_stop(struct web *web)
{
    if (web->reload) {
        pthread_join(web->reload->thread, NULL);
        free(web->reload);
    }
    web_reloader_attach(web->options.web_reloader, NULL, NULL);
    if (web->server)
        server_stop(web->server);
    if (web->scrape)
        scrape_free(web->scrape);
    pthread_mutex_destroy(&web->reload_lock);
    free(web);
}
