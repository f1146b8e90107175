/* SPDX-License-Identifier: Apache-2.0 */
/* Puts an image that was made into containerd's content store, from where it is pushed. */
#ifndef ENGINES_IMAGE_GENERATED_IMAGE_STORE_H
#define ENGINES_IMAGE_GENERATED_IMAGE_STORE_H

#include "engines/image/generated_image.h"
#include "engines/daemon/workspace.h"

/* All blobs and documents, with the labels that keep children alive as long as their parents. */
bool made_store(const struct workspace *workspace, const struct made_image *image,
                struct cancel *cancel, struct error *err) MUST_CHECK;

#endif
