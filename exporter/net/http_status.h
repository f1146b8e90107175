/* SPDX-License-Identifier: Apache-2.0 */
/* The one table from HTTP statuses to reasons. */
#ifndef NET_HTTP_STATUS_H
#define NET_HTTP_STATUS_H

#include "base/error.h"

/* The reason that the status alone gives. `status` must not be one of success. */
enum error_code http_status_reason(int status);

#endif
