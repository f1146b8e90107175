/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which entries of an index fit this machine, and which fits best.
 *
 * The rules are those of containerd's platform library as `ctr` uses it: names are
 * normalised (x86_64 -> amd64, aarch64 -> arm64 without v8, armhf -> arm/v7), and a
 * machine accepts a vector of platforms, best first (amd64 also runs 386).
 */
#ifndef OCI_PLATFORM_H
#define OCI_PLATFORM_H

#include "oci/manifest.h"

#define PLATFORM_VECTOR_MAX 10

/* Points into itself: filled where it stays, never copied. */
struct platform_matcher {
    struct platform accepted[PLATFORM_VECTOR_MAX]; /* normalised, best first */
    size_t n_accepted;
    bool no_dotted_variants; /* "v8.0" and "9" are not other words for "v8" and "v9" */
    bool no_features;        /* an entry that wants features of the system does not match */
    char text[3][16];        /* private */
};

/* This machine (uname; for arm the "CPU architecture" of /proc/cpuinfo). */
void platform_matcher_host(struct platform_matcher *matcher);

/* "linux/amd64", "linux/arm64", "linux/arm/v7", with its vector. ERROR_INVALID otherwise. */
bool platform_matcher_parse(struct platform_matcher *matcher, const char *text,
                            struct error *err) MUST_CHECK;

/* "linux/amd64", of the best platform. Returns out. */
const char *platform_matcher_name(const struct platform_matcher *matcher, char *out, size_t size);

bool platform_matches(const struct platform_matcher *matcher, const struct platform *platform);

/* The entry of an index that containerd would take: the best that matches, then one without a
 * platform; NULL if there is neither. */
const struct descriptor *platform_choose(const struct platform_matcher *matcher,
                                         const struct manifest *index);

#endif
