/* SPDX-License-Identifier: Apache-2.0 */
/* URLs that servers send: in Location headers. */
#pragma once

#include "base/buf.h"

/* Appends `reference` as an absolute URL without fragment. It is resolved against `base`, the
 * absolute URL of the request, as RFC 3986 says. Blanks are percent-encoded. Returns ERROR_PROTOCOL
 * if it is no URL, or not one of http or https. The message does not repeat it: it may hold a
 * secret. */
bool http_url_resolve(const char *base, const char *reference, struct buf *url,
                      struct error *err) MUST_CHECK;
