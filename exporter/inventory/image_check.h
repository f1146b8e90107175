/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decides whether an image is complete and unpacked, as `ctr images check` does, but without calls.
 *
 * The caller provides the facts: the contents of the namespace (from lists of the daemon) and the
 * parsed documents (from a cache). This module does no I/O: a thousand images take two
 * milliseconds.
 */
#pragma once

#include "oci/platform.h"

#define IMAGE_CHECK_DEPTH_MAX 16 /* documents from the target to the manifest */

/* How versions of containerd judge an image differently. A new difference is a column of the table
 * in image_check.c, a version that changes its judgement is a row. */
struct check_rules {
    unsigned since;       /* the first DAEMON_VERSION() with these rules */
    bool inline_data;     /* a document that its descriptor embeds needs no blob */
    bool config_variant;  /* for an entry without platform, the variant in its config counts */
    bool dotted_variants; /* "v8.0" equals "v8" */
    bool os_features;     /* an entry that requires OS features does not match */
};

/* Text that is no version gets the rules of the newest. */
const struct check_rules *check_rules_of(const char *version);

enum image_lookup {
    IMAGE_FOUND,
    IMAGE_MISSING,
    IMAGE_UNREADABLE, /* there is a record, but its bytes are missing or invalid */
    IMAGE_UNKNOWN,    /* of snapshots: the snapshotter does not answer */
};

struct image_blob {
    const char *digest;
    uint64_t size;
    const char *data; /* the bytes if the descriptor embeds them, else NULL */
};

/* What a check reads of a configuration. */
struct image_config_facts {
    struct platform platform;
    const char *chain_id; /* of all layers; "" if there are none */
};

/* Callbacks that provide the facts. Their results must live until image_check() returns. A document
 * is requested only if size_of() has found its blob (blob->size is its result), or if the
 * descriptor embeds it. */
struct image_facts {
    const struct check_rules *rules;
    const struct platform_matcher *matcher;
    bool (*size_of)(void *arg, const char *digest, uint64_t *size);
    enum image_lookup (*manifest)(void *arg, const struct image_blob *blob, const char *media_type,
                                  const struct manifest **manifest);
    enum image_lookup (*config)(void *arg, const struct image_blob *blob,
                                const struct image_config_facts **config);
    enum image_lookup (*snapshot)(void *arg, const char *config_digest, const char *chain_id);
    void *arg;
};

enum image_status {
    IMAGE_COMPLETE,
    IMAGE_INCOMPLETE,  /* the manifest is there, but not every blob that it names */
    IMAGE_UNAVAILABLE, /* there is no manifest for this platform */
    IMAGE_ERROR,       /* a document cannot be read */
    IMAGE_STATUSES,
};

/* "complete", "incomplete", "unavailable", "error": values of a metric label, which must not
 * change.
 */
const char *image_status_name(enum image_status status);

struct image_verdict {
    enum image_status status;
    /* Configuration and layers, counted as often as the manifest names them, with the sizes that it
     * declares, even invalid ones. All 0 unless the status is complete or incomplete. */
    size_t required, present;
    int64_t required_bytes, present_bytes;
    bool unpacked;
    bool unpack_failed;  /* whether it is unpacked could not be found out */
    bool unpack_unknown; /* likewise, but because the snapshotter does not answer */
};

void image_check(struct image_verdict *verdict, const struct descriptor *target,
                 const struct image_facts *facts);
