/* SPDX-License-Identifier: Apache-2.0 */
/* Packs a parsed document into one block of memory, without the fields that no check reads: ten
 * thousand images have many layers. */
#pragma once

#include "inventory/image_check.h"

/* Copies everything that `from` points to into `room` (aligned as by malloc()) and makes *to point
 * there. Returns the number of bytes. With `room` NULL it only counts them. */
size_t image_cache_pack_manifest(const struct manifest *from, struct manifest *to, char *room);
size_t image_cache_pack_config(const struct image_config_facts *from, struct image_config_facts *to,
                               char *room);
