/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a blob of containerd's content store at the caller's pace. */
#pragma once

#include "containerd/containerd.h"

struct content_reader; /* belongs to one thread */

struct content_reader *content_reader_open(const struct scope *scope, const char *digest,
                                           struct cancel *cancel, struct error *err);
/* Reads at most `size` bytes. *n = 0 is the end of the blob. */
bool content_reader_read(struct content_reader *reader, void *data, size_t size, size_t *n,
                         struct error *err) MUST_CHECK;
void content_reader_free(struct content_reader *reader);
DEFINE_CLEANUP(struct content_reader *, content_reader_free)
