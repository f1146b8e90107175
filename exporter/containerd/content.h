/* SPDX-License-Identifier: Apache-2.0 */
/* containerd's content store: blobs by digest, and uploads in progress ("ingests") by name. */
#ifndef CONTAINERD_CONTENT_H
#define CONTAINERD_CONTENT_H

#include "containerd/containerd.h"

struct content_info {
    const char *digest;
    uint64_t size;
};

/* Called once per blob of the namespace; the strings live until it returns. False stops the
 * list with the *err it has filled. */
typedef bool content_visit(void *arg, const struct content_info *info, struct error *err);

bool content_list(const struct scope *scope, content_visit *visit, void *arg, struct cancel *cancel,
                  struct error *err) MUST_CHECK;

struct content_record {
    const char *digest;
    uint64_t size;
    int64_t created_unix_ns; /* when the namespace got it; 0: not told */
    struct labels labels;
};

/* As content_visit. */
typedef bool content_record_visit(void *arg, const struct content_record *record,
                                  struct error *err);

/* All that is known of those of the `digests` that the namespace has; ERROR_INVALID for what is no
 * digest. Asks for many at a time. */
bool content_find(const struct scope *scope, const char *const *digests, size_t count,
                  content_record_visit *visit, void *arg, struct cancel *cancel,
                  struct error *err) MUST_CHECK;

/* ERROR_NOT_FOUND where the namespace has no such blob. */
bool content_size(const struct scope *scope, const char *digest, uint64_t *size,
                  struct cancel *cancel, struct error *err) MUST_CHECK;

/* Appends the whole blob. More than the buf takes: ERROR_LIMIT. */
bool content_read(const struct scope *scope, const char *digest, struct buf *out,
                  struct cancel *cancel, struct error *err) MUST_CHECK;

/* Hands the blob to `sink` piece by piece; false from the sink ends it with the sink's *err. */
typedef bool content_sink(void *arg, const void *data, size_t size, struct error *err);
bool content_stream(const struct scope *scope, const char *digest, content_sink *sink, void *arg,
                    struct cancel *cancel, struct error *err) MUST_CHECK;

/* The same for `size` bytes from `offset` on; a size of 0 means up to the end. */
bool content_stream_range(const struct scope *scope, const char *digest, uint64_t offset,
                          uint64_t size, content_sink *sink, void *arg, struct cancel *cancel,
                          struct error *err) MUST_CHECK;

bool content_delete(const struct scope *scope, const char *digest, struct cancel *cancel,
                    struct error *err) MUST_CHECK;

/* Abandons every upload of the namespace. */
bool content_abort_all(const struct scope *scope, struct cancel *cancel,
                       struct error *err) MUST_CHECK;

/* The same, pulled instead of pushed: reads at most `size` bytes, *n = 0 is the end. */
struct content_reader;

struct content_reader *content_reader_open(const struct scope *scope, const char *digest,
                                           struct cancel *cancel, struct error *err);
bool content_reader_read(struct content_reader *reader, void *data, size_t size, size_t *n,
                         struct error *err) MUST_CHECK;
void content_reader_free(struct content_reader *reader);
DEFINE_CLEANUP(struct content_reader *, content_reader_free)

/* One upload. The daemon is not told the digest before the end: it could then answer with a
 * copy of a blob that another namespace holds, and a cold pull would not be one. */
struct content_writer;

struct content_writer *content_writer_open(const struct scope *scope, const char *ref,
                                           uint64_t total, struct cancel *cancel,
                                           struct error *err);
/* Copies `data`. A failure of the daemon may show up one call later. */
bool content_writer_write(struct content_writer *writer, const void *data, size_t size,
                          struct error *err) MUST_CHECK;
/* The same as a content_sink, whose argument is the writer. */
bool content_writer_sink(void *writer, const void *data, size_t size, struct error *err) MUST_CHECK;
/* A blob that the namespace has already is success. */
bool content_writer_commit(struct content_writer *writer, const char *digest,
                           const struct labels *labels, struct error *err) MUST_CHECK;
/* Without a commit the ingest stays until it is aborted or its lease ends. */
void content_writer_free(struct content_writer *writer);
DEFINE_CLEANUP(struct content_writer *, content_writer_free)

/* A blob that is in memory. */
bool content_put(const struct scope *scope, const char *ref, const struct content_info *info,
                 const void *data, const struct labels *labels, struct cancel *cancel,
                 struct error *err) MUST_CHECK;

/* Lets the namespace have a blob that another one holds, and copies nothing. *shared is false where
 * the daemon shares nothing between namespaces: the blob has to be put, under another `ref`. */
bool content_share(const struct scope *scope, const char *ref, const struct content_info *info,
                   const struct labels *labels, bool *shared, struct cancel *cancel,
                   struct error *err) MUST_CHECK;

#endif
