/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/daemon/cri_session.h"

#include "containerd/containers.h"
#include "containerd/cri/cri.h"
#include "containerd/cri/cri_pull.h"
#include "containerd/leases.h"
#include "containerd/namespaces.h"
#include "engines/daemon/cri_before.h"
#include "engines/image/recent_blobs.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)64 << 20) /* several lists of all images of a node */
#define CLEAR_ATTEMPTS    3

/* Sessions of this process. Their leases do not show a run that began and ended during another. */
static atomic_uint n_begun, n_active;

void cri_session_deinit(struct cri_session *session)
{
    if (session->number_ > 0)
        atomic_fetch_sub(&n_active, 1);
    arena_deinit(&session->arena);
}

static void init(struct cri_session *session, struct containerd *daemon)
{
    *session = (struct cri_session){
        .scope = {.daemon = daemon, .name_space = CRI_NAMESPACE},
        .started_unix_ns_ = clock_unix_ns(),
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
                 (int)cri_claim_repository_bytes(session->name), session->name,
                 record->target.digest);
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

/* Images of one content under names of several probes: each removes its own names, and the last one
 * the record that CRI names by the id. CRI itself notices removed names later. */
static bool remove_nameless(struct cri_session *session, struct cancel *cancel, struct error *err)
{
    const struct image_record *record, *before;
    struct image_records now;

    if (!session->id)
        return true;
    if (!images_list(&session->scope, &session->arena, &now, cancel, err))
        return false;
    record = find_record(&now, session->id);
    before = find_record(&session->before_, session->id);
    if (record && before && before->created_unix_ns == record->created_unix_ns)
        return true;
    for (size_t i = 0; record && i < now.count; i++)
        if (&now.items[i] != record &&
            strcmp(now.items[i].target.digest, record->target.digest) == 0)
            return true;
    return !record || images_delete(&session->scope, session->id, cancel, err);
}

static bool remove_all(struct cri_session *session, struct cancel *cancel, struct error *err)
{
    if (!check_use(session, cancel, err))
        return false;
    return session->in_use ||
           (remove_image(session, cancel, err) && remove_names(session, cancel, err) &&
            remove_nameless(session, cancel, err));
}

/* The lease is deleted last, with a garbage collection. Without its lease, a pull that the daemon
 * still executes can no longer store anything. But that pull may have ended just before, so the
 * loop checks again. */
static bool remove_until_gone(struct cri_session *session, struct cancel *cancel, struct error *err)
{
    bool any;

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

bool cri_session_close(struct cri_session *session, struct cancel *cancel, struct error *err)
{
    const struct scope leased = {session->scope.daemon, session->scope.name_space, session->lease};
    struct error ignored; /* only other runs would miss it */
    uint64_t removal;
    bool ok;

    if (!session->claim_.held)
        return true;
    if (session->present)
        return remove_until_gone(session, cancel, err);
    (void)!recent_blobs_note(&leased, session->started_unix_ns_, &removal, cancel, &ignored);
    ok = remove_until_gone(session, cancel, err);
    recent_blobs_removed(removal);
    return ok;
}

/* Cleans up after the run that held this lease. Records that are older than the start of that run
 * are not its leftovers. */
static bool sweep_lease(struct containerd *daemon, const struct lease *lease, struct cancel *cancel,
                        struct error *err)
{
    CLEANUP(cri_session_deinit) struct cri_session session;
    const char *image = cri_claim_image(lease);
    struct image_records *before = &session.before_;
    int64_t started_unix_ns;
    size_t count = 0;

    init(&session, daemon);
    if (!image || !cri_claim_started(lease, &started_unix_ns))
        return leases_delete(&session.scope, lease->id, true, cancel, err);
    if (!images_list(&session.scope, &session.arena, before, cancel, err))
        return false;
    for (size_t i = 0; i < before->count; i++)
        if (before->items[i].created_unix_ns < started_unix_ns)
            before->items[count++] = before->items[i];
    before->count = count;
    snprintf(session.lease, sizeof(session.lease), "%s", lease->id);
    snprintf(session.name, sizeof(session.name), "%s", image);
    session.claim_.held = true;
    session.present = was_there(&session, session.name);
    return cri_session_close(&session, cancel, err);
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
        if (!own && text_starts_with(lease->id, PROBE_NAMESPACE_PREFIX) &&
            !cri_claim_is_active(lease))
            (void)!sweep_lease(session->scope.daemon, lease, cancel, &ignored);
    }
    return true;
}

static bool read_state(struct cri_session *session, struct cancel *cancel, struct error *err)
{
    struct image_records all;
    struct cri_names names;

    if (!cri_names(session->scope.daemon, session->name, &session->arena, &names, cancel, err) ||
        !cri_before_read(&session->claim_, &session->arena, &all, &session->before_, cancel, err))
        return false;
    session->present = names.id || find_record(&all, session->name);
    return true;
}

/* Whether another run has the same content by now. */
static bool has_same(const struct cri_session *session, const struct lease *lease,
                     const struct image_records *now)
{
    const struct image_record *own = find_record(now, session->name);
    const struct image_record *other = find_record(now, cri_claim_image(lease));

    return own && other && strcmp(own->target.digest, other->target.digest) == 0;
}

bool cri_session_shares(struct cri_session *session, bool cold, bool *shares, struct cancel *cancel,
                        struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct image_records now = {0};
    struct leases leases;

    *shares = !cold && (session->claim_.crowded || session->crowded_ ||
                        atomic_load(&n_begun) != session->number_);
    if (session->present || *shares)
        return true;
    if (!leases_list(&session->scope, &arena, &leases, cancel, err) ||
        (cold && !images_list(&session->scope, &arena, &now, cancel, err)))
        return false;
    for (size_t i = 0; i < leases.count; i++)
        *shares |= cri_claim_is_others(&session->claim_, &leases.items[i]) &&
                   (!cold || has_same(session, &leases.items[i], &now));
    return true;
}

bool cri_session_open(struct cri_session *session, const struct engine_request *request,
                      const char *shared, struct cancel *cancel, struct error *err)
{
    const struct reference *reference = &request->reference;

    init(session, request->containerd);
    session->number_ = atomic_fetch_add(&n_begun, 1) + 1;
    session->crowded_ = atomic_fetch_add(&n_active, 1) > 0;
    session->present = true; /* until read_state() the session owns nothing */
    snprintf(session->lease, sizeof(session->lease), PROBE_NAMESPACE_PREFIX "%s", request->name);
    snprintf(session->name, sizeof(session->name), "%s/%s%s%s", reference->host,
             reference->repository, reference->digest ? "@" : ":",
             reference_object(reference)); /* a digest takes precedence */
    session->claim_ = (struct cri_claim){.scope = &session->scope,
                                         .lease = session->lease,
                                         .image = session->name,
                                         .content = *shared ? shared : request->last_manifest,
                                         .crowded = *shared,
                                         .lifetime_seconds = request->lifetime_seconds};
    return cri_version(request->containerd, cancel, err) &&
           workspace_claim(&session->workspace, request, cancel, err) &&
           sweep(session, cancel, err) && cri_claim_take(&session->claim_, cancel, err) &&
           read_state(session, cancel, err);
}
