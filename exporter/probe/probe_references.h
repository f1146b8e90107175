/* SPDX-License-Identifier: Apache-2.0 */
/* The references of one run: `image` and `tag` of the settings with their placeholders filled. */
#pragma once

#include "probe/placeholder.h"
#include "probe/probe_state.h"

/* *new_tag is the image by its new tag (operation tag), else empty. On failure *key is the setting
 * that is wrong. Results live in `arena`. */
bool probe_references(const struct probe *probe, const struct placeholders *values,
                      struct arena *arena, struct reference *image, struct reference *new_tag,
                      const char **key, struct error *err) MUST_CHECK;

/* The image for people: with placeholders as they are in the file. */
const char *probe_image_text(const struct probe *probe);
