/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/board.h"

#include <string.h>

struct board {
    pthread_mutex_t lock;
    struct board_slot *slots; /* in the order in which they were added */
    struct board_slot **tail;
    size_t n_slots;
};

struct board_slot {
    struct board *board;
    struct board_slot *next;
    struct snapshot *latest;
};

struct board *board_new(void)
{
    struct board *board = calloc(1, sizeof(*board));

    if (!board)
        return NULL;
    pthread_mutex_init(&board->lock, NULL);
    board->tail = &board->slots;
    return board;
}

void board_free(struct board *board)
{
    while (board->slots)
        board_remove(board->slots);
    pthread_mutex_destroy(&board->lock);
    free(board);
}

struct board_slot *board_add(struct board *board)
{
    struct board_slot *slot = calloc(1, sizeof(*slot));

    if (!slot)
        return NULL;
    slot->board = board;

    LOCK_SCOPE(&board->lock);
    *board->tail = slot;
    board->tail = &slot->next;
    board->n_slots++;
    return slot;
}

static void unlink_slot(struct board_slot *slot)
{
    struct board *board = slot->board;
    struct board_slot **place = &board->slots;
    LOCK_SCOPE(&board->lock);

    while (*place != slot)
        place = &(*place)->next;
    *place = slot->next;
    if (board->tail == &slot->next)
        board->tail = place;
    board->n_slots--;
}

void board_remove(struct board_slot *slot)
{
    unlink_slot(slot);
    snapshot_unref(slot->latest);
    free(slot);
}

void board_post(struct board_slot *slot, struct snapshot *snapshot)
{
    struct snapshot *old;

    snapshot_ref(snapshot);
    pthread_mutex_lock(&slot->board->lock);
    old = slot->latest;
    slot->latest = snapshot;
    pthread_mutex_unlock(&slot->board->lock);
    snapshot_unref(old);
}

/* What a scrape sees: references to everything posted so far. */
struct view {
    struct snapshot **snapshots;
    size_t n_snapshots;
    struct part {
        const struct metric_family *family;
        const struct sample *samples;
        size_t order; /* of the slot */
    } * parts;
    size_t n_parts;
};

static void view_deinit(struct view *view)
{
    for (size_t i = 0; i < view->n_snapshots; i++)
        snapshot_unref(view->snapshots[i]);
    free(view->snapshots);
    free(view->parts);
}

static bool collect(struct board *board, struct view *view)
{
    LOCK_SCOPE(&board->lock);

    view->snapshots = calloc(board->n_slots + 1, sizeof(struct snapshot *));
    if (!view->snapshots)
        return false;
    for (struct board_slot *slot = board->slots; slot; slot = slot->next)
        if (slot->latest)
            view->snapshots[view->n_snapshots++] = snapshot_ref(slot->latest);
    return true;
}

/* Calls once to count (parts is NULL), once to fill. */
static void list_parts(struct view *view)
{
    view->n_parts = 0;
    for (size_t i = 0; i < view->n_snapshots; i++) {
        const struct metric_family *families = snapshot_families(view->snapshots[i]);

        for (size_t f = 0; families[f].name; f++) {
            const struct sample *samples = snapshot_samples(view->snapshots[i], f);

            if (samples && view->parts)
                view->parts[view->n_parts] = (struct part){&families[f], samples, i};
            view->n_parts += samples ? 1 : 0;
        }
    }
}

static int by_name_then_slot(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    int order = strcmp(x->family->name, y->family->name);

    return order ? order : (x->order > y->order) - (x->order < y->order);
}

static bool same_family(const struct part *a, const struct part *b)
{
    return strcmp(a->family->name, b->family->name) == 0;
}

bool board_encode(struct board *board, enum encode_format format, struct buf *out,
                  struct error *err)
{
    CLEANUP(view_deinit) struct view view = {0};

    if (!collect(board, &view))
        return error_memory(err);
    list_parts(&view);
    view.parts = calloc(view.n_parts + 1, sizeof(*view.parts));
    if (!view.parts)
        return error_memory(err);
    list_parts(&view);
    qsort(view.parts, view.n_parts, sizeof(*view.parts), by_name_then_slot);
    for (size_t i = 0; i < view.n_parts; i++) {
        const struct part *part = &view.parts[i];

        if (i == 0 || !same_family(part, part - 1))
            encode_family(out, format, part->family);
        encode_samples(out, format, part->family, part->samples);
    }
    encode_end(out, format);
    return buf_ok(out, err) || error_wrap(err, "page");
}
