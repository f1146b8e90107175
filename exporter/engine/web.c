/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/web.h"

#include <microhttpd.h>
#include <string.h>

#define THREADS            2
#define CONNECTIONS_MAX    64
#define SCRAPE_LIMIT_BYTES ((size_t)16 << 20)

struct web {
    struct MHD_Daemon *daemon;
    struct board *board;
    struct scheduler *scheduler;
};

/* The response owns `body`, which was malloc'ed. */
static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, const char *type,
                             char *body, size_t size)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, body, MHD_RESPMEM_MUST_FREE);
    enum MHD_Result result;

    if (!response) {
        free(body);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result reply_text(struct MHD_Connection *connection, unsigned status,
                                  const char *text)
{
    char *body = strdup(text);

    return body ? reply(connection, status, "text/plain", body, strlen(body)) : MHD_NO;
}

static enum MHD_Result metrics(struct web *web, struct MHD_Connection *connection)
{
    const char *accept =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
    enum encode_format format = encode_negotiate(accept);
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(SCRAPE_LIMIT_BYTES);
    struct error err;
    size_t size;

    scheduler_refresh(web->scheduler);
    if (!board_encode(web->board, format, &out, &err))
        return reply_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, err.message);
    size = out.size;
    return reply(connection, MHD_HTTP_OK, encode_content_type(format), buf_take(&out), size);
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **connection_cls)
{
    (void)version, (void)upload, (void)upload_size, (void)connection_cls;
    if (strcmp(method, "GET") != 0)
        return reply_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET only\n");
    if (strcmp(url, "/metrics") == 0)
        return metrics(cls, connection);
    if (strcmp(url, "/-/healthy") == 0)
        return reply_text(connection, MHD_HTTP_OK, "healthy\n");
    return reply_text(connection, MHD_HTTP_NOT_FOUND, "try /metrics\n");
}

struct web *web_start(uint16_t port, struct board *board, struct scheduler *scheduler,
                      struct error *err)
{
    CLEANUP(freep) struct web *web = calloc(1, sizeof(*web));

    if (!web) {
        error_set(err, ERROR_MEMORY, "out of memory");
        return NULL;
    }
    web->board = board;
    web->scheduler = scheduler;
    web->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG, port, NULL, NULL, handle, web,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, 30u, MHD_OPTION_END);
    if (!web->daemon) {
        error_set(err, ERROR_SYSTEM, "cannot listen on port %u", port);
        return NULL;
    }
    return TAKE(web);
}

void web_stop(struct web *web)
{
    MHD_stop_daemon(web->daemon);
    free(web);
}
