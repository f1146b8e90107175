/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds blobs that containerd believes to have and has not: whose file is missing, cut short or
 * cannot be read, or has other bytes than its name promises. `ctr images check` reads records only
 * and sees none of it. (What follows the recorded size in a file nobody sees: the daemon cuts it.)
 *
 * A look costs one byte (the last of the blob), a full hash all of them. A rotation looks at every
 * digest once, whichever namespaces have it, in the order of the digests; one rotation of looks and
 * one of hashes go on at once, in slices. One blob at a time; a hash that does not fit into a slice
 * is continued in the next. A blob that is deleted meanwhile is not bad.
 */
#ifndef INVENTORY_SCRUB_SCRUB_H
#define INVENTORY_SCRUB_SCRUB_H

#include "containerd/containerd.h"

enum scrub_kind {
    SCRUB_MISSING_FILE,
    SCRUB_TRUNCATED,
    SCRUB_WRONG_HASH,
    SCRUB_UNREADABLE, /* the daemon has the file, and cannot read it: a bad disk */
    SCRUB_KINDS,
};

const char *scrub_kind_name(enum scrub_kind kind); /* "missing_file": the value of a label */

struct scrub_bad {
    const char *digest;
    enum scrub_kind kind;
};

/* An image that needs a bad blob: of its own manifest or of any that its index lists. */
struct scrub_hit {
    const char *name_space, *image, *digest;
    enum scrub_kind kind;
};

struct scrub_slice {
    size_t looks_max;    /* blobs to look at */
    uint64_t hash_bytes; /* bytes to hash; 0: no hashes */
};

struct scrub_totals {
    uint64_t blobs, bytes;     /* that there are, each digest once; of the last slice's list */
    uint64_t looked;           /* blobs of the present rotation of looks */
    uint64_t read_bytes;       /* all that was ever read */
    uint64_t looks, hashes;    /* complete rotations */
    double last_look_rotation; /* unix seconds when the last one was complete; 0: never */
    double last_hash_rotation;
    size_t bad[SCRUB_KINDS]; /* blobs that are bad now */
    size_t hits_dropped;     /* beyond the ceiling on hits */
};

struct scrub; /* how far it has come, and what it has found; one thread at a time */

struct scrub *scrub_new(void); /* NULL: no memory */
void scrub_free(struct scrub *scrub);
DEFINE_CLEANUP(struct scrub *, scrub_free)

/* One slice of the rotations. On failure it goes on from there the next time. */
bool scrub_run(struct scrub *scrub, struct containerd *containerd, const struct scrub_slice *slice,
               struct cancel *cancel, struct error *err) MUST_CHECK;

void scrub_totals(const struct scrub *scrub, struct scrub_totals *totals);

/* The images that need what is known to be bad, as of the last slice. Strings live until the next
 * slice. */
void scrub_each_hit(const struct scrub *scrub, void (*visit)(void *arg, const struct scrub_hit *),
                    void *arg);

/* For a person who waits: everything at once, as fast as it goes. */
struct scrub_progress {
    uint64_t blobs,
        blobs_total; /* finished; blobs_total and bytes_total are known from the start */
    uint64_t bytes, bytes_total; /* hashed */
};

struct scrub_observer {
    void (*progress)(void *arg, const struct scrub_progress *progress); /* may be NULL */
    void (*bad)(void *arg, const struct scrub_bad *bad); /* as it is found; may be NULL */
    void (*hit)(void *arg, const struct scrub_hit *hit); /* at the end; may be NULL */
    void *arg;
};

/* `namespaces` ends with NULL; NULL: all but those of the probes. True where all was read, even if
 * something is bad. */
bool scrub_everything(struct containerd *containerd, const char *const *namespaces,
                      const struct scrub_observer *observer, struct cancel *cancel,
                      struct error *err) MUST_CHECK;

#endif
