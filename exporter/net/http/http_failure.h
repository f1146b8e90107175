/* SPDX-License-Identifier: Apache-2.0 */
/* What the result of libcurl means: the reason and the message. Only http*.c may include it. */
#pragma once

#include "net/http/http_curl.h"

/* Converts curl's result to an error. `origin` is for the message. */
bool http_failure_judge(struct http_curl_exchange *exchange, CURLcode result, const char *origin,
                        struct error *err) MUST_CHECK;
