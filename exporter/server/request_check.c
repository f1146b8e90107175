/* SPDX-License-Identifier: Apache-2.0 */
#include "server/request_check.h"

#include "base/text.h"

#include <strings.h>

static unsigned refuse(unsigned status, const char *text, const char **why)
{
    *why = text;
    return status;
}

unsigned request_check(const struct exchange *exchange, size_t header_bytes, bool uri_ok,
                       const char **why)
{
    const char *length = exchange_header(exchange, "Content-Length");
    const char *coding = exchange_header(exchange, "Transfer-Encoding");
    struct error err;
    uint64_t size = 0;

    if (header_bytes > REQUEST_HEADERS_MAX)
        return refuse(431, "431 request line and headers are too large\n", why);
    if (!uri_ok)
        return refuse(400, "400 the address cannot be decoded\n", why);
    if (coding && (length || strcasecmp(coding, "chunked") != 0))
        return refuse(400, "400 how the body is coded is not understood\n", why);
    if (length && !text_uint(length, &size, &err))
        return refuse(400, "400 the length of the body is not understood\n", why);
    if (size > REQUEST_BODY_MAX)
        return refuse(413, "413 nobody reads so large a body\n", why);
    return 0;
}
