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
    const char *const *last_values; /* of the sample that was added last */
    size_t n_last;
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

/* Copies `n` values, except those that are equal in `old`. NULL if the arena is full. */
static const char **copy_values(struct arena *arena, const char *const *values, size_t n,
                                const char *const *old, size_t n_old)
{
    const char **copies = arena_alloc(arena, (n + 1) * sizeof(char *));

    for (size_t i = 0; copies && i < n; i++) {
        assert(values[i]);
        copies[i] =
            i < n_old && strcmp(values[i], old[i]) == 0 ? old[i] : clean_copy(arena, values[i]);
        if (!copies[i])
            return NULL;
    }
    return copies;
}

static bool has_last_values(const struct snapshot *snapshot, const char *const *values, size_t n)
{
    if (n > snapshot->n_last)
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(values[i], snapshot->last_values[i]) != 0)
            return false;
    return true;
}

/* Most samples of a job have the same first labels. */
static const char *const *keep_values(struct snapshot *snapshot, const char *const *values,
                                      size_t n)
{
    static const char *const none[] = {NULL};
    const char **copies;

    if (n == 0)
        return none;
    if (has_last_values(snapshot, values, n))
        return snapshot->last_values;
    copies = copy_values(&snapshot->arena, values, n, snapshot->last_values, snapshot->n_last);
    if (!copies)
        return NULL;
    snapshot->last_values = copies;
    snapshot->n_last = n;
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
    assert(!label_values[n]);
    sample->label_values = keep_values(snapshot, label_values, n);
    if (!sample->label_values)
        return NULL;
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

static const struct extra_labels *copy_extra(struct arena *arena, const struct extra_labels *extra)
{
    const char **names = copy_values(arena, extra->names, extra->count, NULL, 0);
    const char **values = copy_values(arena, extra->values, extra->count, NULL, 0);
    struct extra_labels *copy = arena_alloc(arena, sizeof(*copy));

    if (!names || !values || !copy)
        return NULL;
    *copy = (struct extra_labels){names, values, extra->count};
    return copy;
}

void snapshot_add_info_sample(struct snapshot *snapshot, size_t family,
                              const struct extra_labels *extra, const char *const *label_values)
{
    const struct extra_labels *copy = extra->count > 0 ? copy_extra(&snapshot->arena, extra) : NULL;
    struct sample *sample = copy || extra->count == 0 ? add(snapshot, family, label_values) : NULL;

    if (!sample)
        return;
    sample->value = 1;
    sample->extra = copy;
}

static void *copy_of(struct arena *arena, const void *data, size_t size)
{
    void *copy = arena_alloc(arena, size);

    return copy ? memcpy(copy, data, size) : NULL;
}

/* Copies only used buckets and exemplars. */
static struct histogram *copy_histogram(struct arena *arena, const struct histogram *histogram)
{
    const struct exemplars *exemplars = histogram->exemplars;
    const struct native_histogram *native = histogram->native;
    struct histogram *copy = copy_of(arena, histogram, sizeof(*histogram));

    if (copy && exemplars)
        copy->exemplars = copy_of(arena, exemplars,
                                  sizeof(*exemplars) + exemplars->n * sizeof(exemplars->list[0]));
    if (copy && native)
        copy->native =
            copy_of(arena, native, sizeof(*native) + native->n * sizeof(native->buckets[0]));
    return copy;
}

void snapshot_add_histogram_sample(struct snapshot *snapshot, size_t family,
                                   const struct histogram *histogram,
                                   const char *const *label_values)
{
    struct histogram *copy = copy_histogram(&snapshot->arena, histogram);
    struct sample *sample = copy ? add(snapshot, family, label_values) : NULL;

    if (sample)
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
