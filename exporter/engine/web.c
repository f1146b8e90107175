/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/web.h"

#include "base/log.h"
#include "engine/listen.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ADDRESSES_MAX      16
#define THREADS            2
#define CONNECTIONS_MAX    512
#define CONNECTION_BYTES   ((size_t)32 << 10) /* request line and headers, and the reply's */
#define IDLE_SECONDS       360                /* Prometheus keeps idle connections for 300 */
#define SCRAPE_LIMIT_BYTES ((size_t)64 << 20)
#define SELF_LIMIT_BYTES   ((size_t)16 << 10)
#define TEXT               "text/plain; charset=utf-8"

enum {
    REQUESTS,
    IN_FLIGHT,
    ERRORS,
};

/* The names of client_golang: generic dashboards and alerts look for them. */
static const struct metric_family families[] = {
    [REQUESTS] = {METRIC_COUNTER,
                  "promhttp_metric_handler_requests_total",
                  "Total number of scrapes by HTTP status code.",
                  {"code"}},
    [IN_FLIGHT] = {METRIC_GAUGE, "promhttp_metric_handler_requests_in_flight",
                   "Current number of scrapes being served."},
    [ERRORS] = {METRIC_COUNTER,
                "promhttp_metric_handler_errors_total",
                "Total number of internal errors encountered by the promhttp metric handler.",
                {"cause"}},
    {0},
};

struct web {
    struct web_options options;
    struct MHD_Daemon *daemons[ADDRESSES_MAX];
    size_t n_daemons;
    struct board_slot *slot;
    atomic_bool draining;
    atomic_ulong scrapes_ok, scrapes_failed, scrapes_running;
    pthread_mutex_t reload_lock;
    struct reload_request *reload; /* the last one; its thread is joined before the next starts */
};

/* A POST /-/reload waits for jobs to end, so it has a thread of its own, and its connection
 * sleeps meanwhile. */
struct reload_request {
    struct web *web;
    struct MHD_Connection *connection;
    pthread_t thread;
    atomic_bool done;
    bool ok;
    struct error err;
};

struct page {
    unsigned status;
    const char *content_type;
    const char *extra_name, *extra_value; /* one more header, or NULL */
    struct buf body;
};

static enum MHD_Result reply(struct MHD_Connection *connection, struct page *page)
{
    size_t size = page->body.size;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, buf_take(&page->body), MHD_RESPMEM_MUST_FREE);
    enum MHD_Result result;

    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, page->content_type);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (page->extra_name)
        MHD_add_response_header(response, page->extra_name, page->extra_value);
    result = MHD_queue_response(connection, page->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result reply_text(struct MHD_Connection *connection, unsigned status,
                                  const char *text)
{
    struct page page = {
        .status = status, .content_type = TEXT, .body = BUF_INIT(SCRAPE_LIMIT_BYTES)};

    buf_append_str(&page.body, text);
    return reply(connection, &page);
}

static enum MHD_Result refuse_method(struct MHD_Connection *connection, const char *allowed,
                                     const char *text)
{
    struct page page = {.status = MHD_HTTP_METHOD_NOT_ALLOWED,
                        .content_type = TEXT,
                        .extra_name = MHD_HTTP_HEADER_ALLOW,
                        .extra_value = allowed,
                        .body = BUF_INIT(SCRAPE_LIMIT_BYTES)};

    buf_append_str(&page.body, text);
    return reply(connection, &page);
}

static void post_self(struct web *web)
{
    CLEANUP(snapshot_unrefp) struct snapshot *self = snapshot_new(families, SELF_LIMIT_BYTES);

    if (!self)
        return;
    snapshot_add(self, REQUESTS, (double)web->scrapes_ok, "200");
    snapshot_add(self, REQUESTS, (double)web->scrapes_failed, "500");
    snapshot_add(self, REQUESTS, 0, "503");
    snapshot_add(self, IN_FLIGHT, (double)web->scrapes_running);
    snapshot_add(self, ERRORS, (double)web->scrapes_failed, "encoding");
    snapshot_add(self, ERRORS, 0, "gathering");
    board_post(web->slot, self);
}

static enum MHD_Result metrics(struct web *web, struct MHD_Connection *connection, bool head)
{
    const char *accept =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
    enum encode_format format = encode_negotiate(accept);
    struct page page = {.status = MHD_HTTP_OK,
                        .content_type = encode_content_type(format),
                        .extra_name = MHD_HTTP_HEADER_VARY,
                        .extra_value = "Accept",
                        .body = BUF_INIT(SCRAPE_LIMIT_BYTES)};
    struct error err;
    bool ok;

    if (head)
        return reply(connection, &page);
    web->scrapes_running++;
    scheduler_refresh(web->options.scheduler);
    post_self(web);
    ok = board_encode(web->options.board, format, &page.body, &err);
    web->scrapes_running--;
    if (ok) {
        web->scrapes_ok++;
        return reply(connection, &page);
    }
    web->scrapes_failed++;
    buf_deinit(&page.body);
    return reply_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, err.message);
}

static enum MHD_Result landing(struct web *web, struct MHD_Connection *connection)
{
    struct page page = {.status = MHD_HTTP_OK,
                        .content_type = "text/html; charset=utf-8",
                        .body = BUF_INIT(SCRAPE_LIMIT_BYTES)};

    buf_printf(&page.body,
               "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
               "<meta name=\"viewport\" content=\"width=device-width\">"
               "<title>containerd_exporter</title>\n<style>body{font-family:sans-serif;margin:0}"
               "header{background:#e6522c;color:#fff;padding:1em}main{padding:1em}</style></head>\n"
               "<body><header><h1>containerd_exporter</h1></header><main>\n"
               "<p>Whether this node can pull and push container images, how long each step takes, "
               "why it failed, and whether what containerd holds is whole.</p>\n"
               "<p>Version %s</p>\n<ul><li><a href=\"%s\">Metrics</a></li>"
               "<li><a href=\"/-/healthy\">Healthy</a></li><li><a href=\"/-/ready\">Ready</a></li>"
               "</ul></main></body></html>\n",
               web->options.version, web->options.telemetry_path);
    return reply(connection, &page);
}

static void *reload_thread(void *arg)
{
    struct reload_request *request = arg;

    request->ok = reloader_reload(request->web->options.reloader, &request->err);
    if (!request->ok)
        log_error("reload failed, the old configuration stays: %s", request->err.message);
    else
        log_info("reloaded the configuration");
    request->done = true;
    MHD_resume_connection(request->connection);
    return NULL;
}

static enum MHD_Result reload_answer(struct MHD_Connection *connection,
                                     const struct reload_request *request)
{
    char text[sizeof(request->err.message) + 64];

    if (request->ok)
        return reply_text(connection, MHD_HTTP_OK, "reloaded\n");
    snprintf(text, sizeof(text), "failed to reload config: %s\n", request->err.message);
    return reply_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, text);
}

/* Frees the last request; false if it is still at work. Called with reload_lock held. */
static bool forget_reload(struct web *web)
{
    if (!web->reload)
        return true;
    if (!web->reload->done)
        return false;
    pthread_join(web->reload->thread, NULL);
    free(web->reload);
    web->reload = NULL;
    return true;
}

static enum MHD_Result start_reload(struct web *web, struct MHD_Connection *connection,
                                    void **request_state)
{
    struct reload_request *request;
    LOCK_SCOPE(&web->reload_lock);

    if (web->draining || !forget_reload(web))
        return reply_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
                          web->draining ? "Stopping\n" : "a reload is under way\n");
    request = calloc(1, sizeof(*request));
    if (!request)
        return MHD_NO;
    request->web = web;
    request->connection = connection;
    MHD_suspend_connection(connection);
    if (pthread_create(&request->thread, NULL, reload_thread, request) != 0) {
        MHD_resume_connection(connection);
        free(request);
        return MHD_NO;
    }
    web->reload = request;
    *request_state = request;
    return MHD_YES;
}

static enum MHD_Result ready(struct web *web, struct MHD_Connection *connection)
{
    if (web->draining)
        return reply_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "Stopping\n");
    if (!scheduler_ready(web->options.scheduler))
        return reply_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "Starting\n");
    return reply_text(connection, MHD_HTTP_OK, "Ready\n");
}

static enum MHD_Result get(struct web *web, struct MHD_Connection *connection, const char *url,
                           bool head)
{
    if (strcmp(url, web->options.telemetry_path) == 0)
        return metrics(web, connection, head);
    if (strcmp(url, "/-/healthy") == 0)
        return reply_text(connection, MHD_HTTP_OK, "Healthy\n");
    if (strcmp(url, "/-/ready") == 0)
        return ready(web, connection);
    if (strcmp(url, "/-/reload") == 0)
        return refuse_method(connection, "POST, PUT", "This endpoint requires a POST request.\n");
    if (strcmp(url, "/") == 0)
        return landing(web, connection);
    return reply_text(connection, MHD_HTTP_NOT_FOUND, "404 page not found\n");
}

/* MHD calls once for the headers, then again when the body was read (or after a resume). */
static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **request_state)
{
    static int seen;
    struct web *web = cls;
    bool head = strcmp(method, "HEAD") == 0;
    bool post = strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;

    (void)version, (void)upload;
    if (!*request_state) {
        *request_state = &seen;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        *upload_size = 0; /* nobody wants a body */
        return MHD_YES;
    }
    if (*request_state != &seen)
        return reload_answer(connection, *request_state);
    if (post && strcmp(url, "/-/reload") == 0)
        return start_reload(web, connection, request_state);
    if (!head && strcmp(method, "GET") != 0)
        return refuse_method(connection, "GET, HEAD", "405 method not allowed\n");
    return get(web, connection, url, head);
}

static bool start_daemon(struct web *web, const char *address, struct error *err)
{
    char name[LISTEN_NAME_BYTES];
    int fd = listen_open(address, name, err);
    struct MHD_Daemon *daemon;

    if (fd < 0)
        return false;
    daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, web,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_END);
    if (!daemon) {
        close(fd);
        return error_set(err, ERROR_INTERNAL, "cannot serve on %s", address);
    }
    web->daemons[web->n_daemons++] = daemon;
    log_info("Listening on %s, TLS is disabled", name);
    return true;
}

struct web *web_start(const struct web_options *options, struct error *err)
{
    CLEANUP(web_stopp) struct web *web = calloc(1, sizeof(*web));

    if (!web) {
        error_memory(err);
        return NULL;
    }
    web->options = *options;
    pthread_mutex_init(&web->reload_lock, NULL);
    web->slot = board_add(options->board);
    if (!web->slot) {
        error_memory(err);
        return NULL;
    }
    for (size_t i = 0; i < options->n_addresses && i < ADDRESSES_MAX; i++)
        if (!start_daemon(web, options->addresses[i], err))
            return NULL;
    return TAKE(web);
}

void web_drain(struct web *web)
{
    web->draining = true;
}

void web_stop(struct web *web)
{
    if (web->reload) {
        pthread_join(web->reload->thread, NULL);
        free(web->reload);
    }
    for (size_t i = 0; i < web->n_daemons; i++)
        MHD_stop_daemon(web->daemons[i]);
    if (web->slot)
        board_remove(web->slot);
    pthread_mutex_destroy(&web->reload_lock);
    free(web);
}
