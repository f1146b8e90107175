/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The blobs of a content store, read from its folder without the daemon: where the
 * exporter may look there (root on the node) a document costs no call.
 *
 * What is not exactly as expected is not there: the caller asks the daemon then,
 * whose answer counts.
 */
#ifndef CONTAINERD_CONTENT_FILES_H
#define CONTAINERD_CONTENT_FILES_H

#include "base/buf.h"

#include <stdint.h>

struct content_files {
    int folder; /* of the sha256 blobs; -1: none */
};

#define CONTENT_FILES_INIT \
    {                      \
        .folder = -1       \
    }

/* `root` is what the content plugin exports. None, or no permission, is no error. */
void content_files_open(struct content_files *files, const char *root);
void content_files_close(struct content_files *files);

/* For reading the blob, if it is a file of that size; -1 otherwise. Nothing is hashed. */
int content_files_blob(const struct content_files *files, const char *digest, uint64_t size);

/* Appends the blob, if it is a file of that size whose bytes have this digest. */
bool content_files_read(const struct content_files *files, const char *digest, uint64_t size,
                        struct buf *out);

#endif
