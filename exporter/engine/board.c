/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/board.h"

struct board {
    pthread_mutex_t lock;
    struct board_slot *slots; /* slots of one table are neighbours */
    size_t n_slots;
};

struct board_slot {
    struct board *board;
    struct board_slot *next;
    const struct metric_family *families;
    struct snapshot *latest;
};

struct board *board_new(void)
{
    struct board *board = calloc(1, sizeof(*board));

    if (board)
        pthread_mutex_init(&board->lock, NULL);
    return board;
}

void board_free(struct board *board)
{
    while (board->slots)
        board_remove(board->slots);
    pthread_mutex_destroy(&board->lock);
    free(board);
}

struct board_slot *board_add(struct board *board, const struct metric_family *families)
{
    struct board_slot *slot = calloc(1, sizeof(*slot));
    struct board_slot **place = &board->slots;

    if (!slot)
        return NULL;
    slot->board = board;
    slot->families = families;

    LOCK_SCOPE(&board->lock);
    while (*place && (*place)->families != families)
        place = &(*place)->next;
    slot->next = *place;
    *place = slot;
    board->n_slots++;
    return slot;
}

static void unlink_slot(struct board_slot *slot)
{
    struct board_slot **place = &slot->board->slots;
    LOCK_SCOPE(&slot->board->lock);

    while (*place != slot)
        place = &(*place)->next;
    *place = slot->next;
    slot->board->n_slots--;
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

/* Copies the references of everything posted so far; *n tells how many. */
static struct snapshot **collect(struct board *board, size_t *n)
{
    LOCK_SCOPE(&board->lock);
    struct snapshot **snapshots = calloc(board->n_slots + 1, sizeof(struct snapshot *));

    *n = 0;
    if (!snapshots)
        return NULL;
    for (struct board_slot *slot = board->slots; slot; slot = slot->next)
        if (slot->latest)
            snapshots[(*n)++] = snapshot_ref(slot->latest);
    return snapshots;
}

static size_t same_table(struct snapshot *const *snapshots, size_t n)
{
    size_t i = 1;

    while (i < n && snapshot_families(snapshots[i]) == snapshot_families(snapshots[0]))
        i++;
    return i;
}

bool board_encode(struct board *board, enum encode_format format, struct buf *out,
                  struct error *err)
{
    size_t n;
    CLEANUP(freep) struct snapshot **snapshots = collect(board, &n);

    if (!snapshots)
        return error_set(err, ERROR_MEMORY, "out of memory");
    for (size_t i = 0, run; i < n; i += run) {
        run = same_table(snapshots + i, n - i);
        for (size_t f = 0; snapshot_families(snapshots[i])[f].name; f++)
            encode_family(out, format, f, snapshots + i, run);
    }
    encode_end(out, format);
    for (size_t i = 0; i < n; i++)
        snapshot_unref(snapshots[i]);
    return buf_ok(out, err) || error_wrap(err, "scrape");
}
