/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/snapshot.h"

#include "base/arena.h"

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
    sample->label_values = arena_alloc(&snapshot->arena, (n + 1) * sizeof(char *));
    if (!sample->label_values)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        assert(label_values[i]);
        sample->label_values[i] = arena_strdup(&snapshot->arena, label_values[i]);
        if (!sample->label_values[i])
            return NULL;
    }
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
