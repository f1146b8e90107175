/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server for unit tests that sends fixed bytes, whatever it is asked, and ends the connection.
 * Loopback never has a proxy: tests of proxies ask for hosts that do not exist.
 */
#ifndef TESTS_RAW_SERVER_H
#define TESTS_RAW_SERVER_H

#include <pthread.h>
#include <stddef.h>

enum raw_end {
    RAW_CLOSE,
    RAW_RESET,
};

struct raw_server {
    const char *bytes;
    size_t size;
    enum raw_end end;
    int listener;
    char authority[24]; /* "127.0.0.1:PORT" */
    char url[40];       /* "http://127.0.0.1:PORT/" */
    char request[4096]; /* what clients sent; to be read after raw_stop() */
    size_t request_size;
    pthread_t thread;
};

/* `bytes` must outlive the server. The server sends them after the first bytes of a client. */
void raw_start(struct raw_server *server, const char *bytes, size_t size, enum raw_end end);
void raw_stop(struct raw_server *server);

/* The number that the next file descriptor of this process gets. */
int raw_next_fd(void);

#endif
