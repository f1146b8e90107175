/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Content service. */
#pragma once

#include "containerd/content.h"

containerd_decode content_wire_size; /* uint64_t; does not use the arena */

struct content_visitor {
    content_visit *visit;
    void *arg;
};

containerd_decode content_wire_list; /* struct content_visitor; does not use the arena */

struct content_record_visitor {
    content_record_visit *visit;
    void *arg;
};

/* A List request for these blobs only. */
void content_wire_find(struct buf *out, const char *const *digests, size_t count,
                       struct arena *arena);
containerd_decode content_wire_records; /* struct content_record_visitor */

/* A size of 0 means up to the end. */
void content_wire_read(struct buf *out, const char *digest, uint64_t offset, uint64_t size);
/* Finds the data of a Read reply. *data points into `message`, because chunks are large. */
bool content_wire_data(const struct buf *message, const void **data, size_t *size,
                       struct error *err) MUST_CHECK;

containerd_decode content_wire_ingests; /* struct ingests */

enum content_action {
    CONTENT_STAT,
    CONTENT_WRITE,
    CONTENT_COMMIT,
};

struct content_write {
    enum content_action action;
    const char *ref, *expected;
    uint64_t total, offset;
    struct labels labels;
    size_t data_size;
};

struct content_written {
    enum content_action action;
    uint64_t offset;
    const char *digest;
};

/* Everything but the data: the message ends with the length of the data, which the caller sends
 * after it. */
void content_wire_write(struct buf *out, const struct content_write *write, struct arena *arena);
containerd_decode content_wire_written; /* struct content_written */
