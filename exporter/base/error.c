/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include "base/redact.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const code_names[ERROR_CODES] = {
    [ERROR_NONE] = "none",
    [ERROR_DNS] = "dns",
    [ERROR_CONNECT] = "connect",
    [ERROR_TLS] = "tls",
    [ERROR_PROXY] = "proxy",
    [ERROR_TIMEOUT] = "timeout",
    [ERROR_CANCELED] = "canceled",
    [ERROR_UNAUTHORIZED] = "unauthorized",
    [ERROR_FORBIDDEN] = "forbidden",
    [ERROR_NOT_FOUND] = "not_found",
    [ERROR_RATE_LIMITED] = "rate_limited",
    [ERROR_SERVER_ERROR] = "server_error",
    [ERROR_PROTOCOL] = "protocol",
    [ERROR_DIGEST_MISMATCH] = "digest_mismatch",
    [ERROR_SIZE_MISMATCH] = "size_mismatch",
    [ERROR_NOT_COLD] = "not_cold",
    [ERROR_UNSUPPORTED] = "unsupported",
    [ERROR_INVALID] = "invalid",
    [ERROR_NO_SPACE] = "no_space",
    [ERROR_UNPACK] = "unpack",
    [ERROR_RUNTIME_UNAVAILABLE] = "runtime_unavailable",
    [ERROR_RUNTIME_FORBIDDEN] = "runtime_forbidden",
    [ERROR_RUNTIME] = "runtime",
    [ERROR_LIMIT] = "limit",
    [ERROR_MEMORY] = "memory",
    [ERROR_INTERNAL] = "internal",
};

const char *error_code_name(enum error_code code)
{
    return code_names[code];
}

bool error_code_is_unreachable(enum error_code code)
{
    return code == ERROR_RUNTIME_UNAVAILABLE || code == ERROR_RUNTIME_FORBIDDEN;
}

/* Returns the length of the message. */
PRINTF(2, 0)
static size_t format(struct error *err, const char *fmt, va_list args)
{
    char text[sizeof(err->message)];

    vsnprintf(text, sizeof(text), fmt, args);
    return strlen(redact_text(err->message, sizeof(err->message), text, strlen(text)));
}

PRINTF(5, 0)
static size_t fill(struct error *err, enum error_code code, enum error_status_kind kind, int status,
                   const char *fmt, va_list args)
{
    err->code = code;
    err->status_kind = kind;
    err->status = status;
    return format(err, fmt, args);
}

bool error_set(struct error *err, enum error_code code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fill(err, code, STATUS_NONE, 0, fmt, args);
    va_end(args);
    return false;
}

bool error_status(struct error *err, enum error_code code, enum error_status_kind kind, int status,
                  const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fill(err, code, kind, status, fmt, args);
    va_end(args);
    return false;
}

bool error_has_status(const struct error *err, enum error_status_kind kind, int status)
{
    return err->status_kind == kind && (status == ANY_STATUS || err->status == status);
}

void error_clear(struct error *err)
{
    *err = (struct error){.code = ERROR_NONE};
}

bool error_is_expected(struct error *err, enum error_status_kind kind, int status)
{
    if (!error_has_status(err, kind, status))
        return false;
    error_clear(err);
    return true;
}

bool error_is_expected_code(struct error *err, enum error_code code)
{
    if (err->code != code)
        return false;
    error_clear(err);
    return true;
}

bool error_memory(struct error *err)
{
    return error_set(err, ERROR_MEMORY, "out of memory");
}

static enum error_code code_from_errno(int errnum)
{
    static const struct {
        int errnum;
        enum error_code code;
    } codes[] = {
        {ENOMEM, ERROR_MEMORY},   {ENOENT, ERROR_NOT_FOUND},  {EACCES, ERROR_FORBIDDEN},
        {EPERM, ERROR_FORBIDDEN}, {ETIMEDOUT, ERROR_TIMEOUT}, {ENOSPC, ERROR_NO_SPACE},
        {EDQUOT, ERROR_NO_SPACE},
    };

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (codes[i].errnum == errnum)
            return codes[i].code;
    return ERROR_INTERNAL;
}

/* Appends ": text" to a message of this length. */
static void append_after_colon(struct error *err, size_t used, const char *text)
{
    size_t room = used + 3 < sizeof(err->message) ? sizeof(err->message) - used - 3 : 0;

    if (room > 0) /* the message may be full */
        snprintf(err->message + used, room + 3, ": %.*s", (int)room, text);
}

bool error_errno(struct error *err, int errnum, const char *fmt, ...)
{
    char reason[96];
    va_list args;
    size_t n;

    va_start(args, fmt);
    n = fill(err, code_from_errno(errnum), STATUS_NONE, 0, fmt, args);
    va_end(args);
    append_after_colon(err, n, strerror_r(errnum, reason, sizeof(reason)));
    return false;
}

bool error_wrap(struct error *err, const char *fmt, ...)
{
    char inner[sizeof(err->message)];
    va_list args;
    size_t n;

    memcpy(inner, err->message, sizeof(inner));
    va_start(args, fmt);
    n = format(err, fmt, args);
    va_end(args);
    append_after_colon(err, n, inner);
    return false;
}
