/* SPDX-License-Identifier: Apache-2.0 */
/* Stores a generated image in containerd's content store, from where it is pushed. */
#pragma once

#include "engines/daemon/workspace.h"
#include "engines/image/generated_image.h"

/* Stores all blobs and documents, with the labels by which parents keep their children. */
bool generated_image_store(const struct workspace *workspace, const struct generated_image *image,
                           struct cancel *cancel, struct error *err) MUST_CHECK;
