/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board: where the two halves of the program meet, and nowhere else.
 *
 * Workers post snapshots, scrapes read them. The lock is held to swap or copy
 * pointers, never while anything runs, waits or is formatted. On the page every
 * family stands once, in the order of the names, whatever table declared it.
 */
#ifndef ENGINE_BOARD_H
#define ENGINE_BOARD_H

#include "metrics/encode.h"

struct board;
struct board_slot; /* one place on the board; belongs to one job */

struct board *board_new(void);
void board_free(struct board *board);
DEFINE_CLEANUP(struct board *, board_free)

struct board_slot *board_add(struct board *board);
void board_remove(struct board_slot *slot);

/* Replaces what was there. The board keeps its own reference. */
void board_post(struct board_slot *slot, struct snapshot *snapshot);

bool board_encode(struct board *board, enum encode_format format, struct buf *out,
                  struct error *err) MUST_CHECK;

#endif
