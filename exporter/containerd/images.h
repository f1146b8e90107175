/* SPDX-License-Identifier: Apache-2.0 */
/* containerd's image records: a name and the descriptor that it stands for. */
#pragma once

#include "containerd/containerd.h"
#include "oci/manifest.h"

struct image_record {
    const char *name;
    struct descriptor target;
    struct labels labels;
    int64_t created_unix_ns; /* 0: unknown */
};

struct image_records {
    struct image_record *items;
    size_t count;
};

/* The records have no labels. They are in no order if the list is longer than one message of the
 * daemon. */
bool images_list(const struct scope *scope, struct arena *arena, struct image_records *records,
                 struct cancel *cancel, struct error *err) MUST_CHECK;

/* ERROR_NOT_FOUND if there is no such record. */
bool images_get(const struct scope *scope, const char *name, struct arena *arena,
                struct image_record *record, struct cancel *cancel, struct error *err) MUST_CHECK;

/* RPC_ALREADY_EXISTS if there is a record of that name. */
bool images_create(const struct scope *scope, const struct image_record *record,
                   struct cancel *cancel, struct error *err) MUST_CHECK;

/* A missing record is success. */
bool images_delete(const struct scope *scope, const char *name, struct cancel *cancel,
                   struct error *err) MUST_CHECK;
