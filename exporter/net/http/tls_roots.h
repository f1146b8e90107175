/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trusted certificates. Those of the system are found as Go's crypto/x509 finds them on Linux, so
 * that the exporter and containerd with equal variables trust the same registries: the first
 * readable bundle of a list, or SSL_CERT_FILE; and all files of some directories, or of those in
 * SSL_CERT_DIR, which are separated by colons. The list is one of the node's files (os/rootfs.h);
 * the variables belong to the exporter, so their paths are opened where they say.
 *
 * Thread-safe. A certificate that cannot be parsed is ignored.
 */
#pragma once

#include "base/error.h"

#include <openssl/x509.h>

/* Returns the certificates of `ca_file`, or of the system if it is "", and of `more`, which ends
 * with NULL or is NULL. The caller owns a reference: X509_STORE_free(). ERROR_INVALID if a file of
 * `ca_file` or `more` cannot be read, ERROR_TLS if there is no certificate at all. */
X509_STORE *tls_roots_new(const char *ca_file, const char *const *more, struct error *err);

/* Frees what is kept of the system's certificates. */
void tls_roots_deinit(void);
