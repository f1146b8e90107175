/* SPDX-License-Identifier: Apache-2.0 */
/* What a document says, in one block of memory, without what no check asks for: ten thousand
 * images have many layers. */
#ifndef INVENTORY_IMAGE_CACHE_PACK_H
#define INVENTORY_IMAGE_CACHE_PACK_H

#include "inventory/image_check.h"

/* Copies everything that `from` points to into `room` (aligned as malloc does), and makes *to
 * point there. Returns how many bytes that takes; with `room` NULL it only counts them. */
size_t image_cache_pack_manifest(const struct manifest *from, struct manifest *to, char *room);
size_t image_cache_pack_config(const struct image_essence *from, struct image_essence *to,
                               char *room);

#endif
