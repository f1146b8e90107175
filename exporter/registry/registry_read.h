/* SPDX-License-Identifier: Apache-2.0 */
/* Resolves references to a repository, and gets manifests. */
#pragma once

#include "oci/digest.h"
#include "oci/manifest.h"
#include "registry/registry.h"

/* Finds what a tag or digest stands for as containerd does: by a HEAD, and by a GET where the
 * registry answers that with 405, or does not announce the digest (of a tag) or the length. *found
 * gets the media type (Content-Type without parameters, "" if there is none), the digest and the
 * size, which are the registry's word only: registry_manifest() of the digest verifies them. */
bool registry_resolve(struct registry *registry, const char *object, struct descriptor *found,
                      struct arena *arena, struct cancel *cancel, struct error *err) MUST_CHECK;

/* Gets a manifest or index by tag or digest into `body`. *found gets the media type (of
 * Content-Type, or of the document if that is absent or general), the digest of the bytes, and the
 * size. Bytes that do not match the digest, or the announced one (Docker-Content-Digest) of a tag:
 * ERROR_DIGEST_MISMATCH. More
 * than MANIFEST_LIMIT_BYTES: ERROR_LIMIT. */
bool registry_manifest(struct registry *registry, const char *object, struct buf *body,
                       struct descriptor *found, struct arena *arena, struct cancel *cancel,
                       struct error *err) MUST_CHECK;

/* HEAD of a manifest on the host that accepts pushes; `digest` is "" if it does not exist. */
bool registry_manifest_digest(struct registry *registry, const char *object,
                              char digest[DIGEST_TEXT_BYTES], struct cancel *cancel,
                              struct error *err) MUST_CHECK;
