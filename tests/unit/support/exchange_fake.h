/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange without a server. This header defines the functions of server/exchange_request.h,
 * server/exchange_reply.h and server/server.h, which replace those of the library: only one file of
 * a test may include it, and it cannot be part of libtests.a, where other tests would find it.
 */
#ifndef TESTS_EXCHANGE_FAKE_H
#define TESTS_EXCHANGE_FAKE_H

#include "server/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_LIMIT_BYTES ((size_t)8 << 20)

struct exchange {
    const char *method, *path; /* NULL: GET, / */
    const char *query[8][2];   /* name, value; ends with a NULL name */
    const char *request[4][2]; /* headers likewise */
    _Atomic unsigned status;   /* 0: no reply yet */
    char content_type[64];
    char headers[1024]; /* of the reply, as lines */
    struct buf body;
    void (*gone)(void *arg);
    void *gone_arg;
};

static inline void exchange_deinit(struct exchange *exchange)
{
    buf_deinit(&exchange->body);
}

size_t exchange_query(const struct exchange *exchange, const char *name, const char **values,
                      size_t max)
{
    size_t n = 0;

    for (size_t i = 0; exchange->query[i][0]; i++)
        if (strcmp(exchange->query[i][0], name) == 0 && n++ < max)
            values[n - 1] = exchange->query[i][1];
    return n;
}

void exchange_reply(struct exchange *exchange, struct reply *reply)
{
    assert_int_equal(exchange->status, 0); /* exactly one reply */
    snprintf(exchange->content_type, sizeof(exchange->content_type), "%s", reply->content_type);
    for (size_t i = 0; reply->headers[i].name; i++) {
        size_t used = strlen(exchange->headers);
        snprintf(exchange->headers + used, sizeof(exchange->headers) - used, "%s: %s\n",
                 reply->headers[i].name, reply->headers[i].value);
    }
    exchange->body = reply->body;
    exchange->status = reply->status; /* the last step: another thread may wait for it */
}

void exchange_reply_text(struct exchange *exchange, unsigned status, const char *text)
{
    assert_int_equal(exchange->status, 0);
    exchange->body = (struct buf)BUF_INIT(BODY_LIMIT_BYTES);
    buf_append_str(&exchange->body, text);
    exchange->status = status;
}

const char *exchange_method(const struct exchange *exchange)
{
    return exchange->method ? exchange->method : "GET";
}

const char *exchange_header(const struct exchange *exchange, const char *name)
{
    for (size_t i = 0; exchange->request[i][0]; i++)
        if (strcmp(exchange->request[i][0], name) == 0)
            return exchange->request[i][1];
    return NULL;
}

void exchange_defer(struct exchange *exchange, void (*gone)(void *arg), void *arg)
{
    exchange->gone = gone;
    exchange->gone_arg = arg;
}

const char *exchange_path(const struct exchange *exchange)
{
    return exchange->path ? exchange->path : "/";
}

bool exchange_is_local(const struct exchange *exchange)
{
    (void)exchange;
    return true;
}

/* ---- The server ----------------------------------------------------------------------------- */

static struct {
    struct server_options options;
    unsigned applied, drained, stopped;
} fake_server;

struct server *server_start(const struct server_options *options, struct error *err)
{
    (void)err;
    fake_server.options = *options;
    return (struct server *)&fake_server;
}

bool server_apply(struct server *server, struct web_config *config, struct error *err)
{
    (void)server, (void)config, (void)err;
    fake_server.applied++;
    return true;
}

void server_drain(struct server *server, int64_t limit_ns)
{
    (void)server, (void)limit_ns;
    fake_server.drained++;
}

void server_stop(struct server *server)
{
    (void)server;
    fake_server.stopped++;
}

#endif
