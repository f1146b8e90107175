/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rpc_status.h"

#include "net/rpc_stats.h"

/* The caller may refine the reason by the daemon's message ("no space left on device"). */
static const struct {
    const char *name;
    enum error_code reason;
} statuses[RPC_STATUSES] = {
    [RPC_OK] = {"OK", ERROR_RUNTIME},
    [RPC_CANCELLED] = {"Canceled", ERROR_CANCELED},
    [RPC_UNKNOWN] = {"Unknown", ERROR_RUNTIME},
    [RPC_INVALID_ARGUMENT] = {"InvalidArgument", ERROR_INVALID},
    [RPC_DEADLINE_EXCEEDED] = {"DeadlineExceeded", ERROR_TIMEOUT},
    [RPC_NOT_FOUND] = {"NotFound", ERROR_NOT_FOUND},
    [RPC_ALREADY_EXISTS] = {"AlreadyExists", ERROR_RUNTIME},
    [RPC_PERMISSION_DENIED] = {"PermissionDenied", ERROR_FORBIDDEN},
    [RPC_RESOURCE_EXHAUSTED] = {"ResourceExhausted", ERROR_LIMIT},
    [RPC_FAILED_PRECONDITION] = {"FailedPrecondition", ERROR_RUNTIME},
    [RPC_ABORTED] = {"Aborted", ERROR_RUNTIME},
    [RPC_OUT_OF_RANGE] = {"OutOfRange", ERROR_RUNTIME},
    [RPC_UNIMPLEMENTED] = {"Unimplemented", ERROR_UNSUPPORTED},
    [RPC_INTERNAL] = {"Internal", ERROR_RUNTIME},
    [RPC_UNAVAILABLE] = {"Unavailable", ERROR_RUNTIME_UNAVAILABLE},
    [RPC_DATA_LOSS] = {"DataLoss", ERROR_RUNTIME},
    [RPC_UNAUTHENTICATED] = {"Unauthenticated", ERROR_UNAUTHORIZED},
};

static int known(int status)
{
    return status >= 0 && status < RPC_STATUSES ? status : RPC_UNKNOWN;
}

const char *rpc_status_name(int status)
{
    return statuses[known(status)].name;
}

enum error_code rpc_status_reason(int status)
{
    return statuses[known(status)].reason;
}
