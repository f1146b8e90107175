/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP server for unit tests: one thread, one connection at a time, answers from a table.
 *
 * A request is answered by the first rule that matches it and is not used up; by 404 if there
 * is none. "@HOST@" in headers becomes the server's own "127.0.0.1:PORT". All of a request that
 * came is kept in `log`, head and body, to be searched by the test.
 */
#ifndef TESTS_FAKE_HTTP_H
#define TESTS_FAKE_HTTP_H

#include "base/buf.h"

#include <pthread.h>

#define FAKE_RULES_MAX 64

enum fake_end {
    FAKE_KEEP,  /* the connection is kept */
    FAKE_CLOSE, /* closed after the answer */
    FAKE_HANG,  /* after the answer nothing comes any more until the client goes */
    FAKE_RESET, /* closed by a reset */
};

struct fake_rule {
    const char *request; /* how the request begins: "GET /v2/"; NULL ends the table */
    const char *with;    /* what must be in its head; NULL: anything */
    unsigned uses;       /* 0: without end */
    const char *status;  /* "200 OK"; NULL: no answer at all, only `end` */
    const char *headers; /* "Name: value\r\n..." */
    const char *body;
    size_t body_bytes; /* 0: strlen(body) */
    long length_off;   /* Content-Length is wrong by this */
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

/* `rules` must outlive the server. */
void fake_start(struct fake_http *fake, const struct fake_rule *rules);
void fake_stop(struct fake_http *fake);

unsigned fake_requests(struct fake_http *fake);
unsigned fake_connections(struct fake_http *fake);

/* Whether `text` stands in the log. */
bool fake_saw(struct fake_http *fake, const char *text);

/* Ends a kept connection, so that another client is served. */
void fake_hang_up(struct fake_http *fake);

#endif
