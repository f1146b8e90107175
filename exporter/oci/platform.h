/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selects the entries of an index that fit a machine, and the best of them.
 *
 * The rules are those of containerd's platform library as `ctr` uses it. Names are
 * normalized (x86_64 -> amd64, aarch64 -> arm64 without v8, armhf -> arm/v7). A
 * machine accepts a vector of platforms, best first: amd64 also runs 386.
 */
#pragma once

#include "oci/manifest.h"

#define PLATFORM_VECTOR_MAX 10

/* Contains pointers into itself: must not be copied. */
struct platform_matcher {
    struct platform accepted[PLATFORM_VECTOR_MAX]; /* normalized, best first */
    size_t n_accepted;
    bool no_dotted_variants; /* "v8.0" and "9" do not mean "v8" and "v9" */
    bool no_features;        /* an entry with os.features does not match */
    bool no_config_variant;  /* the variant in a configuration does not count */
    char text[3][16];        /* private */
};

/* This machine (uname; for arm the "CPU architecture" of /proc/cpuinfo). */
void platform_matcher_host(struct platform_matcher *matcher);

/* Parses "linux/amd64", "linux/arm/v7" and adds its vector. ERROR_INVALID. */
bool platform_matcher_parse(struct platform_matcher *matcher, const char *text,
                            struct error *err) MUST_CHECK;

/* Writes the best platform: "linux/amd64". Returns out. */
const char *platform_matcher_name(const struct platform_matcher *matcher, char *out, size_t size);

bool platform_matches(const struct platform_matcher *matcher, const struct platform *platform);

/* The entry of an index that containerd pulls: the best match, else the first without a platform,
 * else NULL. */
const struct descriptor *platform_choose(const struct platform_matcher *matcher,
                                         const struct manifest *index);

/* The same for pulls of an image. ERROR_NOT_FOUND if the index has no entry for the platform, or
 * the entry is no image; ERROR_UNSUPPORTED if it is another index. */
bool platform_find(const struct platform_matcher *matcher, const struct manifest *index,
                   const struct descriptor **entry, struct error *err) MUST_CHECK;

/* An entry without a platform is judged by its configuration. ERROR_NOT_FOUND if that does not
 * match. */
bool platform_check(const struct platform_matcher *matcher, const struct descriptor *entry,
                    const struct platform *config, struct error *err) MUST_CHECK;
