/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether an image is complete and unpacked: the answers of `ctr images check`,
 * from facts instead of calls.
 *
 * Who asks provides the facts: what the namespace holds (from lists of the
 * daemon) and what the documents say (from a cache of parses). Nothing here does
 * I/O, so that a thousand images cost two milliseconds.
 */
#ifndef INVENTORY_IMAGE_CHECK_H
#define INVENTORY_IMAGE_CHECK_H

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
    IMAGE_UNREADABLE, /* the record is there, but the bytes are not, or make no sense */
};

struct image_blob {
    const char *digest;
    uint64_t size;
    const char *data; /* the bytes, where the descriptor carries them; or NULL */
};

/* What a check wants to know of a configuration. */
struct image_essence {
    struct platform platform;
    const char *chain_id; /* of all layers; "" if there is none */
};

/* Results live at least until image_check() returns. A document is asked for only if size_of()
 * has found its blob (blob->size is what it said), or if the bytes are known. */
struct image_facts {
    const struct check_rules *rules;
    const struct platform_matcher *matcher;
    bool (*size_of)(void *arg, const char *digest, uint64_t *size);
    enum image_lookup (*manifest)(void *arg, const struct image_blob *blob, const char *media_type,
                                  const struct manifest **manifest);
    enum image_lookup (*config)(void *arg, const struct image_blob *blob,
                                const struct image_essence **config);
    enum image_lookup (*snapshot)(void *arg, const char *chain_id);
    void *arg;
};

enum image_status {
    IMAGE_COMPLETE,
    IMAGE_INCOMPLETE,  /* the manifest is there, but not all it names */
    IMAGE_UNAVAILABLE, /* there is no manifest for this platform */
    IMAGE_ERROR,       /* a document cannot be read */
    IMAGE_STATUSES,
};

/* "complete", "incomplete", "unavailable", "error": values of a metric label, never change. */
const char *image_status_name(enum image_status status);

struct image_verdict {
    enum image_status status;
    /* Configuration and layers, counted as often as they are named, with the sizes that the
     * manifest declares, however odd; all 0 unless the status is complete or incomplete. */
    size_t required, present;
    int64_t required_bytes, present_bytes;
    bool unpacked;
    bool unpack_failed; /* not unpacked because it could not be found out */
};

void image_check(struct image_verdict *verdict, const struct descriptor *target,
                 const struct image_facts *facts);

#endif
