/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metric families of the page in the order of their names, and for each the slots of the board
 * that have its samples. Rebuilt only when slots are added or removed.
 */
#pragma once

#include "collector/board.h"

struct page_piece {
    uint32_t slot; /* in the entries of the view */
    uint32_t row;  /* in the slot's table of families */
};

struct page_family {
    const struct metric_family *family;
    uint32_t first, n; /* its pieces */
};

struct family_index {
    struct page_family *families;
    size_t n_families;
    struct page_piece *pieces;
    uint64_t version; /* changes when the index changes */
    struct indexed_slot *slots_;
    size_t n_slots_;
    uint64_t posts_;
};

/* Updates the index from the entries of the view. `exporter_metrics`: with process_* and
 * promhttp_*. Returns false without memory; the index is empty then. */
bool family_index_follow(struct family_index *index, const struct board_entry *entries, size_t n,
                         bool exporter_metrics) MUST_CHECK;
void family_index_deinit(struct family_index *index);

/* The samples of one piece; NULL: none at present. */
const struct sample *page_piece_samples(const struct page_piece *piece,
                                        const struct board_entry *entries);
