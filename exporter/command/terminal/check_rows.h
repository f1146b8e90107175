/* SPDX-License-Identifier: Apache-2.0 */
/* The images of an inventory as `ctr images check` words them: as a table, or as JSON for
 * scripts. */
#ifndef COMMAND_TERMINAL_CHECK_ROWS_H
#define COMMAND_TERMINAL_CHECK_ROWS_H

#include "base/buf.h"
#include "inventory/image_inventory.h"

#define CHECK_COLUMNS 7

/* One line of the table, widths not yet known; the texts live in the arena. */
struct check_row {
    const char *cells[CHECK_COLUMNS];
};

struct check_rows {
    struct check_row *items;
    size_t count;
};

/* Whether the exit status tells of it: what ctr's does, and images that are bad. */
bool check_is_wrong(const struct image_finding *finding);

/* Appends one row; false where the arena is full. `rows->items` has room for it. */
bool check_rows_add(struct check_rows *rows, const char *name_space,
                    const struct image_finding *finding, struct arena *arena);

/* As columns, with a head; nothing where there are no rows. */
void check_rows_print(const struct check_rows *rows, struct buf *out);

/* One object on a line of its own. */
void check_json(const char *name_space, const struct image_finding *finding, struct buf *out);

#endif
