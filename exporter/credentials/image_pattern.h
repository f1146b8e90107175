/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matches an image against a pattern of the kubelet's credential providers:
 * "*.registry.example:5000/team".
 *
 * "*" matches any characters within one part of the host; the number of parts must be equal. The
 * ports must be equal or both absent. The path of the pattern must be a prefix of the path of the
 * image; it may end anywhere, not only at a "/".
 */
#pragma once

#include <stdbool.h>

/* `image` is "registry.example:5000/team/name": without a scheme, a tag or a digest. */
bool image_pattern_matches(const char *pattern, const char *image);
