/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the images of an inventory: as a table like `ctr images check`, or as JSON. */
#pragma once

#include "base/buf.h"
#include "inventory/image_inventory.h"

#define CHECK_COLUMNS 7

/* One row of the table. Its texts live in the arena. */
struct check_row {
    const char *cells[CHECK_COLUMNS];
};

struct check_rows {
    struct check_row *items;
    size_t count;
};

/* Whether the finding makes the exit status 1: it is bad, in error, or its unpack check failed. */
bool check_is_wrong(const struct image_finding *finding);

/* Appends one row; false if the arena is full. `rows->items` must have room for it. */
bool check_rows_add(struct check_rows *rows, const char *name_space,
                    const struct image_finding *finding, struct arena *arena);

/* Prints aligned columns with a header line; prints nothing without rows. */
void check_rows_print(const struct check_rows *rows, struct buf *out);

/* Appends one JSON object and a newline. */
void check_json(const char *name_space, const struct image_finding *finding, struct buf *out);
