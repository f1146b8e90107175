/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error type.
 *
 * It lives on the caller's stack, so failing never allocates and there is
 * nothing to release. A function that can fail returns false (or NULL) and has
 * filled *err. On success *err is untouched, or was cleared by error_is_expected().
 * Every level may add its own words with error_wrap(); only the level where the
 * error ends may log it.
 *
 * The codes are the closed list of reasons: their names are the values of the
 * `reason` label, so a name never changes and a code is never guessed from the
 * digits in a text.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/own.h"

#include <stdbool.h>

enum error_code {
    ERROR_NONE,
    ERROR_DNS,                 /* a host name has no address */
    ERROR_CONNECT,             /* nobody listens, or the connection broke */
    ERROR_TLS,                 /* certificate or handshake */
    ERROR_PROXY,               /* the proxy, not the registry, said no */
    ERROR_TIMEOUT,             /* the deadline passed */
    ERROR_CANCELED,            /* we were asked to stop */
    ERROR_UNAUTHORIZED,        /* the peer does not know who we are */
    ERROR_FORBIDDEN,           /* the peer knows, and says no */
    ERROR_NOT_FOUND,           /* the peer says there is no such thing */
    ERROR_RATE_LIMITED,        /* too many requests */
    ERROR_SERVER_ERROR,        /* the registry is broken */
    ERROR_PROTOCOL,            /* the answer makes no sense */
    ERROR_DIGEST_MISMATCH,     /* the bytes are not what was promised */
    ERROR_SIZE_MISMATCH,       /* nor is their number */
    ERROR_NOT_COLD,            /* nothing crossed the network, though it had to */
    ERROR_UNSUPPORTED,         /* the peer does not speak this */
    ERROR_INVALID,             /* our own input makes no sense: configuration, reference */
    ERROR_NO_SPACE,            /* the disk is full */
    ERROR_UNPACK,              /* a layer could not be applied */
    ERROR_RUNTIME_UNAVAILABLE, /* containerd or Docker cannot be reached */
    ERROR_RUNTIME,             /* containerd or Docker failed by itself */
    ERROR_LIMIT,               /* one of our own ceilings */
    ERROR_MEMORY,              /* the allocator said no */
    ERROR_INTERNAL,            /* the operating system said no, or we are wrong */
    ERROR_CODES,
};

/* Whose numbers `status` holds: 5 and 404 both mean "not found". */
enum error_status_kind {
    STATUS_NONE,
    STATUS_GRPC, /* enum rpc_status */
    STATUS_HTTP,
    STATUS_EXIT, /* exit status of a child process */
};

struct error {
    enum error_code code;
    enum error_status_kind status_kind;
    int status; /* the peer's own status; 0 with STATUS_NONE */
    char message[512];
};

/* These return false, always, so that callers can write `return error_set(...)`.
 * error_set() and error_errno() clear the status; error_status() sets it. */
bool error_set(struct error *err, enum error_code code, const char *fmt, ...) PRINTF(3, 4);
bool error_status(struct error *err, enum error_code code, enum error_status_kind kind, int status,
                  const char *fmt, ...) PRINTF(5, 6);
bool error_errno(struct error *err, int errnum, const char *fmt, ...) PRINTF(3, 4);
bool error_memory(struct error *err);
bool error_wrap(struct error *err, const char *fmt, ...) PRINTF(2, 3); /* "fmt: message" */

#define ANY_STATUS (-1)
bool error_has_status(const struct error *err, enum error_status_kind kind, int status);

/* Whether *err is a failure that the caller expects, and that is a success to it. Both clear *err
 * when they return true, so that the caller can return true with it. */
bool error_is_expected(struct error *err, enum error_status_kind kind, int status);
bool error_is_expected_code(struct error *err, enum error_code code);

void error_clear(struct error *err);

/* "timeout", "dns", ...: stable, because it is the value of a metric label. */
const char *error_code_name(enum error_code code);

#endif
