/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds damaged blobs: containerd has a record, but the file is missing, truncated or unreadable,
 * or its bytes do not match the digest. `ctr images check` reads records only, so it does not find
 * them. Bytes beyond the recorded size do not matter, because the daemon does not send them.
 *
 * There are two checks: one reads the last byte of the blob, the other hashes all of it. A rotation
 * checks every digest once, in the order of the digests, whichever namespaces have it. One rotation
 * of each check is in progress, in slices and one blob at a time. A hash that does not fit into a
 * slice continues in the next. A blob that is deleted in the meantime is not bad.
 *
 * A blob is hashed with the algorithm of its digest. Blobs of an unknown algorithm are not checked,
 * but counted.
 */
#pragma once

#include "containerd/containerd.h"

enum scrub_kind {
    SCRUB_MISSING_FILE,
    SCRUB_TRUNCATED,
    SCRUB_WRONG_HASH,
    SCRUB_UNREADABLE, /* the daemon has the file, but cannot read it: a disk error */
    SCRUB_KINDS,
};

const char *scrub_kind_name(enum scrub_kind kind); /* "missing_file": a label value */

struct scrub_bad {
    const char *digest;
    enum scrub_kind kind;
};

/* An image that needs a bad blob, for its own manifest or for any that its index lists. */
struct scrub_hit {
    const char *name_space, *image, *digest;
    enum scrub_kind kind;
};

struct scrub_slice {
    size_t checks_max;   /* last-byte checks */
    uint64_t hash_bytes; /* bytes to hash; 0: none */
};

struct scrub_totals {
    uint64_t read_bytes;                      /* in all slices */
    uint64_t check_rotations, hash_rotations; /* complete ones */
    double last_check_rotation; /* when the last one was completed, in unix seconds; 0: never */
    double last_hash_rotation;  /* likewise */
    size_t bad[SCRUB_KINDS];    /* bad blobs */
    size_t unverified;          /* blobs whose digest has an unknown algorithm */
    size_t hits_dropped;        /* hits of the last slice above SCRUB_HITS_MAX */
};

struct scrub; /* position and findings; at most one thread may use it at a time */

struct scrub *scrub_new(void); /* NULL: out of memory */
void scrub_free(struct scrub *scrub);
DEFINE_CLEANUP(struct scrub *, scrub_free)

/* Runs one slice of the rotations. After a failure the next slice continues from there. */
bool scrub_run(struct scrub *scrub, struct containerd *containerd, const struct scrub_slice *slice,
               struct cancel *cancel, struct error *err) MUST_CHECK;

void scrub_totals(const struct scrub *scrub, struct scrub_totals *totals);

/* Visits the images that need a bad blob, as of the last slice. Strings live until the next slice.
 */
void scrub_each_hit(const struct scrub *scrub, void (*visit)(void *arg, const struct scrub_hit *),
                    void *arg);

struct scrub_progress {
    uint64_t blobs, bytes; /* finished */
    uint64_t blobs_total, bytes_total;
};

struct scrub_observer {
    void (*progress)(void *arg, const struct scrub_progress *progress); /* may be NULL */
    void (*bad)(void *arg, const struct scrub_bad *bad);                /* at once; may be NULL */
    /* At the begin, if there are blobs whose digest has an unknown algorithm. May be NULL. */
    void (*unverified)(void *arg, size_t count, const char *example);
    void (*hit)(void *arg, const struct scrub_hit *hit); /* at the end; may be NULL */
    void *arg;
};

/* Checks everything at once, without a budget. `namespaces` ends with NULL; NULL means all but
 * those of the probes. Succeeds if everything was read, even if blobs are bad
 * or unverified. */
bool scrub_everything(struct containerd *containerd, const char *const *namespaces,
                      const struct scrub_observer *observer, struct cancel *cancel,
                      struct error *err) MUST_CHECK;
