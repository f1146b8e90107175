/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/image/parallel_blobs.h"

#include "base/clock.h"
#include "base/text.h"
#include "oci/name_map.h"

#include <string.h>

struct parallel_blobs {
    struct parallel_blobs_plan plan;
    struct cancel *parent;
    struct cancel_watcher watcher; /* of the parent: cancels the threads */
    bool watched;
    struct cancel cancel;
    pthread_mutex_t lock; /* protects what follows */
    pthread_cond_t changed;
    size_t next;      /* the next blob to take */
    bool *there;      /* for each blob */
    size_t *first_of; /* index of the first blob with the same digest */
    struct error failure;
    bool failed;
    int64_t ended_ns;
    size_t n_threads, n_joined;
    struct blob_thread {
        struct parallel_blobs *layers;
        struct registry *registry;
        pthread_t thread;
    } threads[PARALLEL_BLOBS_MAX];
};

/* Takes the next blob, without duplicates. Returns false if there is none left. */
static bool take(struct parallel_blobs *layers, size_t *i)
{
    LOCK_SCOPE(&layers->lock);

    while (layers->next < layers->plan.count && layers->first_of[layers->next] != layers->next)
        layers->next++;
    *i = layers->next;
    if (layers->failed || *i == layers->plan.count)
        return false;
    layers->next++;
    return true;
}

/* Only the first failure is kept: the others only say that their thread was canceled. */
static void report(struct parallel_blobs *layers, size_t i, bool ok, const struct error *failure)
{
    bool first = false;

    pthread_mutex_lock(&layers->lock);
    layers->there[i] = ok;
    if (!ok && !layers->failed) {
        first = layers->failed = true;
        layers->failure = *failure;
    }
    pthread_cond_broadcast(&layers->changed);
    pthread_mutex_unlock(&layers->lock);
    if (first)
        cancel_now(&layers->cancel);
}

static void report_speed(const struct parallel_blobs_plan *plan, size_t i, int64_t start_ns)
{
    const struct descriptor *blob = plan->blobs[i];
    double seconds = seconds_between(start_ns, clock_now_ns());
    char size[32];

    text_format_bytes((uint64_t)blob->size, size, sizeof(size));
    progress_note(plan->progress, "layer %zu of %zu, %.19s: %s in %.3f s, %.1f MB/s", i + 1,
                  plan->count, blob->digest, size, seconds,
                  seconds > 0 ? (double)blob->size / seconds / 1e6 : 0);
}

static void *fetch_blobs(void *arg)
{
    struct blob_thread *self = arg;
    struct parallel_blobs *layers = self->layers;
    struct error err;
    size_t i;

    while (take(layers, &i)) {
        int64_t start_ns = clock_now_ns();
        bool ok = layers->plan.fetch(layers->plan.arg, self->registry, layers->plan.blobs[i],
                                     &layers->cancel, &err) ||
                  error_wrap(&err, "layer %zu", i);

        if (ok)
            report_speed(&layers->plan, i, start_ns);
        report(layers, i, ok, &err);
    }
    pthread_mutex_lock(&layers->lock);
    layers->ended_ns = clock_now_ns();
    pthread_mutex_unlock(&layers->lock);
    return NULL;
}

static void stop(void *cancel)
{
    cancel_now(cancel);
}

static bool find_duplicates(struct parallel_blobs *layers, struct error *err)
{
    CLEANUP(name_map_deinit) struct name_map seen = NAME_MAP_INIT;
    size_t n = layers->plan.count > 0 ? layers->plan.count : 1;

    layers->there = calloc(n, sizeof(*layers->there));
    layers->first_of = calloc(n, sizeof(*layers->first_of));
    if (!layers->there || !layers->first_of)
        return error_memory(err);
    for (size_t i = 0; i < layers->plan.count; i++) {
        uint64_t first = i;

        if (!name_map_find(&seen, layers->plan.blobs[i]->digest, &first) &&
            !name_map_add(&seen, layers->plan.blobs[i]->digest, i, err))
            return false;
        layers->first_of[i] = (size_t)first;
    }
    return true;
}

/* Creates all clones before the first thread starts, because a thread changes the registry. */
static bool make_clones(struct parallel_blobs *layers, size_t n, struct error *err)
{
    layers->threads[0].registry = layers->plan.registry;
    for (size_t i = 1; i < n; i++) {
        layers->threads[i].registry = registry_clone(layers->plan.registry, err);
        if (!layers->threads[i].registry)
            return false;
    }
    return true;
}

static bool start_threads(struct parallel_blobs *layers, struct error *err)
{
    size_t n = 0, most = layers->plan.at_once < 1 ? 1 : layers->plan.at_once;
    int r = 0;

    for (size_t i = 0; i < layers->plan.count; i++)
        n += layers->first_of[i] == i;
    if (most > PARALLEL_BLOBS_MAX)
        most = PARALLEL_BLOBS_MAX;
    if (n > most)
        n = most;
    if (!make_clones(layers, n, err))
        return false;
    for (; layers->n_threads < n && r == 0; layers->n_threads += r == 0) {
        struct blob_thread *self = &layers->threads[layers->n_threads];

        self->layers = layers;
        r = pthread_create(&self->thread, NULL, fetch_blobs, self);
    }
    return r == 0 || error_errno(err, r, "cannot start a thread");
}

struct parallel_blobs *parallel_blobs_start(const struct parallel_blobs_plan *plan,
                                            struct cancel *cancel, struct error *err)
{
    CLEANUP(parallel_blobs_freep) struct parallel_blobs *layers = calloc(1, sizeof(*layers));

    if (!layers) {
        error_memory(err);
        return NULL;
    }
    layers->plan = *plan;
    layers->parent = cancel;
    layers->ended_ns = clock_now_ns();
    cancel_init(&layers->cancel, cancel->deadline_ns);
    pthread_mutex_init(&layers->lock, NULL);
    pthread_cond_init(&layers->changed, NULL);
    layers->watcher = (struct cancel_watcher){.wake = stop, .arg = &layers->cancel};
    layers->watched = cancel_watch(cancel, &layers->watcher, err);
    if (!layers->watched || !find_duplicates(layers, err) || !start_threads(layers, err))
        return NULL;
    return TAKE(layers);
}

bool parallel_blobs_wait(struct parallel_blobs *layers, size_t i, struct error *err)
{
    LOCK_SCOPE(&layers->lock);

    i = layers->first_of[i];
    while (!layers->there[i] && !layers->failed)
        pthread_cond_wait(&layers->changed, &layers->lock);
    if (layers->failed)
        *err = layers->failure;
    return !layers->failed;
}

static void free_clone(const struct parallel_blobs *layers, struct blob_thread *thread)
{
    if (thread->registry != layers->plan.registry)
        registry_free(thread->registry);
    thread->registry = NULL;
}

static void join(struct parallel_blobs *layers)
{
    for (; layers->n_joined < layers->n_threads; layers->n_joined++) {
        struct blob_thread *thread = &layers->threads[layers->n_joined];

        pthread_join(thread->thread, NULL);
        free_clone(layers, thread);
    }
}

bool parallel_blobs_join(struct parallel_blobs *layers, int64_t *ended_ns, struct error *err)
{
    join(layers);
    *ended_ns = layers->ended_ns;
    if (layers->failed)
        *err = layers->failure;
    return !layers->failed;
}

bool parallel_blobs_run(const struct parallel_blobs_plan *plan, struct cancel *cancel,
                        struct error *err)
{
    CLEANUP(parallel_blobs_freep)
    struct parallel_blobs *layers = parallel_blobs_start(plan, cancel, err);
    int64_t ended_ns;

    return layers && parallel_blobs_join(layers, &ended_ns, err);
}

void parallel_blobs_free(struct parallel_blobs *layers)
{
    cancel_now(&layers->cancel);
    join(layers);
    for (size_t i = layers->n_threads; i < PARALLEL_BLOBS_MAX; i++)
        free_clone(layers, &layers->threads[i]); /* of threads that have not started */
    if (layers->watched)
        cancel_unwatch(layers->parent, &layers->watcher);
    cancel_deinit(&layers->cancel);
    pthread_cond_destroy(&layers->changed);
    pthread_mutex_destroy(&layers->lock);
    free(layers->there);
    free(layers->first_of);
    free(layers);
}
