/* SPDX-License-Identifier: Apache-2.0 */
/* Any headers. There is always a result, and its format exists. */
#include "metrics/negotiate.h"

#include "base/own.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *header, bool openmetrics_2)
{
    struct negotiated got;
    const char *escaping;

    negotiate_format(header, openmetrics_2, &got);
    if (got.format >= ENCODE_FORMATS || (got.format == ENCODE_OPENMETRICS_2 && !openmetrics_2))
        __builtin_trap();
    if (got.format == ENCODE_PROTOBUF && !strcasestr(header, "application/vnd.google.protobuf"))
        __builtin_trap();
    escaping = strstr(got.content_type, "; escaping=");
    if (!escaping || strlen(escaping) < strlen("; escaping=dots"))
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(freep) char *header = strndup((const char *)data, size);

    if (!header)
        return 0;
    check(header, false);
    check(header, true);
    if (negotiate_gzip(header) && !strcasestr(header, "gzip") && !strchr(header, '*'))
        __builtin_trap();
    return 0;
}
