/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the Location and Range headers of a blob upload. */
#pragma once

#include "base/buf.h"

#include <stdint.h>

/* Appends a Location, which must not be "", as an absolute URL without fragment. `base` is the URL
 * of the response. Unlike RFC 3986 it also accepts a host and a path without a scheme, as
 * containerd does. */
bool upload_location_url(const char *location, const char *base, struct buf *url,
                         struct error *err) MUST_CHECK;

/* Parses "0-1023" or "bytes=0-1023": *last is the offset of the last byte. */
bool upload_location_range(const char *text, uint64_t *last) MUST_CHECK;
