/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containerd's container records, as far as somebody counts them. Each carries
 * its whole OCI specification (kilobytes), so they are streamed and forgotten.
 */
#ifndef CONTAINERD_CONTAINERS_H
#define CONTAINERD_CONTAINERS_H

#include "containerd/containerd.h"

struct container_info {
    const char *image, *runtime; /* "" where the record has none */
};

/* Called once per container; the strings live until it returns. False stops the list with the
 * *err it has filled. */
typedef bool containers_visit(void *arg, const struct container_info *info, struct error *err);

/* `filter` as ctr takes it; NULL: all. */
bool containers_list(const struct scope *scope, const char *filter, containers_visit *visit,
                     void *arg, struct cancel *cancel, struct error *err) MUST_CHECK;

#endif
