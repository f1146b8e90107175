/* SPDX-License-Identifier: Apache-2.0 */
#include "web/exposition/family_index.h"

#include <string.h>

struct planned_slot {
    uint64_t slot;
    const struct metric_family *table;
    uint32_t table_start; /* of its rows in `struct rows` */
};

/* The rows of all tables that are on the board, each table once. */
struct row {
    const struct metric_family *family;
    uint32_t index;        /* in the order of the tables */
    uint32_t family_index; /* of the plan */
};

#define NOT_SHOWN UINT32_MAX

static bool same_slots(const struct family_index *plan, const struct board_entry *entries, size_t n)
{
    if (!plan->slots_ || plan->n_slots_ != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (entries[i].slot != plan->slots_[i].slot)
            return false;
        if (entries[i].posts > plan->posts_ &&
            snapshot_families(entries[i].snapshot) != plan->slots_[i].table)
            return false;
    }
    return true;
}

static size_t table_rows(const struct metric_family *table)
{
    size_t n = 0;

    while (table[n].name)
        n++;
    return n;
}

/* Finds out which tables there are; returns how many rows they have together. */
static size_t list_slots(struct family_index *plan, const struct board_entry *entries, size_t n)
{
    size_t rows = 0;

    for (size_t i = 0; i < n; i++) {
        struct planned_slot *slot = &plan->slots_[i];
        size_t earlier = i;

        *slot = (struct planned_slot){entries[i].slot, snapshot_families(entries[i].snapshot),
                                      (uint32_t)rows};
        /* From the nearest on: a thousand probes have the same table. */
        while (earlier > 0 && plan->slots_[earlier - 1].table != slot->table)
            earlier--;
        if (earlier > 0)
            slot->table_start = plan->slots_[earlier - 1].table_start;
        else
            rows += table_rows(slot->table);
    }
    plan->n_slots_ = n;
    return rows;
}

static int by_name(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int order = strcmp(x->family->name, y->family->name);

    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static int by_index(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    return (x->index > y->index) - (x->index < y->index);
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool shown(const struct metric_family *family, bool internals)
{
    return internals ||
           !(starts_with(family->name, "process_") || starts_with(family->name, "promhttp_"));
}

/* Fills in which family each row belongs to, and the families. */
static void list_families(struct family_index *plan, struct row *rows, size_t n_rows,
                          bool internals)
{
    const struct metric_family *last = NULL;

    qsort(rows, n_rows, sizeof(*rows), by_name);
    for (size_t i = 0; i < n_rows; i++) {
        rows[i].family_index = NOT_SHOWN;
        if (!shown(rows[i].family, internals))
            continue;
        if (!last || strcmp(last->name, rows[i].family->name) != 0)
            plan->families[plan->n_families++] = (struct page_family){rows[i].family, 0, 0};
        last = rows[i].family;
        rows[i].family_index = (uint32_t)plan->n_families - 1;
    }
    qsort(rows, n_rows, sizeof(*rows), by_index);
}

/* Counts the pieces of each family, or puts them into their places. */
static void place_pieces(struct family_index *plan, const struct row *rows, bool count)
{
    for (size_t i = 0; i < plan->n_slots_; i++) {
        const struct planned_slot *slot = &plan->slots_[i];

        for (uint32_t row = 0; slot->table[row].name; row++) {
            uint32_t index = rows[slot->table_start + row].family_index;
            struct page_family *family = index != NOT_SHOWN ? &plan->families[index] : NULL;

            if (family && !count)
                plan->pieces[family->first + family->n] = (struct page_piece){(uint32_t)i, row};
            if (family)
                family->n++;
        }
    }
}

static bool list_pieces(struct family_index *plan, const struct row *rows)
{
    uint32_t n = 0;

    place_pieces(plan, rows, true);
    for (size_t i = 0; i < plan->n_families; i++) {
        plan->families[i].first = n;
        n += plan->families[i].n;
        plan->families[i].n = 0;
    }
    plan->pieces = calloc(n + 1, sizeof(*plan->pieces));
    if (!plan->pieces)
        return false;
    place_pieces(plan, rows, false);
    return true;
}

static struct row *list_rows(const struct family_index *plan, size_t n_rows)
{
    struct row *rows = calloc(n_rows + 1, sizeof(*rows));
    uint32_t n = 0;

    for (size_t i = 0; rows && i < plan->n_slots_; i++)
        if (plan->slots_[i].table_start == n)
            for (const struct metric_family *f = plan->slots_[i].table; f->name; f++, n++)
                rows[n] = (struct row){f, n, NOT_SHOWN};
    return rows;
}

static void forget(struct family_index *plan)
{
    free(TAKE(plan->families));
    free(TAKE(plan->pieces));
    free(TAKE(plan->slots_));
    plan->n_families = plan->n_slots_ = 0;
}

static bool make(struct family_index *plan, const struct board_entry *entries, size_t n,
                 bool internals)
{
    CLEANUP(freep) struct row *rows = NULL;
    size_t n_rows;

    forget(plan);
    plan->version++;
    plan->slots_ = calloc(n + 1, sizeof(*plan->slots_));
    if (!plan->slots_)
        return false;
    n_rows = list_slots(plan, entries, n);
    rows = list_rows(plan, n_rows);
    plan->families = calloc(n_rows + 1, sizeof(*plan->families));
    if (!rows || !plan->families)
        return false;
    list_families(plan, rows, n_rows, internals);
    return list_pieces(plan, rows);
}

bool family_index_follow(struct family_index *plan, const struct board_entry *entries, size_t n,
                         bool internals)
{
    bool ok = same_slots(plan, entries, n) || make(plan, entries, n, internals);

    if (!ok)
        forget(plan);
    for (size_t i = 0; i < n; i++)
        if (entries[i].posts > plan->posts_)
            plan->posts_ = entries[i].posts;
    return ok;
}

void family_index_deinit(struct family_index *plan)
{
    forget(plan);
}

const struct sample *page_piece_samples(const struct page_piece *piece,
                                        const struct board_entry *entries)
{
    return snapshot_samples(entries[piece->slot].snapshot, piece->row);
}
