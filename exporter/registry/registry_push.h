/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads blobs and manifests to a repository, and deletes them. All requests go to the first host
 * that accepts pushes. */
#pragma once

#include "oci/manifest.h"
#include "registry/registry.h"

/* The body of an upload. The client calls rewind() and then read() until the end, again whenever it
 * needs the beginning: after a 401 or a broken connection. */
struct registry_source {
    http_rewind *rewind;
    http_source *read;
    void *arg;
};

struct registry_upload {
    uint64_t chunk_bytes; /* chunked upload: PATCHes of this size; 0: one PUT */
    const char
        *mount_from; /* repository of the same registry to mount the blob from; may be NULL */
};

/* Uploads a blob. After a broken connection the upload resumes where the registry has it (chunked)
 * or starts again (one PUT), at most three times in a row without progress. *mounted: the registry
 * mounted the blob from `mount_from`, and nothing was sent. A failed upload is canceled in the
 * registry. */
bool registry_push_blob(struct registry *registry, const struct descriptor *blob,
                        const struct registry_source *source, const struct registry_upload *how,
                        bool *mounted, struct cancel *cancel, struct error *err) MUST_CHECK;

/* The registry returns another digest than manifest->digest: ERROR_DIGEST_MISMATCH. */
bool registry_push_manifest(struct registry *registry, const char *object,
                            const struct descriptor *manifest, const struct buf *body,
                            struct cancel *cancel, struct error *err) MUST_CHECK;

/* Deletes a manifest by digest, or a blob. Returns true if it does not exist. A registry that does
 * not support it (405, or 400 UNSUPPORTED): ERROR_UNSUPPORTED. */
bool registry_delete_manifest(struct registry *registry, const char *digest, struct cancel *cancel,
                              struct error *err) MUST_CHECK;
bool registry_delete_blob(struct registry *registry, const char *digest, struct cancel *cancel,
                          struct error *err) MUST_CHECK;

/* The same for a tag. Some registries delete the manifest with it: the caller must know that the
 * tag has an image of its own. */
bool registry_delete_tag(struct registry *registry, const char *tag, struct cancel *cancel,
                         struct error *err) MUST_CHECK;
