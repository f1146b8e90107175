/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rpc_status.h"

#include "net/rpc_stats.h"

const char *rpc_status_name(int status)
{
    static const char *const names[RPC_STATUSES] = {
        [RPC_OK] = "OK",
        [RPC_CANCELLED] = "Canceled",
        [RPC_UNKNOWN] = "Unknown",
        [RPC_INVALID_ARGUMENT] = "InvalidArgument",
        [RPC_DEADLINE_EXCEEDED] = "DeadlineExceeded",
        [RPC_NOT_FOUND] = "NotFound",
        [RPC_ALREADY_EXISTS] = "AlreadyExists",
        [RPC_PERMISSION_DENIED] = "PermissionDenied",
        [RPC_RESOURCE_EXHAUSTED] = "ResourceExhausted",
        [RPC_FAILED_PRECONDITION] = "FailedPrecondition",
        [RPC_ABORTED] = "Aborted",
        [RPC_OUT_OF_RANGE] = "OutOfRange",
        [RPC_UNIMPLEMENTED] = "Unimplemented",
        [RPC_INTERNAL] = "Internal",
        [RPC_UNAVAILABLE] = "Unavailable",
        [RPC_DATA_LOSS] = "DataLoss",
        [RPC_UNAUTHENTICATED] = "Unauthenticated",
    };

    return status >= 0 && status < RPC_STATUSES ? names[status] : "Unknown";
}

/* The caller may refine the reason by the daemon's message ("no space left on device"). */
static const enum error_code reasons[RPC_STATUSES] = {
    [RPC_CANCELLED] = ERROR_CANCELED,
    [RPC_UNKNOWN] = ERROR_RUNTIME,
    [RPC_INVALID_ARGUMENT] = ERROR_INVALID,
    [RPC_DEADLINE_EXCEEDED] = ERROR_TIMEOUT,
    [RPC_NOT_FOUND] = ERROR_NOT_FOUND,
    [RPC_ALREADY_EXISTS] = ERROR_RUNTIME,
    [RPC_PERMISSION_DENIED] = ERROR_FORBIDDEN,
    [RPC_RESOURCE_EXHAUSTED] = ERROR_LIMIT,
    [RPC_FAILED_PRECONDITION] = ERROR_RUNTIME,
    [RPC_ABORTED] = ERROR_RUNTIME,
    [RPC_OUT_OF_RANGE] = ERROR_RUNTIME,
    [RPC_UNIMPLEMENTED] = ERROR_UNSUPPORTED,
    [RPC_INTERNAL] = ERROR_RUNTIME,
    [RPC_UNAVAILABLE] = ERROR_RUNTIME_UNAVAILABLE,
    [RPC_DATA_LOSS] = ERROR_RUNTIME,
    [RPC_UNAUTHENTICATED] = ERROR_UNAUTHORIZED,
};

enum error_code rpc_status_reason(int status)
{
    return status > 0 && status < RPC_STATUSES ? reasons[status] : ERROR_RUNTIME;
}
