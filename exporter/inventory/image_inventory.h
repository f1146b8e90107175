/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The images of all namespaces with their verdicts. Findings are kept between cycles, so a cycle
 * may scan some of the namespaces only.
 *
 *     image_inventory_begin(inventory, true, cancel, err)
 *     ... image_inventory_list(), image_inventory_scan() at each namespace ...
 *     image_inventory_end(inventory, true)
 *
 * The namespaces of probes are left out. Belongs to one thread.
 */
#pragma once

#include "inventory/image_scan.h"

struct image_namespace {
    char *name, *snapshotter;
    struct image_findings findings;
    /* Of the last scan. ERROR_NONE: it succeeded. If it failed as a whole, the findings are those
     * of an earlier one (has_failed); if a snapshotter failed, some verdicts are unknown. */
    struct error failure;
    bool has_failed;
};

struct image_namespaces {
    struct image_namespace *items; /* in the daemon's order: sorted by name */
    size_t count;
};

struct image_inventory;

/* `snapshotter`: the only one in which images count as unpacked; "": in each namespace its own one,
 * and those that the labels of the images name. */
struct image_inventory *image_inventory_new(struct containerd *daemon, const char *snapshotter,
                                            struct error *err);
void image_inventory_free(struct image_inventory *inventory);
DEFINE_CLEANUP(struct image_inventory *, image_inventory_free)

/* Begins a cycle. A cycle over all namespaces (`all`) also identifies the daemon. */
bool image_inventory_begin(struct image_inventory *inventory, bool all, struct cancel *cancel,
                           struct error *err) MUST_CHECK;
/* Must be called after a successful cycle only. Namespaces may have failed in it. */
void image_inventory_end(struct image_inventory *inventory, bool all);

/* After the beginning of a cycle over all namespaces: whether the daemon has not written to its
 * database since the last such cycle, so that all findings are still valid. False after two minutes
 * at the latest, because blob files can be damaged or repaired without a write to the database. */
bool image_inventory_is_current(const struct image_inventory *inventory);

/* Lists the namespaces. Findings of namespaces that are gone are dropped. */
bool image_inventory_list(struct image_inventory *inventory, struct cancel *cancel,
                          struct error *err) MUST_CHECK;

const struct image_namespaces *image_inventory_namespaces(const struct image_inventory *inventory);
/* Returns NULL if no such namespace is known. */
struct image_namespace *image_inventory_find(struct image_inventory *inventory, const char *name);

/* Scans one namespace, the first of `n_left` that share the time until the deadline. One that is
 * gone in the meantime has no findings. A failure of this namespace alone is no failure of the
 * function, but in name_space->failure. */
bool image_inventory_scan(struct image_inventory *inventory, struct image_namespace *name_space,
                          size_t n_left, struct cancel *cancel, struct error *err) MUST_CHECK;

/* Counts the namespaces with a failure. If there is one, *err is the first of them. */
size_t image_inventory_failures(const struct image_inventory *inventory, struct error *err);
