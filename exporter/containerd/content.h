/* SPDX-License-Identifier: Apache-2.0 */
/* containerd's content store: blobs by digest, and ingests (uploads in progress) by name. */
#pragma once

#include "containerd/containerd.h"

struct content_info {
    const char *digest;
    uint64_t size;
    const char
        *snapshotters; /* in lists: those that the blob's labels name as having a snapshot of
                        * its image, each but the last followed by CONTENT_SNAPSHOTTERS_END */
};
#define CONTENT_SNAPSHOTTERS_END "/"

/* Called once per blob of the namespace; the strings live until it returns. If it returns false,
 * the list ends and fails with the *err of the callback. */
typedef bool content_visit(void *arg, const struct content_info *info, struct error *err);

bool content_list(const struct scope *scope, content_visit *visit, void *arg, struct cancel *cancel,
                  struct error *err) MUST_CHECK;

struct content_record {
    const char *digest;
    uint64_t size;
    int64_t created_unix_ns; /* when the namespace got the blob; 0: unknown */
    struct labels labels;
};

/* As content_visit. */
typedef bool content_record_visit(void *arg, const struct content_record *record,
                                  struct error *err);

/* Visits all records of the namespace. */
bool content_records(const struct scope *scope, content_record_visit *visit, void *arg,
                     struct cancel *cancel, struct error *err) MUST_CHECK;

/* Visits the records of those `digests` that the namespace has. ERROR_INVALID if one of them is no
 * digest. Sends one request for many digests. */
bool content_find(const struct scope *scope, const char *const *digests, size_t count,
                  content_record_visit *visit, void *arg, struct cancel *cancel,
                  struct error *err) MUST_CHECK;

/* ERROR_NOT_FOUND if the namespace has no such blob. */
bool content_size(const struct scope *scope, const char *digest, uint64_t *size,
                  struct cancel *cancel, struct error *err) MUST_CHECK;

/* Appends the whole blob. ERROR_LIMIT if it does not fit into `out`. */
bool content_read(const struct scope *scope, const char *digest, struct buf *out,
                  struct cancel *cancel, struct error *err) MUST_CHECK;

/* Receives the data of a blob in order. If it returns false, reading ends and fails with the *err
 * of the callback. */
typedef bool content_sink(void *arg, const void *data, size_t size, struct error *err);

bool content_stream(const struct scope *scope, const char *digest, content_sink *sink, void *arg,
                    struct cancel *cancel, struct error *err) MUST_CHECK;

/* Reads `size` bytes from `offset` on; a size of 0 means up to the end. The daemon may send more
 * than `size` bytes. */
bool content_stream_range(const struct scope *scope, const char *digest, uint64_t offset,
                          uint64_t size, content_sink *sink, void *arg, struct cancel *cancel,
                          struct error *err) MUST_CHECK;

/* A missing blob is success. */
bool content_delete(const struct scope *scope, const char *digest, struct cancel *cancel,
                    struct error *err) MUST_CHECK;

struct ingest {
    const char *ref;
    uint64_t offset_bytes, total_bytes; /* total 0: unknown */
    double started, updated;            /* seconds since 1970; 0: unknown */
};

struct ingests {
    struct ingest *items;
    size_t count;
};

/* The daemon reads the state of each ingest from its file, which is cheap. */
bool content_ingests(const struct scope *scope, struct arena *arena, struct ingests *ingests,
                     struct cancel *cancel, struct error *err) MUST_CHECK;

/* Aborts every ingest of the namespace. */
bool content_abort_all(const struct scope *scope, struct cancel *cancel,
                       struct error *err) MUST_CHECK;
