/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a name of a certificate covers a host, by the rules of Go's crypto/x509. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* `name`: a DNS name of the certificate's SAN, which may contain any bytes. `host` is not an
 * address: a DNS name never covers one. */
bool tls_name_covers(const char *name, size_t size, const char *host);
