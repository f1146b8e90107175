/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads blobs from the directory of a content store, without a call to the daemon. This works if
 * the exporter may read that directory (root on the node).
 *
 * A file that differs from what is expected counts as missing. The caller must then ask the daemon,
 * whose answer is authoritative.
 */
#pragma once

#include "base/buf.h"

#include <stdint.h>

struct content_files {
    int directory; /* of the blobs, with a folder per algorithm; -1: none */
};

#define CONTENT_FILES_INIT \
    {                      \
        .directory = -1    \
    }

/* Replaces the directory by that below `root`, the path that the content plugin exports, which is
 * one of the node (os/rootfs.h). A missing
 * or unreadable directory is no error: there are no blobs then. */
void content_files_open(struct content_files *files, const char *root);
void content_files_close(struct content_files *files);

/* Returns a descriptor for reading the blob if it is a file of that size, else -1. Does not check
 * the digest. The caller closes the descriptor. */
int content_files_blob(const struct content_files *files, const char *digest, uint64_t size);

/* Appends the blob and returns true if it is a file of that size with this digest. On failure `out`
 * may hold a part of it. */
bool content_files_read(const struct content_files *files, const char *digest, uint64_t size,
                        struct buf *out);
