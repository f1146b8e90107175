/* SPDX-License-Identifier: Apache-2.0 */
/* The mapping of HTTP statuses to reasons. */
#ifndef NET_HTTP_STATUS_H
#define NET_HTTP_STATUS_H

#include "base/error.h"

/* Returns the reason of a status, which must not be a success. */
enum error_code http_status_reason(int status);

#endif
