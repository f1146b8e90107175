/* SPDX-License-Identifier: Apache-2.0 */
/* Gets blobs from a repository, and checks whether they exist. */
#pragma once

#include "oci/manifest.h"
#include "registry/registry.h"

/* Streams a blob into `sink`, from the first host that has it; resumes after a broken connection.
 * More or fewer bytes than blob->size: ERROR_SIZE_MISMATCH. Other bytes: ERROR_DIGEST_MISMATCH. */
bool registry_blob(struct registry *registry, const struct descriptor *blob, http_sink *sink,
                   void *arg, struct cancel *cancel, struct error *err) MUST_CHECK;

/* The same for a sink that verifies the digest itself: only the size is verified. */
bool registry_blob_unverified(struct registry *registry, const struct descriptor *blob,
                              http_sink *sink, void *arg, struct cancel *cancel,
                              struct error *err) MUST_CHECK;

/* HEAD of a blob on the host that accepts pushes. */
bool registry_blob_exists(struct registry *registry, const struct descriptor *blob, bool *exists,
                          struct cancel *cancel, struct error *err) MUST_CHECK;
