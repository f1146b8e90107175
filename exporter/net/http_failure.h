/* SPDX-License-Identifier: Apache-2.0 */
/* What the result of libcurl means: the reason and the message. Only http*.c may include it. */
#pragma once

#include "net/http_curl.h"

/* A message for error_set(): its argument is the variable. It never shows the value. */
#define HTTP_PROXY_MISREAD                                                              \
    "invalid proxy in %s: expected a URL such as http://proxy.example:3128, with %%23 " \
    "for #, %%2F for /, %%3F for ? and %%25 for %% in a password"

/* Converts curl's result to an error. `origin` is for the message. */
bool http_failure_judge(struct http_curl_exchange *exchange, CURLcode result, const char *origin,
                        struct error *err) MUST_CHECK;
