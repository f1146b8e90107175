/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where on the page what stands: the families in the order of their names, and for each the slots
 * of the board that have samples of it. Made again only when slots come or go.
 */
#ifndef WEB_EXPOSITION_FAMILY_INDEX_H
#define WEB_EXPOSITION_FAMILY_INDEX_H

#include "collector/board.h"

struct page_piece {
    uint32_t slot; /* index of the view's entries */
    uint32_t row;  /* of the slot's table of families */
};

struct page_family {
    const struct metric_family *family;
    uint32_t first, n; /* its pieces */
};

struct family_index {
    struct page_family *families;
    size_t n_families;
    struct page_piece *pieces;
    uint64_t version; /* others, when the plan changed */
    struct planned_slot *slots_;
    size_t n_slots_;
    uint64_t posts_;
};

/* Follows what the view shows. `internals`: with process_* and promhttp_*. False without memory;
 * the plan is empty then. */
bool family_index_follow(struct family_index *plan, const struct board_entry *entries, size_t n,
                         bool internals) MUST_CHECK;
void family_index_deinit(struct family_index *plan);

/* The samples of one piece; NULL: there are none now. */
const struct sample *page_piece_samples(const struct page_piece *piece,
                                        const struct board_entry *entries);

#endif
