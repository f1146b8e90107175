/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP/1.1 server inside a test, with a thread for each connection and a function that answers.
 * Bodies with Content-Length or in chunks are read whole before the function is called.
 */
#ifndef TESTS_HTTP_SERVER_H
#define TESTS_HTTP_SERVER_H

#include "base/buf.h"

#include <pthread.h>

#define HTTP_SERVER_BODY_BYTES ((size_t)64 << 20)

struct http_call {
    char method[16], path[2048]; /* the path has its query */
    struct buf head, body;       /* of the request */
    int status;                  /* of the response: set by the function, 200 before it */
    struct buf headers, reply;   /* "Name: value\r\n"; the body */
    bool hang;                   /* the function asks: no response until the client goes */
    bool reset;                  /* ... or the connection is closed without one */
};

typedef void http_serve(void *arg, struct http_call *call);

struct http_connection;

struct http_server {
    http_serve *serve;
    void *arg;
    int listener;
    char address[128]; /* "127.0.0.1:PORT", or the path of the socket */
    pthread_t acceptor;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct http_connection *connections;
    bool stopping, is_unix;
};

/* On the loopback, or on a unix socket in a directory of its own. `serve` is called by several
 * threads at once. Aborts on failure. */
void http_server_start(struct http_server *server, bool is_unix, http_serve *serve, void *arg);
void http_server_stop(struct http_server *server);

/* The value of a header of the request, "" without one; of a parameter of the query, decoded. */
void http_call_header(const struct http_call *call, const char *name, char *out, size_t size);
void http_call_parameter(const struct http_call *call, const char *name, char *out, size_t size);

#endif
