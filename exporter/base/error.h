/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error type.
 *
 * It lives on the caller's stack, so failing never allocates and there is
 * nothing to release. A function that fails returns false (or NULL) and has
 * filled *err. On success *err is untouched, or cleared by error_is_expected().
 * Messages pass redact_text(). Each caller may add context with error_wrap(). Only the function
 * that handles the error may log it.
 *
 * The codes are a closed list. Their names are the values of the `reason` label,
 * so a name must not change. Code must not derive an error code from the digits
 * in a message.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>

enum error_code {
    ERROR_NONE,
    ERROR_DNS,                 /* a host name has no address */
    ERROR_CONNECT,             /* connection refused or broken */
    ERROR_TLS,                 /* certificate or handshake */
    ERROR_PROXY,               /* the proxy, not the registry, refused */
    ERROR_TIMEOUT,             /* the deadline passed */
    ERROR_CANCELED,            /* the exporter canceled the work */
    ERROR_UNAUTHORIZED,        /* missing or invalid credentials */
    ERROR_FORBIDDEN,           /* access denied */
    ERROR_NOT_FOUND,           /* the peer has no such object */
    ERROR_RATE_LIMITED,        /* too many requests */
    ERROR_SERVER_ERROR,        /* the registry failed: 5xx, or it lost what it had accepted */
    ERROR_PROTOCOL,            /* the response is invalid */
    ERROR_DIGEST_MISMATCH,     /* the content does not match its digest */
    ERROR_SIZE_MISMATCH,       /* the content does not match its size */
    ERROR_NOT_COLD,            /* a pull that must use the network did not */
    ERROR_UNSUPPORTED,         /* the peer does not support this */
    ERROR_INVALID,             /* invalid input: configuration, reference */
    ERROR_NO_SPACE,            /* the disk is full */
    ERROR_UNPACK,              /* a layer could not be applied */
    ERROR_RUNTIME_UNAVAILABLE, /* no process answers at the socket of containerd or Docker */
    ERROR_RUNTIME_FORBIDDEN,   /* the exporter may not use the socket of containerd or Docker */
    ERROR_RUNTIME,             /* containerd or Docker failed by itself */
    ERROR_LIMIT,               /* a limit of the exporter, or of a registry that is pushed to */
    ERROR_MEMORY,              /* allocation failed */
    ERROR_INTERNAL,            /* a system call failed, or a defect */
    ERROR_CODES,
};

/* What `status` is: 5 (gRPC) and 404 (HTTP) both mean "not found". */
enum error_status_kind {
    STATUS_NONE,
    STATUS_GRPC, /* enum rpc_status */
    STATUS_HTTP,
    STATUS_EXIT, /* exit status of a child process */
};

struct error {
    enum error_code code;
    enum error_status_kind status_kind;
    int status; /* as the peer sent it; 0 with STATUS_NONE */
    char message[512];
};

/* These always return false, so that callers can write `return error_set(...)`.
 * error_set() and error_errno() clear the status; error_status() sets it. */
bool error_set(struct error *err, enum error_code code, const char *fmt, ...) PRINTF(3, 4);
bool error_status(struct error *err, enum error_code code, enum error_status_kind kind, int status,
                  const char *fmt, ...) PRINTF(5, 6);
bool error_errno(struct error *err, int errnum, const char *fmt, ...) PRINTF(3, 4);
bool error_memory(struct error *err);
bool error_wrap(struct error *err, const char *fmt, ...) PRINTF(2, 3); /* "fmt: message" */

#define ANY_STATUS (-1)
bool error_has_status(const struct error *err, enum error_status_kind kind, int status);

/* Whether *err is a failure that counts as success for the caller. Both clear *err when they return
 * true, so that the caller can return true, too. */
bool error_is_expected(struct error *err, enum error_status_kind kind, int status);
bool error_is_expected_code(struct error *err, enum error_code code);

void error_clear(struct error *err);

/* "timeout", "dns", ...: the value of the `reason` label. */
const char *error_code_name(enum error_code code);

/* Whether the exporter cannot reach the daemon, whatever it would ask. */
bool error_code_is_unreachable(enum error_code code);
