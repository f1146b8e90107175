/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/snapshot.h"

#include "base/arena.h"
#include "base/text.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

struct series {
    struct sample *first;
    struct sample **tail;
};

struct snapshot {
    atomic_uint refs;
    struct arena arena;
    const struct metric_family *families;
    struct series series[];
};

struct snapshot *snapshot_new(const struct metric_family *families, size_t limit_bytes)
{
    struct snapshot *snapshot;
    size_t n = 0;

    while (families[n].name)
        n++;
    snapshot = calloc(1, sizeof(*snapshot) + n * sizeof(snapshot->series[0]));
    if (!snapshot)
        return NULL;
    snapshot->refs = 1;
    snapshot->arena = (struct arena)ARENA_INIT(limit_bytes);
    snapshot->families = families;
    for (size_t i = 0; i < n; i++)
        snapshot->series[i].tail = &snapshot->series[i].first;
    return snapshot;
}

struct snapshot *snapshot_ref(struct snapshot *snapshot)
{
    snapshot->refs++;
    return snapshot;
}

void snapshot_unref(struct snapshot *snapshot)
{
    if (!snapshot || --snapshot->refs > 0)
        return;
    arena_deinit(&snapshot->arena);
    free(snapshot);
}

static const char *clean_copy(struct arena *arena, const char *value)
{
    char clean[LABEL_VALUE_LIMIT_BYTES];

    return arena_strndup(arena, clean, text_clean(clean, sizeof(clean), value, strlen(value)));
}

/* Copies `n` values; NULL if the arena is full. */
static const char **copy_values(struct arena *arena, const char *const *values, size_t n)
{
    const char **copies = arena_alloc(arena, (n + 1) * sizeof(char *));

    for (size_t i = 0; copies && i < n; i++) {
        assert(values[i]);
        copies[i] = clean_copy(arena, values[i]);
        if (!copies[i])
            return NULL;
    }
    return copies;
}

static struct sample *add(struct snapshot *snapshot, size_t family, const char *const *label_values)
{
    const struct metric_family *f = &snapshot->families[family];
    struct series *series = &snapshot->series[family];
    struct sample *sample = arena_alloc(&snapshot->arena, sizeof(*sample));
    size_t n = 0;

    while (f->labels[n])
        n++;
    if (!sample)
        return NULL;
    sample->label_values = copy_values(&snapshot->arena, label_values, n);
    if (!sample->label_values)
        return NULL;
    assert(!label_values[n]);
    *series->tail = sample;
    series->tail = &sample->next;
    return sample;
}

void snapshot_add_sample(struct snapshot *snapshot, size_t family, double value,
                         const char *const *label_values)
{
    struct sample *sample = add(snapshot, family, label_values);

    if (sample)
        sample->value = value;
}

void snapshot_add_info_sample(struct snapshot *snapshot, size_t family,
                              const struct extra_labels *extra, const char *const *label_values)
{
    const char **names = copy_values(&snapshot->arena, extra->names, extra->count);
    const char **values = copy_values(&snapshot->arena, extra->values, extra->count);
    struct sample *sample = names && values ? add(snapshot, family, label_values) : NULL;

    if (!sample)
        return;
    sample->value = 1;
    sample->extra = (struct extra_labels){names, values, extra->count};
}

void snapshot_add_histogram_sample(struct snapshot *snapshot, size_t family,
                                   const struct histogram *histogram,
                                   const char *const *label_values)
{
    struct histogram *copy = arena_alloc(&snapshot->arena, sizeof(*copy));
    struct sample *sample = copy ? add(snapshot, family, label_values) : NULL;

    if (!sample)
        return;
    *copy = *histogram;
    sample->histogram = copy;
}

bool snapshot_ok(const struct snapshot *snapshot, struct error *err)
{
    return arena_ok(&snapshot->arena, err) || error_wrap(err, "too many samples");
}

const struct metric_family *snapshot_families(const struct snapshot *snapshot)
{
    return snapshot->families;
}

const struct sample *snapshot_samples(const struct snapshot *snapshot, size_t family)
{
    return snapshot->series[family].first;
}
