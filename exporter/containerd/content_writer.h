/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes blobs into containerd's content store.
 *
 * The daemon learns the digest with the commit only: told earlier, it could use a copy that
 * another namespace has, and a pull would not be cold.
 */
#pragma once

#include "containerd/content.h"

struct content_writer; /* one ingest; belongs to one thread */

/* ERROR_NOT_COLD if the daemon already has a part of the ingest `ref`. */
struct content_writer *content_writer_open(const struct scope *scope, const char *ref,
                                           uint64_t total, struct cancel *cancel,
                                           struct error *err);
/* Copies `data`. An error of the daemon may be reported by the next call. */
bool content_writer_write(struct content_writer *writer, const void *data, size_t size,
                          struct error *err) MUST_CHECK;
/* content_writer_write() as a content_sink; its argument is the writer. */
bool content_writer_sink(void *writer, const void *data, size_t size, struct error *err) MUST_CHECK;
/* A blob that the namespace has already is success. */
bool content_writer_commit(struct content_writer *writer, const char *digest,
                           const struct labels *labels, struct error *err) MUST_CHECK;
/* Without a commit the ingest stays until it is aborted or its lease ends. */
void content_writer_free(struct content_writer *writer);
DEFINE_CLEANUP(struct content_writer *, content_writer_free)

/* Writes a whole blob from memory. */
bool content_put(const struct scope *scope, const char *ref, const struct content_info *info,
                 const void *data, const struct labels *labels, struct cancel *cancel,
                 struct error *err) MUST_CHECK;

/* Adds a blob of another namespace to this one without copying it. *shared is false if the daemon
 * does not share content between namespaces: the caller must then write the blob, under another
 * `ref`. */
bool content_share(const struct scope *scope, const char *ref, const struct content_info *info,
                   const struct labels *labels, bool *shared, struct cancel *cancel,
                   struct error *err) MUST_CHECK;
