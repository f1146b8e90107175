/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The images of all namespaces and what is to be said of them, kept from one look to
 * the next: who wants to know something of one namespace looks at that one alone.
 *
 *     image_inventory_begin(inventory, true, cancel, err)
 *     ... image_inventory_list(), image_inventory_look() at each place ...
 *     image_inventory_end(inventory, true)
 *
 * The namespaces of probes are left out. Belongs to one thread.
 */
#ifndef INVENTORY_IMAGE_INVENTORY_H
#define INVENTORY_IMAGE_INVENTORY_H

#include "inventory/image_scan.h"

struct image_place { /* a namespace */
    char *name, *snapshotter;
    struct image_findings findings;
};

struct image_places {
    struct image_place *items; /* in the daemon's order: sorted by name */
    size_t count;
};

struct image_inventory;

struct image_inventory *image_inventory_new(struct containerd *daemon, struct error *err);
void image_inventory_free(struct image_inventory *inventory);
DEFINE_CLEANUP(struct image_inventory *, image_inventory_free)

/* Begins a cycle; one over all namespaces (`all`) also asks who the daemon is. */
bool image_inventory_begin(struct image_inventory *inventory, bool all, struct cancel *cancel,
                           struct error *err) MUST_CHECK;
/* Only after a cycle that succeeded. */
void image_inventory_end(struct image_inventory *inventory, bool all);

/* After the beginning of a cycle over all: whether the daemon's database has not been written to
 * since the last such cycle, so that all is still known. Never for long, because files of blobs
 * can be damaged or repaired without it. */
bool image_inventory_is_current(const struct image_inventory *inventory);

/* Asks which namespaces there are. Places of those that are gone are gone, too. */
bool image_inventory_list(struct image_inventory *inventory, struct cancel *cancel,
                          struct error *err) MUST_CHECK;

const struct image_places *image_inventory_places(const struct image_inventory *inventory);
/* NULL if no such namespace is known. */
struct image_place *image_inventory_find(struct image_inventory *inventory, const char *name);

/* Brings place->findings up to date. */
bool image_inventory_look(struct image_inventory *inventory, struct image_place *place,
                          struct cancel *cancel, struct error *err) MUST_CHECK;

#endif
