/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board: where the two halves of the program meet, and nowhere else.
 *
 * Workers post snapshots, scrapes read them. The lock is held to swap or copy
 * pointers, never while anything runs, waits or is formatted. On the page every
 * family stands once, in the order of the names, whatever table declared it.
 */
#ifndef COLLECTOR_BOARD_H
#define COLLECTOR_BOARD_H

#include "metrics/encode.h"

#include <stdint.h>

struct board;
struct board_slot; /* one place on the board; belongs to one job */

struct board *board_new(void);
void board_free(struct board *board);
DEFINE_CLEANUP(struct board *, board_free)

/* `owner`: the collector whose samples these are, a constant; NULL: the exporter's own. */
struct board_slot *board_add(struct board *board, const char *owner);
void board_remove(struct board_slot *slot);

/* Replaces what was there. The board keeps its own reference. */
void board_post(struct board_slot *slot, struct snapshot *snapshot);

/* What was posted when somebody looked. Taking one costs a reference per slot. */
struct board_view;
struct board_view *board_look(struct board *board); /* NULL without memory */
void board_view_free(struct board_view *view);
DEFINE_CLEANUP(struct board_view *, board_view_free)

/* The same again, in the memory of an earlier view, which may have let go of what it held. False,
 * with an empty view, without memory. */
bool board_look_again(struct board *board, struct board_view *view) MUST_CHECK;
void board_view_let_go(struct board_view *view);

/* What one slot showed, in the order of the slots. Slots on which nothing was posted yet are left
 * out. */
struct board_entry {
    uint64_t slot;  /* a number that no other slot ever has */
    uint64_t posts; /* rises with everything that is posted on the board */
    const char *owner;
    struct snapshot *snapshot;
};
const struct board_entry *board_entries(const struct board_view *view, size_t *n);

/* The samples of one family as the page would show them, by its name:
 *
 *     struct board_cursor at = {0};
 *     while ((sample = board_next(view, "containerd_up", &at))) ...
 *
 * at.family says which labels they have. */
struct board_cursor {
    const struct metric_family *family; /* of the sample that was returned last */
    const struct sample *sample_;       /* private */
    size_t slot_;
};
const struct sample *board_next(const struct board_view *view, const char *name,
                                struct board_cursor *cursor);

/* The value of the sample's label, "" if the family has no such label. */
const char *board_label(const struct metric_family *family, const struct sample *sample,
                        const char *label);

/* The whole page, formatted anew: for tests and the command line. web/exposition/exposition.h is
 * what scrapes get. */
bool board_encode(struct board *board, struct encoder *encoder, struct error *err) MUST_CHECK;

#endif
