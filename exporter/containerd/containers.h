/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containerd's container records: the fields that collectors count. Each record carries its whole
 * OCI specification (kilobytes), so records are streamed and not kept.
 */
#pragma once

#include "containerd/containerd.h"

struct container_info {
    const char *image, *runtime; /* "" if the record has none */
    int64_t created_unix_ns;     /* 0: unknown */
};

/* Called once per container; the strings live until it returns. If it returns false, the list
 * ends and fails with the *err of the callback. */
typedef bool containers_visit(void *arg, const struct container_info *info, struct error *err);

/* `filter` has the syntax of `ctr containers ls`; NULL lists all. */
bool containers_list(const struct scope *scope, const char *filter, containers_visit *visit,
                     void *arg, struct cancel *cancel, struct error *err) MUST_CHECK;
