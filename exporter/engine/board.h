/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board: where the two halves of the program meet, and nowhere else.
 *
 * Workers post snapshots, scrapes read them. The lock is held to swap or copy
 * pointers, never while anything runs, waits or is formatted.
 */
#ifndef ENGINE_BOARD_H
#define ENGINE_BOARD_H

#include "metrics/encode.h"

struct board;
struct board_slot; /* one place on the board; belongs to one job */

struct board *board_new(void);
void board_free(struct board *board);
DEFINE_CLEANUP(struct board *, board_free)

/* Slots of the same table of families are written as one family each. */
struct board_slot *board_add(struct board *board, const struct metric_family *families);
void board_remove(struct board_slot *slot);

/* Replaces what was there. The board keeps its own reference. */
void board_post(struct board_slot *slot, struct snapshot *snapshot);

bool board_encode(struct board *board, enum encode_format format, struct buf *out,
                  struct error *err) MUST_CHECK;

#endif
