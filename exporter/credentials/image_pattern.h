/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "*.registry.example:5000/team": the images that the kubelet gives to a credential provider.
 *
 * "*" stands for any characters of one part of the host; there are as many parts on both sides.
 * The ports are the same or absent on both sides. The path of the pattern is how the path of the
 * image begins, not only at a "/".
 */
#ifndef CREDENTIALS_IMAGE_PATTERN_H
#define CREDENTIALS_IMAGE_PATTERN_H

#include <stdbool.h>

/* `image` is "registry.example:5000/team/name": without a scheme, a tag or a digest. */
bool image_pattern_matches(const char *pattern, const char *image);

#endif
