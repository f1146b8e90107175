/* SPDX-License-Identifier: Apache-2.0 */
#include "web/exposition/family_index.h"

#include <string.h>

struct indexed_slot {
    uint64_t slot;
    const struct metric_family *table;
    uint32_t table_start; /* its first row */
};

/* A row of a table on the board; each table counts once. */
struct row {
    const struct metric_family *family;
    uint32_t order;        /* in the tables */
    uint32_t family_index; /* in the index */
};

#define NOT_SHOWN UINT32_MAX

static bool same_slots(const struct family_index *index, const struct board_entry *entries,
                       size_t n)
{
    if (!index->slots_ || index->n_slots_ != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (entries[i].slot != index->slots_[i].slot)
            return false;
        if (entries[i].posts > index->posts_ &&
            snapshot_families(entries[i].snapshot) != index->slots_[i].table)
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

/* Finds the distinct tables; returns the total number of their rows. */
static size_t list_slots(struct family_index *index, const struct board_entry *entries, size_t n)
{
    size_t rows = 0;

    for (size_t i = 0; i < n; i++) {
        struct indexed_slot *slot = &index->slots_[i];
        size_t earlier = i;

        *slot = (struct indexed_slot){entries[i].slot, snapshot_families(entries[i].snapshot),
                                      (uint32_t)rows};
        /* Searches backwards, because neighbours usually share a table. */
        while (earlier > 0 && index->slots_[earlier - 1].table != slot->table)
            earlier--;
        if (earlier > 0)
            slot->table_start = index->slots_[earlier - 1].table_start;
        else
            rows += table_rows(slot->table);
    }
    index->n_slots_ = n;
    return rows;
}

static int by_name(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int order = strcmp(x->family->name, y->family->name);

    return order ? order : (x->order > y->order) - (x->order < y->order);
}

static int by_order(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    return (x->order > y->order) - (x->order < y->order);
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool is_shown(const struct metric_family *family, bool exporter_metrics)
{
    return exporter_metrics ||
           !(starts_with(family->name, "process_") || starts_with(family->name, "promhttp_"));
}

/* Fills in the families, and the family of each row. */
static void list_families(struct family_index *index, struct row *rows, size_t n_rows,
                          bool exporter_metrics)
{
    const struct metric_family *last = NULL;

    qsort(rows, n_rows, sizeof(*rows), by_name);
    for (size_t i = 0; i < n_rows; i++) {
        rows[i].family_index = NOT_SHOWN;
        if (!is_shown(rows[i].family, exporter_metrics))
            continue;
        if (!last || strcmp(last->name, rows[i].family->name) != 0)
            index->families[index->n_families++] = (struct page_family){rows[i].family, 0, 0};
        last = rows[i].family;
        rows[i].family_index = (uint32_t)index->n_families - 1;
    }
    qsort(rows, n_rows, sizeof(*rows), by_order);
}

/* Counts the pieces of each family, or fills them in. */
static void fill_pieces(struct family_index *index, const struct row *rows, bool count)
{
    for (size_t i = 0; i < index->n_slots_; i++) {
        const struct indexed_slot *slot = &index->slots_[i];

        for (uint32_t row = 0; slot->table[row].name; row++) {
            uint32_t number = rows[slot->table_start + row].family_index;
            struct page_family *family = number != NOT_SHOWN ? &index->families[number] : NULL;

            if (family && !count)
                index->pieces[family->first + family->n] = (struct page_piece){(uint32_t)i, row};
            if (family)
                family->n++;
        }
    }
}

static bool list_pieces(struct family_index *index, const struct row *rows)
{
    uint32_t n = 0;

    fill_pieces(index, rows, true);
    for (size_t i = 0; i < index->n_families; i++) {
        index->families[i].first = n;
        n += index->families[i].n;
        index->families[i].n = 0;
    }
    index->pieces = calloc(n + 1, sizeof(*index->pieces));
    if (!index->pieces)
        return false;
    fill_pieces(index, rows, false);
    return true;
}

static struct row *list_rows(const struct family_index *index, size_t n_rows)
{
    struct row *rows = calloc(n_rows + 1, sizeof(*rows));
    uint32_t n = 0;

    for (size_t i = 0; rows && i < index->n_slots_; i++)
        if (index->slots_[i].table_start == n)
            for (const struct metric_family *f = index->slots_[i].table; f->name; f++, n++)
                rows[n] = (struct row){f, n, NOT_SHOWN};
    return rows;
}

static void clear(struct family_index *index)
{
    free(TAKE(index->families));
    free(TAKE(index->pieces));
    free(TAKE(index->slots_));
    index->n_families = index->n_slots_ = 0;
}

static bool rebuild(struct family_index *index, const struct board_entry *entries, size_t n,
                    bool exporter_metrics)
{
    CLEANUP(freep) struct row *rows = NULL;
    size_t n_rows;

    clear(index);
    index->version++;
    index->slots_ = calloc(n + 1, sizeof(*index->slots_));
    if (!index->slots_)
        return false;
    n_rows = list_slots(index, entries, n);
    rows = list_rows(index, n_rows);
    index->families = calloc(n_rows + 1, sizeof(*index->families));
    if (!rows || !index->families)
        return false;
    list_families(index, rows, n_rows, exporter_metrics);
    return list_pieces(index, rows);
}

bool family_index_follow(struct family_index *index, const struct board_entry *entries, size_t n,
                         bool exporter_metrics)
{
    bool ok = same_slots(index, entries, n) || rebuild(index, entries, n, exporter_metrics);

    if (!ok)
        clear(index);
    for (size_t i = 0; i < n; i++)
        if (entries[i].posts > index->posts_)
            index->posts_ = entries[i].posts;
    return ok;
}

void family_index_deinit(struct family_index *index)
{
    clear(index);
}

const struct sample *page_piece_samples(const struct page_piece *piece,
                                        const struct board_entry *entries)
{
    return snapshot_samples(entries[piece->slot].snapshot, piece->row);
}
