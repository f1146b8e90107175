/* SPDX-License-Identifier: Apache-2.0 */
/* The status codes of gRPC, their names and reasons. */
#pragma once

#include "base/error.h"

/* Values of err->status. */
enum rpc_status {
    RPC_OK,
    RPC_CANCELLED,
    RPC_UNKNOWN,
    RPC_INVALID_ARGUMENT,
    RPC_DEADLINE_EXCEEDED,
    RPC_NOT_FOUND,
    RPC_ALREADY_EXISTS,
    RPC_PERMISSION_DENIED,
    RPC_RESOURCE_EXHAUSTED,
    RPC_FAILED_PRECONDITION,
    RPC_ABORTED,
    RPC_OUT_OF_RANGE,
    RPC_UNIMPLEMENTED,
    RPC_INTERNAL,
    RPC_UNAVAILABLE,
    RPC_DATA_LOSS,
    RPC_UNAUTHENTICATED,
};

const char *rpc_status_name(int status); /* "NotFound": as Go prints it, for the label grpc_code */

enum error_code rpc_status_reason(int status);
