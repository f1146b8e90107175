/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/search/daemon_search.h"

#include "base/clock.h"
#include "containerd/containerd.h"
#include "containerd/cri/cri.h"
#include "net/socket_path.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ARENA_LIMIT_BYTES ((size_t)16 << 20)
#define CAUSE_BYTES       200
#define ASK_NS            NS_PER_SECOND
#define RETRY_NS          NS_PER_SECOND /* while the chosen daemon does not answer */
#define PAUSE_NS          (10 * NS_PER_SECOND)
#define PATIENCE_NS       (10 * NS_PER_SECOND)

const char *const daemon_places[] = {
    "/run/containerd/containerd.sock",
    "/run/k3s/containerd/containerd.sock", /* RKE2, too */
    "/run/k0s/containerd.sock",
    "/var/snap/microk8s/common/run/containerd.sock",
    "/run/docker/containerd/containerd.sock",
    NULL,
};

/* How good a place is; the first ones are those of enum socket_state. */
enum rank {
    RANK_MISSING = SOCKET_MISSING,
    RANK_REFUSES = SOCKET_REFUSES,
    RANK_DENIED = SOCKET_DENIED,
    RANK_SILENT = SOCKET_LISTENS, /* a process listens, and does not answer */
    RANK_ANSWERS,
    RANK_KUBERNETES, /* it answers and has the namespace k8s.io */
};

struct daemon_search {
    struct daemon_search_options options;
    size_t n_places;
    _Atomic(struct containerd *) current; /* daemons[chosen] */
    _Atomic int64_t due_ns;               /* the next look; 0: there was none */
    _Atomic int64_t looked_ns;            /* end of the last look */
    atomic_bool restarts;                 /* the next look chooses anew */
    atomic_bool answered;                 /* a chosen daemon has answered */

    pthread_mutex_t looking;                       /* held during a look; protects: */
    struct containerd *daemons[DAEMON_PLACES_MAX]; /* NULL: was never chosen */
    enum rank ranks[DAEMON_PLACES_MAX];
    size_t chosen;
    enum rank best;  /* rank of the chosen daemon since it was chosen */
    int64_t lost_ns; /* since when it is below that; 0: it is not */
    bool reported_answers, reported_kubernetes;

    pthread_mutex_t text_lock;
    char others[DAEMON_OTHERS_BYTES];
};

struct daemon_search *daemon_search_new(const struct daemon_search_options *options,
                                        struct error *err)
{
    CLEANUP(daemon_search_freep) struct daemon_search *search = calloc(1, sizeof(*search));

    if (!search) {
        error_memory(err);
        return NULL;
    }
    search->options = *options;
    if (search->options.pause_ns == 0)
        search->options.pause_ns = PAUSE_NS;
    if (search->options.patience_ns == 0)
        search->options.patience_ns = PATIENCE_NS;
    pthread_mutex_init(&search->looking, NULL);
    pthread_mutex_init(&search->text_lock, NULL);
    while (search->n_places < DAEMON_PLACES_MAX && options->places[search->n_places])
        search->n_places++;
    search->daemons[0] = containerd_new_found(options->places[0], search, NULL, err);
    if (!search->daemons[0])
        return NULL;
    atomic_init(&search->current, search->daemons[0]);
    atomic_init(&search->restarts, true);
    return TAKE(search);
}

/* The first daemon is last: the others use its statistics. */
void daemon_search_free(struct daemon_search *search)
{
    for (size_t i = search->n_places; i-- > 0;)
        if (search->daemons[i])
            containerd_free(search->daemons[i]);
    pthread_mutex_destroy(&search->looking);
    pthread_mutex_destroy(&search->text_lock);
    free(search);
}

static bool has_kubernetes(const struct containerd_namespaces *namespaces)
{
    for (size_t i = 0; i < namespaces->count; i++)
        if (strcmp(namespaces->items[i].name, CRI_NAMESPACE) == 0)
            return true;
    return false;
}

/* Asks on a connection of its own, which is in no statistics. */
static enum rank ask(const char *path)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct containerd_namespaces namespaces;
    CLEANUP(containerd_freep) struct containerd *guest = NULL;
    struct cancel cancel;
    struct error ignored;
    bool ok;

    guest = containerd_new(path, &ignored);
    if (!guest)
        return RANK_SILENT;
    cancel_init(&cancel, clock_now_ns() + ASK_NS);
    ok = containerd_namespaces(guest, &arena, &namespaces, &cancel, &ignored);
    cancel_deinit(&cancel);
    if (!ok)
        return RANK_SILENT;
    return has_kubernetes(&namespaces) ? RANK_KUBERNETES : RANK_ANSWERS;
}

static bool is_same_file(const char *path, const char *other)
{
    struct stat a, b;

    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* Whether a place is another name of the chosen one or of an earlier one: some nodes link the
 * socket of k3s to the usual path. */
static bool is_alias(const struct daemon_search *search, size_t place)
{
    for (size_t i = 0; i < search->n_places; i++) {
        bool comes_first = i == search->chosen || (i < place && place != search->chosen);

        if (i != place && comes_first && search->ranks[i] >= RANK_SILENT &&
            is_same_file(search->options.places[i], search->options.places[place]))
            return true;
    }
    return false;
}

/* Connects to all places. Asks those where a process listens, but not the chosen one where there is
 * no other to compare it with. */
static void rank_places(struct daemon_search *search)
{
    size_t n_listening = 0, listening = 0;
    enum rank before = search->ranks[search->chosen];
    char cause[CAUSE_BYTES];

    for (size_t i = 0; i < search->n_places; i++)
        search->ranks[i] = (enum rank)socket_path_try(search->options.places[i], "containerd",
                                                      cause, sizeof(cause));
    for (size_t i = 0; i < search->n_places; i++) {
        if (search->ranks[i] == RANK_SILENT && is_alias(search, i))
            search->ranks[i] = RANK_MISSING;
        if (search->ranks[i] == RANK_SILENT) {
            n_listening++;
            listening = i;
        }
    }
    if (n_listening == 1 && listening == search->chosen && before == RANK_ANSWERS) {
        search->ranks[listening] = before;
        return;
    }
    for (size_t i = 0; i < search->n_places; i++)
        if (search->ranks[i] == RANK_SILENT)
            search->ranks[i] = ask(search->options.places[i]);
}

static bool replaces(const struct daemon_search *search, size_t candidate, int64_t now_ns)
{
    enum rank rank = search->ranks[candidate];

    if (candidate == search->chosen)
        return false;
    if (rank > search->best)
        return true;
    return rank == search->best && search->lost_ns > 0 &&
           now_ns - search->lost_ns >= search->options.patience_ns;
}

/* Without memory the chosen daemon stays. */
static bool choose(struct daemon_search *search, size_t place)
{
    struct error ignored;

    if (!search->daemons[place])
        search->daemons[place] = containerd_new_found(search->options.places[place], search,
                                                      search->daemons[0], &ignored);
    if (!search->daemons[place])
        return false;
    search->chosen = place;
    search->best = search->ranks[place];
    atomic_store(&search->current, search->daemons[place]);
    return true;
}

/* Sets `others`. Returns whether they have changed. */
static bool update_others(struct daemon_search *search)
{
    char text[DAEMON_OTHERS_BYTES] = "";
    size_t used = 0;
    LOCK_SCOPE(&search->text_lock);

    for (size_t i = 0; i < search->n_places && used < sizeof(text); i++)
        if (i != search->chosen && search->ranks[i] >= RANK_SILENT)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used > 0 ? ", " : "",
                                     search->options.places[i]);
    if (strcmp(text, search->others) == 0)
        return false;
    memcpy(search->others, text, sizeof(text));
    return true;
}

static void report(struct daemon_search *search, bool changed)
{
    enum rank rank = search->ranks[search->chosen];
    struct daemon_choice choice = {.address = search->options.places[search->chosen],
                                   .others = search->others,
                                   .answers = rank >= RANK_ANSWERS,
                                   .kubernetes = rank == RANK_KUBERNETES};

    changed |= update_others(search);
    changed |= choice.answers && !search->reported_answers;
    changed |= choice.kubernetes && !search->reported_kubernetes && *search->others;
    if (!changed)
        return;
    search->reported_answers = choice.answers;
    search->reported_kubernetes = choice.kubernetes;
    if (search->options.report)
        search->options.report(&choice);
}

/* Must be called with `looking` locked. */
static void look(struct daemon_search *search)
{
    bool first = atomic_load(&search->due_ns) == 0, changed = first;
    int64_t now_ns = clock_now_ns();
    size_t best = search->chosen;
    enum rank rank;

    rank_places(search);
    if (atomic_exchange(&search->restarts, false)) {
        search->best = search->ranks[search->chosen];
        search->lost_ns = 0;
    }
    for (size_t i = 0; i < search->n_places; i++)
        if (search->ranks[i] > search->ranks[best])
            best = i;
    if (replaces(search, best, now_ns))
        changed |= choose(search, best);
    rank = search->ranks[search->chosen];
    if (rank >= search->best) {
        search->best = rank;
        search->lost_ns = 0;
    } else if (search->lost_ns == 0) {
        search->lost_ns = now_ns;
    }
    if (rank >= RANK_ANSWERS)
        atomic_store(&search->answered, true);
    report(search, changed);
    now_ns = clock_now_ns();
    atomic_store(&search->looked_ns, now_ns);
    atomic_store(&search->due_ns, rank == RANK_KUBERNETES ? INT64_MAX
                                  : rank == RANK_ANSWERS  ? now_ns + search->options.pause_ns
                                                          : now_ns + RETRY_NS);
}

struct containerd *daemon_search_current(struct daemon_search *search)
{
    int64_t due_ns = atomic_load(&search->due_ns);

    if (clock_now_ns() < due_ns)
        return atomic_load(&search->current);
    if (due_ns == 0)
        pthread_mutex_lock(&search->looking);
    else if (pthread_mutex_trylock(&search->looking) != 0)
        return atomic_load(&search->current);
    if (clock_now_ns() >= atomic_load(&search->due_ns)) /* another thread may have looked */
        look(search);
    pthread_mutex_unlock(&search->looking);
    return atomic_load(&search->current);
}

struct containerd *daemon_search_chosen(const struct daemon_search *search)
{
    return atomic_load(&search->current);
}

bool daemon_search_failed(struct daemon_search *search)
{
    int64_t due_ns = atomic_load(&search->looked_ns) + RETRY_NS;

    if (atomic_load(&search->due_ns) > due_ns)
        atomic_store(&search->due_ns, due_ns);
    return atomic_load(&search->answered);
}

void daemon_search_restart(struct daemon_search *search)
{
    atomic_store(&search->restarts, true);
    (void)daemon_search_failed(search);
}

void daemon_search_others(struct daemon_search *search, char *out, size_t out_size)
{
    LOCK_SCOPE(&search->text_lock);

    snprintf(out, out_size, "%s", search->others);
}
