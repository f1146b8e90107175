/* SPDX-License-Identifier: Apache-2.0 */
/* Which format a scraper gets, from its Accept headers: RFC 9110 as Prometheus uses it. */
#ifndef METRICS_NEGOTIATE_H
#define METRICS_NEGOTIATE_H

#include "metrics/encode.h"

#define NEGOTIATED_TYPE_BYTES 192

struct negotiated {
    enum encode_format format;
    char content_type[NEGOTIATED_TYPE_BYTES]; /* whole, with version, charset, escaping */
};

/* `accept`: repeated headers joined with ","; NULL: there was none. Always finds one: a scrape is
 * never refused. `openmetrics_2`: whether that may be given to whom asks for it. */
void negotiate_format(const char *accept, bool openmetrics_2, struct negotiated *out);

/* Whether Accept-Encoding (NULL: none) takes gzip. */
bool negotiate_gzip(const char *accept_encoding);

#endif
