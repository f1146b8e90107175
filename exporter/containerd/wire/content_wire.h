/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Content service. */
#ifndef CONTAINERD_WIRE_CONTENT_WIRE_H
#define CONTAINERD_WIRE_CONTENT_WIRE_H

#include "containerd/content.h"

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
    size_t data_size; /* the data itself follows the packed message */
};

struct content_written {
    enum content_action action;
    uint64_t offset;
    const char *digest;
};

struct content_refs {
    const char **items;
    size_t count;
};

/* A request that is a digest only (Info, Delete). */
void content_wire_digest(struct buf *out, const char *digest);
bool content_wire_size(const struct buf *message, uint64_t *size, struct error *err) MUST_CHECK;
bool content_wire_list(const struct buf *message, content_visit *visit, void *arg,
                       struct error *err) MUST_CHECK;

/* A List of these blobs alone. */
void content_wire_find(struct buf *out, const char *const *digests, size_t count,
                       struct arena *arena);
bool content_wire_records(const struct buf *message, struct arena *arena,
                          content_record_visit *visit, void *arg, struct error *err) MUST_CHECK;

/* A size of 0 means up to the end. */
void content_wire_read(struct buf *out, const char *digest, uint64_t offset, uint64_t size);

/* The data of a Read reply, inside `message`: chunks are large, and not copied. */
bool content_wire_data(const struct buf *message, const void **data, size_t *size,
                       struct error *err) MUST_CHECK;

bool content_wire_statuses(const struct buf *message, struct arena *arena,
                           struct content_refs *refs, struct error *err) MUST_CHECK;
void content_wire_abort(struct buf *out, const char *ref);

/* Everything but the data, up to the length of the data: send it, then the data. */
void content_wire_write(struct buf *out, const struct content_write *write, struct arena *arena);
bool content_wire_written(const struct buf *message, struct arena *arena,
                          struct content_written *written, struct error *err) MUST_CHECK;

#endif
