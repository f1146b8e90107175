/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/daemon/cri_session.h"

#include "containerd/containers.h"
#include "containerd/cri/cri_pull.h"
#include "containerd/leases.h"
#include "containerd/namespaces.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define KUBELET_NAMESPACE "k8s.io"
#define IMAGE_LABEL       "containerd-exporter/image"
#define STARTED_LABEL     "containerd-exporter/started" /* in ns since 1970 */
#define ENDS_LABEL        "containerd-exporter/ends"    /* likewise; the end of the claim */
#define ARENA_LIMIT_BYTES ((size_t)64 << 20)            /* several lists of all images of a node */
#define CLEAR_ATTEMPTS    3
#define GRACE_NS          (60 * NS_PER_SECOND) /* time for the clean-up after the deadline */
#define POLL_NS           (100 * NS_PER_MS)

void cri_session_deinit(struct cri_session *session)
{
    arena_deinit(&session->arena);
}

static void init(struct cri_session *session, struct containerd *daemon)
{
    *session = (struct cri_session){
        .scope = {.daemon = daemon, .name_space = KUBELET_NAMESPACE},
        .arena = ARENA_INIT(ARENA_LIMIT_BYTES),
    };
}

static const struct image_record *find_record(const struct image_records *records, const char *name)
{
    for (size_t i = 0; i < records->count; i++)
        if (strcmp(records->items[i].name, name) == 0)
            return &records->items[i];
    return NULL;
}

static bool was_there(const struct cri_session *session, const char *name)
{
    return find_record(&session->before_, name) != NULL;
}

/* The length of "host:port/repository". */
static size_t repository_size(const char *name)
{
    const char *slash = strrchr(name, '/');
    size_t host_size = slash ? (size_t)(slash - name) : 0;

    return host_size + strcspn(name + host_size, ":@");
}

static bool same_repository(const char *a, const char *b)
{
    size_t size = repository_size(a);

    return size == repository_size(b) && strncmp(a, b, size) == 0;
}

/* Finds what the pull has created, whether or not it has succeeded. CRI creates a second record
 * for an image, named by its digest. */
static bool identify(struct cri_session *session, bool *any, struct cancel *cancel,
                     struct error *err)
{
    const struct image_record *record;
    struct image_records now;
    struct cri_names names;

    *any = false;
    if (session->present)
        return true;
    if (!images_list(&session->scope, &session->arena, &now, cancel, err) ||
        !cri_names(session->scope.daemon, session->name, &session->arena, &names, cancel, err))
        return false;
    record = find_record(&now, session->name);
    if (record)
        snprintf(session->digest_name_, sizeof(session->digest_name_), "%.*s@%s",
                 (int)repository_size(session->name), session->name, record->target.digest);
    if (!session->id)
        session->id = names.id;
    *any = record || names.id;
    return true;
}

static bool count_container(void *arg, const struct container_info *info, struct error *err)
{
    size_t *count = arg;

    (void)info, (void)err;
    ++*count;
    return true;
}

/* Checks whether a container was created from the image since the session began. */
static bool check_use(struct cri_session *session, struct cancel *cancel, struct error *err)
{
    const char *const names[] = {session->name, session->digest_name_, session->id};
    char filter[CRI_SESSION_NAME_BYTES + sizeof("image==\"\"")];
    size_t count = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!names[i] || names[i][0] == '\0')
            continue;
        snprintf(filter, sizeof(filter), "image==\"%s\"", names[i]);
        if (!containers_list(&session->scope, filter, count_container, &count, cancel, err))
            return false;
    }
    session->in_use = count > 0;
    return true;
}

static bool is_own_name(const struct cri_session *session, const char *name)
{
    return (strcmp(name, session->name) == 0 || strcmp(name, session->digest_name_) == 0) &&
           !was_there(session, name);
}

/* Whether all names of the image were created by this session. */
static bool has_own_names_only(const struct cri_session *session, const struct cri_names *names)
{
    for (size_t i = 0; i < names->n_tags; i++)
        if (!is_own_name(session, names->tags[i]))
            return false;
    for (size_t i = 0; i < names->n_digests; i++)
        if (!is_own_name(session, names->digests[i]))
            return false;
    return !was_there(session, names->id);
}

/* Removes the image with all its names, if this session created all of them. */
static bool remove_image(struct cri_session *session, struct cancel *cancel, struct error *err)
{
    struct cri_names names;

    if (!session->id)
        return true;
    if (!cri_names(session->scope.daemon, session->id, &session->arena, &names, cancel, err))
        return false;
    return !names.id || !has_own_names_only(session, &names) ||
           cri_remove(session->scope.daemon, session->id, cancel, err);
}

/* Removes the names that this session created. Other clients may have named the image, too. */
static bool remove_names(struct cri_session *session, struct cancel *cancel, struct error *err)
{
    const char *const names[] = {session->name, session->digest_name_};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i][0] != '\0' && !was_there(session, names[i]) &&
            !images_delete(&session->scope, names[i], cancel, err))
            return false;
    return true;
}

static bool remove_all(struct cri_session *session, struct cancel *cancel, struct error *err)
{
    if (!check_use(session, cancel, err))
        return false;
    return session->in_use ||
           (remove_image(session, cancel, err) && remove_names(session, cancel, err));
}

/* The lease is deleted last, with a garbage collection. Without its lease, a pull that the daemon
 * still executes can no longer store anything. But that pull may have ended just before, so the
 * loop checks again. */
bool cri_session_close(struct cri_session *session, struct cancel *cancel, struct error *err)
{
    bool any;

    if (!session->has_lease_)
        return true;
    for (size_t i = 0; i < CLEAR_ATTEMPTS; i++) {
        if (!identify(session, &any, cancel, err))
            return false;
        if (i > 0 && !any)
            return true;
        if ((any && !remove_all(session, cancel, err)) ||
            !leases_delete(&session->scope, session->lease, true, cancel, err))
            return false;
        if (session->present || session->in_use)
            return true;
    }
    return error_set(err, ERROR_RUNTIME, "%s was created again after each of %d removals",
                     session->name, CLEAR_ATTEMPTS);
}

static bool number_of(const struct lease *lease, const char *name, int64_t *number)
{
    const char *text = labels_get(&lease->labels, name);
    struct error ignored;
    uint64_t value;

    if (!text || !text_uint(text, &value, &ignored) || value > INT64_MAX)
        return false;
    *number = (int64_t)value;
    return true;
}

/* Cleans up after the run that held this lease. Records that are older than the start of that run
 * are not its leftovers. */
static bool sweep_lease(struct containerd *daemon, const struct lease *lease, struct cancel *cancel,
                        struct error *err)
{
    CLEANUP(cri_session_deinit) struct cri_session session;
    const char *image = labels_get(&lease->labels, IMAGE_LABEL);
    struct image_records *before = &session.before_;
    int64_t started_unix_ns;
    size_t count = 0;

    init(&session, daemon);
    if (!image || !number_of(lease, STARTED_LABEL, &started_unix_ns))
        return leases_delete(&session.scope, lease->id, true, cancel, err);
    if (!images_list(&session.scope, &session.arena, before, cancel, err))
        return false;
    for (size_t i = 0; i < before->count; i++)
        if (before->items[i].created_unix_ns < started_unix_ns)
            before->items[count++] = before->items[i];
    before->count = count;
    snprintf(session.lease, sizeof(session.lease), "%s", lease->id);
    snprintf(session.name, sizeof(session.name), "%s", image);
    session.has_lease_ = true;
    session.present = was_there(&session, session.name);
    return cri_session_close(&session, cancel, err);
}

static bool is_claimed(const struct lease *lease)
{
    int64_t ends_unix_ns;

    return number_of(lease, ENDS_LABEL, &ends_unix_ns) && ends_unix_ns > clock_unix_ns();
}

/* Cleans up after an interrupted run of this probe, and after runs whose claim has expired. */
static bool sweep(const struct cri_session *session, struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct leases leases;

    if (!leases_list(&session->scope, &arena, &leases, cancel, err))
        return false;
    for (size_t i = 0; i < leases.count; i++) {
        const struct lease *lease = &leases.items[i];
        bool own = strcmp(lease->id, session->lease) == 0;
        struct error ignored; /* another probe may be cleaning up the same lease */

        if (own && !sweep_lease(session->scope.daemon, lease, cancel, err))
            return error_wrap(err, "leftovers of lease %s", lease->id);
        if (!own && text_starts_with(lease->id, PROBE_NAMESPACE_PREFIX) && !is_claimed(lease))
            (void)!sweep_lease(session->scope.daemon, lease, cancel, &ignored);
    }
    return true;
}

static bool create_lease(const struct cri_session *session, int64_t lifetime_seconds,
                         struct cancel *cancel, struct error *err)
{
    const struct scope scope = {session->scope.daemon, session->scope.name_space, session->lease};
    int64_t now_ns = clock_unix_ns(), left_ns = cancel->deadline_ns - clock_now_ns();
    char started[24], ends[24];
    struct label items[] = {
        {IMAGE_LABEL, session->name}, {STARTED_LABEL, started}, {ENDS_LABEL, ends}};
    const struct labels labels = {items, sizeof(items) / sizeof(items[0])};

    snprintf(started, sizeof(started), "%" PRId64, now_ns);
    snprintf(ends, sizeof(ends), "%" PRId64, now_ns + left_ns + GRACE_NS);
    return leases_create(&scope, lifetime_seconds, &labels, cancel, err);
}

/* *any: another probe has claimed the same repository. *must_yield: this session has to release
 * its lease, because otherwise both sessions would wait forever. */
static bool find_neighbours(const struct cri_session *session, bool *any, bool *must_yield,
                            struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct leases leases;

    *any = *must_yield = false;
    if (!leases_list(&session->scope, &arena, &leases, cancel, err))
        return false;
    for (size_t i = 0; i < leases.count; i++) {
        const struct lease *lease = &leases.items[i];
        const char *image = labels_get(&lease->labels, IMAGE_LABEL);
        int order = strcmp(lease->id, session->lease);

        if (order == 0 || !image || !text_starts_with(lease->id, PROBE_NAMESPACE_PREFIX) ||
            !is_claimed(lease) || !same_repository(image, session->name))
            continue;
        *any = true;
        *must_yield = *must_yield || order < 0;
    }
    return true;
}

/* Waits until no other probe has claimed the repository. With a lease of its own, the session
 * waits at most until it must yield. */
static bool wait_for_neighbours(const struct cri_session *session, bool *any, struct cancel *cancel,
                                struct error *err)
{
    const struct timespec pause = clock_timespec(POLL_NS);
    bool must_yield;

    for (;;) {
        if (!find_neighbours(session, any, &must_yield, cancel, err))
            return false;
        if (!*any || (session->has_lease_ && must_yield))
            return true;
        nanosleep(&pause, NULL);
        if (!cancel_check(cancel, err))
            return error_wrap(err, "waiting for another probe that pulls from the same repository");
    }
}

/* Creates the lease and keeps it once no other probe has claimed the repository. */
static bool claim_repository(struct cri_session *session, int64_t lifetime_seconds,
                             struct cancel *cancel, struct error *err)
{
    bool any;

    for (;;) {
        session->has_lease_ = true; /* if the response is lost, the lease may exist */
        if (!create_lease(session, lifetime_seconds, cancel, err) ||
            !wait_for_neighbours(session, &any, cancel, err))
            return false;
        if (!any)
            return true;
        if (!leases_delete(&session->scope, session->lease, false, cancel, err))
            return false;
        session->has_lease_ = false;
        if (!wait_for_neighbours(session, &any, cancel, err))
            return false;
    }
}

static bool read_state(struct cri_session *session, struct cancel *cancel, struct error *err)
{
    struct cri_names names;

    if (!cri_names(session->scope.daemon, session->name, &session->arena, &names, cancel, err) ||
        !images_list(&session->scope, &session->arena, &session->before_, cancel, err))
        return false;
    session->present = names.id || was_there(session, session->name);
    return true;
}

bool cri_session_open(struct cri_session *session, const struct engine_request *request,
                      struct cancel *cancel, struct error *err)
{
    const struct reference *reference = &request->reference;

    init(session, request->containerd);
    session->present = true; /* until read_state() the session owns nothing */
    snprintf(session->lease, sizeof(session->lease), PROBE_NAMESPACE_PREFIX "%s", request->name);
    snprintf(session->name, sizeof(session->name), "%s/%s%s%s", reference->host,
             reference->repository, reference->digest ? "@" : ":",
             reference_object(reference)); /* a digest takes precedence */
    return cri_version(request->containerd, cancel, err) && sweep(session, cancel, err) &&
           claim_repository(session, request->lifetime_seconds, cancel, err) &&
           read_state(session, cancel, err);
}
