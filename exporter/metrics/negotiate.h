/* SPDX-License-Identifier: Apache-2.0 */
/* Selects the exposition format from Accept headers: RFC 9110 as Prometheus uses it. */
#pragma once

#include "metrics/encode.h"

#define NEGOTIATED_TYPE_BYTES 192

struct negotiated {
    enum encode_format format;
    char content_type[NEGOTIATED_TYPE_BYTES]; /* with version, charset, escaping */
};

/* `accept` is the header, repeated ones joined with ","; NULL if there is none. Text is the
 * default: a scrape is never rejected. `openmetrics_2` allows OpenMetrics 2.0 if the client asks
 * for it. */
void negotiate_format(const char *accept, bool openmetrics_2, struct negotiated *out);

/* Whether Accept-Encoding (NULL: none) accepts gzip. */
bool negotiate_gzip(const char *accept_encoding);
