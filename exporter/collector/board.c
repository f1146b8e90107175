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
    struct board_entry latest; /* its snapshot is NULL before the first post */
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

    LOCK_SCOPE(&board->lock);
    slot->latest = (struct board_entry){.slot = ++board->last_slot, .owner = owner};
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

/* References to everything posted so far, in the order of the slots. */
struct board_view {
    size_t n, capacity;
    struct board_entry *entries;
};

/* False if the view has not enough memory for that; *wanted then says how much it takes. */
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

bool board_look_again(struct board *board, struct board_view *view)
{
    size_t wanted;

    board_view_let_go(view);
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

struct board_view *board_look(struct board *board)
{
    CLEANUP(board_view_freep) struct board_view *view = calloc(1, sizeof(*view));

    return view && board_look_again(board, view) ? TAKE(view) : NULL;
}

void board_view_let_go(struct board_view *view)
{
    for (size_t i = 0; i < view->n; i++)
        snapshot_unref(view->entries[i].snapshot);
    view->n = 0;
}

void board_view_free(struct board_view *view)
{
    board_view_let_go(view);
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

struct part {
    const struct metric_family *family;
    const struct sample *samples;
    size_t order; /* of the slot */
};

/* Returns how many there are; `parts` may be NULL, to count them. */
static size_t list_parts(const struct board_view *view, struct part *parts)
{
    size_t n = 0;

    for (size_t i = 0; i < view->n; i++) {
        const struct metric_family *families = snapshot_families(view->entries[i].snapshot);

        for (size_t f = 0; families[f].name; f++) {
            const struct sample *samples = snapshot_samples(view->entries[i].snapshot, f);

            if (samples && parts)
                parts[n] = (struct part){&families[f], samples, i};
            n += samples ? 1 : 0;
        }
    }
    return n;
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

bool board_encode(struct board *board, struct encoder *encoder, struct error *err)
{
    CLEANUP(board_view_freep) struct board_view *view = board_look(board);
    CLEANUP(freep) struct part *parts = NULL;
    size_t n = view ? list_parts(view, NULL) : 0;

    parts = calloc(n + 1, sizeof(*parts));
    if (!view || !parts)
        return error_memory(err);
    list_parts(view, parts);
    qsort(parts, n, sizeof(*parts), by_name_then_slot);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || !same_family(&parts[i], &parts[i - 1]))
            encode_family(encoder, parts[i].family);
        encode_samples(encoder, parts[i].family, parts[i].samples);
        if (i + 1 == n || !same_family(&parts[i], &parts[i + 1]))
            encode_family_end(encoder, parts[i].family);
    }
    encode_end(encoder);
    return buf_ok(encoder->out, err) || error_wrap(err, "page");
}
