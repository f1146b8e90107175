/* SPDX-License-Identifier: Apache-2.0 */
/* Gets manifests and blobs from a repository, and checks what exists. */
#pragma once

#include "oci/digest.h"
#include "oci/manifest.h"
#include "registry/registry.h"

/* Gets a manifest or index by tag or digest into `body`. *found gets the media type (of
 * Content-Type, without parameters), the digest of the bytes, and the size. Bytes that do not match
 * the requested digest or the announced one (Docker-Content-Digest): ERROR_DIGEST_MISMATCH. More
 * than MANIFEST_LIMIT_BYTES: ERROR_LIMIT. */
bool registry_manifest(struct registry *registry, const char *object, struct buf *body,
                       struct descriptor *found, struct arena *arena, struct cancel *cancel,
                       struct error *err) MUST_CHECK;

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

/* HEAD of a manifest on the host that accepts pushes; `digest` is "" if it does not exist. */
bool registry_manifest_digest(struct registry *registry, const char *object,
                              char digest[DIGEST_TEXT_BYTES], struct cancel *cancel,
                              struct error *err) MUST_CHECK;
