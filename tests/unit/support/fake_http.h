/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP server for unit tests: one thread, one connection at a time, responses from a table.
 *
 * The first rule that matches a request and has uses left gives the response; without one it is
 * 404.
 * "@HOST@" in headers is replaced by the server's "127.0.0.1:PORT". `log` keeps head and body of
 * all requests.
 */
#ifndef TESTS_FAKE_HTTP_H
#define TESTS_FAKE_HTTP_H

#include "base/buf.h"

#include <pthread.h>

#define FAKE_RULES_MAX 64

enum fake_end {
    FAKE_KEEP,  /* the connection is kept */
    FAKE_CLOSE, /* closed after the response */
    FAKE_HANG,  /* the server sends nothing more until the client closes */
    FAKE_RESET, /* closed by a reset */
};

struct fake_rule {
    const char *request; /* prefix of the request: "GET /v2/"; NULL ends the table */
    const char *with;    /* text that the request must contain; may be NULL */
    unsigned uses;       /* 0: unlimited */
    const char *status;  /* "200 OK"; NULL: no response, only `end` */
    const char *headers; /* "Name: value\r\n..." */
    const char *body;
    size_t body_bytes; /* 0: strlen(body) */
    long length_off;   /* added to Content-Length */
    enum fake_end end;
};

struct fake_http {
    const struct fake_rule *rules;
    unsigned used[FAKE_RULES_MAX];
    int listener, connection;
    bool stopping;
    char host[32]; /* "127.0.0.1:PORT" */
    pthread_t thread;
    pthread_mutex_t lock; /* of connection, stopping, log and n_connections */
    struct buf log;
    unsigned n_connections, n_requests;
};

/* Starts a server on a port of loopback, or on a unix socket. `rules` must outlive the server. */
void fake_start(struct fake_http *fake, const struct fake_rule *rules);
void fake_start_unix(struct fake_http *fake, const struct fake_rule *rules, const char *path);
void fake_stop(struct fake_http *fake);

unsigned fake_requests(struct fake_http *fake);
unsigned fake_connections(struct fake_http *fake);

/* Whether `text` stands in the log. */
bool fake_saw(struct fake_http *fake, const char *text);

/* Ends a kept connection, so that another client is served. */
void fake_hang_up(struct fake_http *fake);

#endif
