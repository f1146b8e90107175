/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sorted list of every digest that any namespace has: the course of a rotation. Digests are
 * stored as bytes, so that a large store takes little memory. A digest of an unknown algorithm
 * cannot be verified and is only counted.
 */
#pragma once

#include "base/arena.h"
#include "containerd/containerd.h"
#include "oci/digest.h"
#include "oci/name_map.h"

#define SCRUB_BLOBS_MAX ((size_t)1000000)

struct scrub_sum {
    unsigned char algorithm, bytes[DIGEST_RAW_BYTES]; /* of digest_pack() */
};

int scrub_sum_compare(const struct scrub_sum *a, const struct scrub_sum *b);
void scrub_sum_text(const struct scrub_sum *sum, char out[DIGEST_TEXT_BYTES]);
/* False if `digest` is of an unknown algorithm, or invalid. */
bool scrub_sum_parse(struct scrub_sum *sum, const char *digest);

struct scrub_blob {
    struct scrub_sum sum;
    uint64_t size;
    const char *name_space; /* one of those that have it */
};

struct scrub_blobs {
    struct scrub_blob *items;
    size_t count;
    uint64_t bytes;
    struct name_map unverified; /* digests of unknown algorithms */
    const char *example;        /* one of them; NULL: none */
    size_t capacity_;           /* private */
    struct arena names_;
};

#define SCRUB_BLOBS_NAMES_MAX ((size_t)16 << 20)
#define SCRUB_BLOBS_INIT                                                          \
    {                                                                             \
        .unverified = NAME_MAP_INIT, .names_ = ARENA_INIT(SCRUB_BLOBS_NAMES_MAX), \
    }

/* `namespaces` ends with NULL; NULL means all but those of the probes. */
bool scrub_namespace_wanted(const char *const *namespaces, const char *name);
bool scrub_blobs_list(struct scrub_blobs *blobs, struct containerd *containerd,
                      const char *const *namespaces, struct cancel *cancel,
                      struct error *err) MUST_CHECK;
void scrub_blobs_deinit(struct scrub_blobs *blobs);

/* The steps of scrub_blobs_list(). */
bool scrub_blobs_add(struct scrub_blobs *blobs, const char *digest, uint64_t size,
                     const char *name_space, struct error *err) MUST_CHECK;
void scrub_blobs_sort(struct scrub_blobs *blobs);

/* Return the first blob after `sum` (NULL: the first of all) and the blob `sum`. NULL: none. */
const struct scrub_blob *scrub_blobs_after(const struct scrub_blobs *blobs,
                                           const struct scrub_sum *sum);
const struct scrub_blob *scrub_blobs_find(const struct scrub_blobs *blobs,
                                          const struct scrub_sum *sum);
