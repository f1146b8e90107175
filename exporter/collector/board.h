/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The latest snapshot of every job, between the scheduler and the web server.
 *
 * The threads of the scheduler post snapshots, scrapes read them. The lock is held only to swap or
 * copy pointers. All functions on a board are thread-safe; a view belongs to one thread.
 */
#pragma once

#include "metrics/snapshot.h"

#include <stdint.h>

struct board;
struct board_slot; /* belongs to one job, except for its latest snapshot */

struct board *board_new(void);
void board_free(struct board *board);
DEFINE_CLEANUP(struct board *, board_free)

/* `owner`: the name of the collector, a constant; NULL: the exporter itself. NULL without memory.
 */
struct board_slot *board_add(struct board *board, const char *owner);
void board_remove(struct board_slot *slot);

/* Replaces the snapshot of the slot. The board takes a reference of its own. */
void board_post(struct board_slot *slot, struct snapshot *snapshot);

/* A reference to every snapshot at one moment. */
struct board_view;
struct board_view *board_view_new(struct board *board); /* NULL without memory */
void board_view_free(struct board_view *view);
DEFINE_CLEANUP(struct board_view *, board_view_free)

/* Takes the current snapshots in place of the earlier ones, reusing memory. Returns false, with an
 * empty view, without memory. */
bool board_view_refresh(struct board *board, struct board_view *view) MUST_CHECK;
/* Drops all references, keeps the memory. */
void board_view_clear(struct board_view *view);

/* The snapshot of one slot. */
struct board_entry {
    uint64_t slot;  /* unique; numbers are never reused */
    uint64_t posts; /* increases with every post on the board */
    const char *owner;
    struct snapshot *snapshot;
};
/* In the order of the slots, without those that have no snapshot. Valid until the view changes. */
const struct board_entry *board_entries(const struct board_view *view, size_t *n);

/* Iterates over the samples of one family, in all slots:
 *
 *     struct board_cursor at = {0};
 *     while ((sample = board_next(view, "containerd_up", &at))) ...
 *
 * at.family has the names of their labels. */
struct board_cursor {
    const struct metric_family *family; /* of the last returned sample */
    const struct sample *sample_;
    size_t slot_;
};
const struct sample *board_next(const struct board_view *view, const char *name,
                                struct board_cursor *cursor);

/* Returns the value of the sample's label, "" if the family has no such label. */
const char *board_label(const struct metric_family *family, const struct sample *sample,
                        const char *label);
