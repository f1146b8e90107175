/* SPDX-License-Identifier: Apache-2.0 */
/* How registries write where an upload goes on, and what they have of it. */
#ifndef REGISTRY_UPLOAD_LOCATION_H
#define REGISTRY_UPLOAD_LOCATION_H

#include "base/buf.h"

#include <stdint.h>

/* Appends a Location as a whole URL, without fragment: it may be one, one without scheme, or a path
 * on the host of `base`, the URL that was asked. */
bool upload_location_url(const char *location, const char *base, struct buf *url,
                         struct error *err) MUST_CHECK;

/* "0-1023", or "bytes=0-1023": *last is where the last byte is. False for anything else. */
bool upload_location_range(const char *text, uint64_t *last) MUST_CHECK;

#endif
