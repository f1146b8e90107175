/* SPDX-License-Identifier: Apache-2.0 */
/* Puts an image that was made into containerd's content store, from where it is pushed. */
#ifndef ENGINES_IMAGE_GENERATED_IMAGE_STORE_H
#define ENGINES_IMAGE_GENERATED_IMAGE_STORE_H

#include "engines/daemon/workspace.h"
#include "engines/image/generated_image.h"

/* All blobs and documents, with the labels that keep children alive as long as their parents. */
bool generated_image_store(const struct workspace *workspace, const struct generated_image *image,
                           struct cancel *cancel, struct error *err) MUST_CHECK;

#endif
