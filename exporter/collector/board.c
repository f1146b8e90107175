/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/board.h"

#include <string.h>

struct board {
    pthread_mutex_t lock;
    struct board_slot *slots; /* in the order in which they were added */
    struct board_slot **tail;
    size_t n_slots;
    uint64_t last_slot, last_post;
};

struct board_slot {
    struct board *board;
    struct board_slot *next;
    struct board_entry latest; /* snapshot NULL: nothing posted yet */
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

struct board_slot *board_add(struct board *board, const char *owner)
{
    struct board_slot *slot = calloc(1, sizeof(*slot));

    if (!slot)
        return NULL;
    slot->board = board;
    pthread_mutex_lock(&board->lock);
    slot->latest = (struct board_entry){.slot = ++board->last_slot, .owner = owner};
    *board->tail = slot;
    board->tail = &slot->next;
    board->n_slots++;
    pthread_mutex_unlock(&board->lock);
    return slot;
}

static void unlink_slot(struct board_slot *slot)
{
    struct board *board = slot->board;
    struct board_slot **link = &board->slots;
    LOCK_SCOPE(&board->lock);

    while (*link != slot)
        link = &(*link)->next;
    *link = slot->next;
    if (board->tail == &slot->next)
        board->tail = link;
    board->n_slots--;
}

void board_remove(struct board_slot *slot)
{
    unlink_slot(slot);
    snapshot_unref(slot->latest.snapshot);
    free(slot);
}

void board_post(struct board_slot *slot, struct snapshot *snapshot)
{
    struct board *board = slot->board;
    struct snapshot *old;

    snapshot_ref(snapshot);
    pthread_mutex_lock(&board->lock);
    old = slot->latest.snapshot;
    slot->latest.snapshot = snapshot;
    slot->latest.posts = ++board->last_post;
    pthread_mutex_unlock(&board->lock);
    snapshot_unref(old);
}

struct board_view {
    size_t n, capacity;
    struct board_entry *entries;
};

/* Returns false if the view has too few entries; *wanted is the number that it needs. */
static bool copy_latest(struct board *board, struct board_view *view, size_t *wanted)
{
    LOCK_SCOPE(&board->lock);

    *wanted = board->n_slots;
    if (view->capacity < board->n_slots)
        return false;
    for (struct board_slot *slot = board->slots; slot; slot = slot->next) {
        if (!slot->latest.snapshot)
            continue;
        view->entries[view->n] = slot->latest;
        snapshot_ref(view->entries[view->n++].snapshot);
    }
    return true;
}

bool board_view_refresh(struct board *board, struct board_view *view)
{
    size_t wanted;

    board_view_clear(view);
    while (!copy_latest(board, view, &wanted)) {
        free(view->entries);
        view->capacity = wanted + wanted / 4;
        view->entries = calloc(view->capacity, sizeof(*view->entries));
        if (!view->entries) {
            view->capacity = 0;
            return false;
        }
    }
    return true;
}

struct board_view *board_view_new(struct board *board)
{
    CLEANUP(board_view_freep) struct board_view *view = calloc(1, sizeof(*view));

    return view && board_view_refresh(board, view) ? TAKE(view) : NULL;
}

void board_view_clear(struct board_view *view)
{
    for (size_t i = 0; i < view->n; i++)
        snapshot_unref(view->entries[i].snapshot);
    view->n = 0;
}

void board_view_free(struct board_view *view)
{
    board_view_clear(view);
    free(view->entries);
    free(view);
}

const struct board_entry *board_entries(const struct board_view *view, size_t *n)
{
    *n = view->n;
    return view->entries;
}

const struct sample *board_next(const struct board_view *view, const char *name,
                                struct board_cursor *cursor)
{
    if (cursor->sample_ && cursor->sample_->next)
        return cursor->sample_ = cursor->sample_->next;
    for (; cursor->slot_ < view->n; cursor->slot_++) {
        const struct snapshot *snapshot = view->entries[cursor->slot_].snapshot;
        const struct metric_family *families = snapshot_families(snapshot);

        for (size_t f = 0; families[f].name; f++) {
            if (strcmp(families[f].name, name) != 0 || !snapshot_samples(snapshot, f))
                continue;
            cursor->slot_++;
            cursor->family = &families[f];
            return cursor->sample_ = snapshot_samples(snapshot, f);
        }
    }
    return NULL;
}

const char *board_label(const struct metric_family *family, const struct sample *sample,
                        const char *label)
{
    for (size_t i = 0; family->labels[i]; i++)
        if (strcmp(family->labels[i], label) == 0)
            return sample->label_values[i];
    return "";
}
