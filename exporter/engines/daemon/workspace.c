/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/daemon/workspace.h"

#include "base/clock.h"
#include "base/text.h"
#include "containerd/content.h"
#include "containerd/content_writer.h"
#include "containerd/cri/cri.h"
#include "containerd/images.h"
#include "containerd/introspection.h"
#include "containerd/leases.h"
#include "containerd/namespaces.h"
#include "containerd/snapshots.h"
#include "engines/image/recent_blobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define CLEAR_ATTEMPTS    3
#define ARENA_LIMIT_BYTES ((size_t)4 << 20)
#define LEFTOVERS_MAX     ((size_t)4096) /* per kind and pass */
#define NOT_BY_DEFAULT    "erofs"
#define EXPIRES_LABEL     "containerd-exporter/expires"

/* Names that a list has returned, to be removed after it. */
struct names {
    struct arena *arena;
    const char **items;
    size_t count;
};

static bool collect(struct names *names, const char *name, struct error *err)
{
    if (!names->items)
        names->items = arena_alloc(names->arena, LEFTOVERS_MAX * sizeof(*names->items));
    if (names->items && names->count < LEFTOVERS_MAX)
        names->items[names->count++] = arena_strdup(names->arena, name);
    return arena_ok(names->arena, err);
}

static bool collect_blob(void *arg, const struct content_info *info, struct error *err)
{
    return collect(arg, info->digest, err);
}

static bool collect_snapshot(void *arg, const struct snapshot_info *info, struct error *err)
{
    return collect(arg, info->name, err);
}

static bool delete_images(const struct scope *scope, struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct image_records records;

    if (!images_list(scope, &arena, &records, cancel, err))
        return false;
    for (size_t i = 0; i < records.count; i++)
        if (!images_delete(scope, records.items[i].name, cancel, err))
            return false;
    return true;
}

/* Deletes the last lease synchronously, which runs one garbage collection for all leases. */
static bool delete_leases(const struct scope *scope, struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct leases leases;

    if (!leases_list(scope, &arena, &leases, cancel, err))
        return false;
    for (size_t i = 0; i < leases.count; i++)
        if (!leases_delete(scope, leases.items[i].id, i + 1 == leases.count, cancel, err))
            return false;
    return true;
}

/* A snapshot with children cannot be removed, so each pass removes the leaves. */
static bool remove_snapshots(const struct scope *scope, const char *snapshotter,
                             struct cancel *cancel, struct error *err)
{
    for (size_t before = LEFTOVERS_MAX + 1;;) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
        struct names names = {.arena = &arena};

        if (!snapshots_list(scope, snapshotter, collect_snapshot, &names, cancel, err))
            return error_is_expected(err, STATUS_GRPC, RPC_INVALID_ARGUMENT) ||
                   error_is_expected(err, STATUS_GRPC, RPC_NOT_FOUND);
        if (names.count == 0)
            return true;
        if (names.count >= before)
            return error_set(err, ERROR_RUNTIME, "%zu snapshots cannot be removed", names.count);
        before = names.count;
        for (size_t i = 0; i < names.count; i++)
            if (!snapshots_remove(scope, snapshotter, names.items[i], cancel, err) &&
                !error_is_expected(err, STATUS_GRPC, RPC_FAILED_PRECONDITION))
                return false;
    }
}

static bool delete_content(const struct scope *scope, struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct names names = {.arena = &arena};

    if (!content_list(scope, collect_blob, &names, cancel, err))
        return false;
    for (size_t i = 0; i < names.count; i++)
        if (!content_delete(scope, names.items[i], cancel, err))
            return false;
    return true;
}

/* Removes a namespace and its content with as few writes as possible. The garbage collection after
 * the last lease removes nearly everything; what no lease held is removed one by one. */
static bool remove_namespace(const struct scope *scope, const char *snapshotter,
                             struct cancel *cancel, struct error *err)
{
    const struct scope outside = {scope->daemon, scope->name_space, NULL};

    if (!delete_images(&outside, cancel, err) || !delete_leases(&outside, cancel, err) ||
        !content_abort_all(&outside, cancel, err))
        return false;
    if (containerd_namespace_delete(&outside, cancel, err))
        return true;
    if (!error_is_expected(err, STATUS_GRPC, RPC_FAILED_PRECONDITION))
        return false;
    return remove_snapshots(&outside, snapshotter, cancel, err) &&
           delete_content(&outside, cancel, err) &&
           containerd_namespace_delete(&outside, cancel, err);
}

static bool has_expired(const struct containerd_namespace *namespace)
{
    const char *label = labels_get(&namespace->labels, EXPIRES_LABEL);
    struct error err;
    uint64_t expires;

    return label && text_uint(label, &expires, &err) && expires < (uint64_t)time(NULL);
}

/* Cleans up after runs of other probes whose namespace has expired. *exists: this probe has a
 * namespace. */
static bool sweep(const struct workspace *workspace, bool *exists, struct cancel *cancel,
                  struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct containerd_namespaces namespaces;

    *exists = false;
    if (!containerd_namespaces(workspace->scope.daemon, &arena, &namespaces, cancel, err))
        return false;
    for (size_t i = 0; i < namespaces.count; i++) {
        const struct containerd_namespace *namespace = &namespaces.items[i];
        const struct scope scope = {workspace->scope.daemon, namespace->name, NULL};
        struct error ignored; /* another probe may be cleaning up the same namespace */

        if (strcmp(namespace->name, workspace->name_space) == 0)
            *exists = true;
        else if (namespace_is_probes(namespace->name) && has_expired(namespace))
            (void)remove_namespace(&scope, workspace->snapshotter, cancel, &ignored);
    }
    return true;
}

/* Returns a snapshotter that the daemon has loaded: CRI's, else the first. erofs is left out: it
 * unpacks no layer without settings. Labels do not tell, because the namespace of the run is new.
 * NULL: the daemon has loaded no other. */
static const char *loaded_snapshotter(struct containerd *daemon, const struct plugins *plugins,
                                      struct arena *arena, struct cancel *cancel)
{
    const char *name;
    struct error ignored; /* a CRI that does not answer has no say */

    if (cri_snapshotter(daemon, arena, &name, cancel, &ignored) &&
        plugins_have(plugins, SNAPSHOTTER_PLUGIN, name))
        return name;
    for (size_t i = 0; i < plugins->count; i++)
        if (strcmp(plugins->items[i].type, SNAPSHOTTER_PLUGIN) == 0 &&
            !plugins->items[i].init_error && strcmp(plugins->items[i].id, NOT_BY_DEFAULT) != 0)
            return plugins->items[i].id;
    return NULL;
}

static bool choose_snapshotter(struct workspace *workspace, const struct engine_request *request,
                               struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    const char *usual = request->snapshotter ? request->snapshotter : "", *name = usual;
    struct plugins plugins;

    if (request->any_snapshotter) {
        if (!introspection_plugins(request->containerd, &arena, &plugins, cancel, err))
            return false;
        if (!plugins_have(&plugins, SNAPSHOTTER_PLUGIN, name))
            name = loaded_snapshotter(request->containerd, &plugins, &arena, cancel);
    }
    snprintf(workspace->snapshotter, sizeof(workspace->snapshotter), "%s", name ? name : usual);
    return true;
}

/* Cleans up after a run of this probe that is not alive. A live one, of another process, is waited
 * for. */
static bool remove_leftovers(struct workspace *workspace, struct cancel *cancel, struct error *err)
{
    bool ok;

    if (!run_claim_wait(&workspace->claim, &workspace->scope, cancel, err))
        return false;
    ok = remove_namespace(&workspace->scope, workspace->snapshotter, cancel, err);
    run_claim_release(&workspace->claim);
    return ok || error_wrap(err, "leftovers in namespace %s", workspace->name_space);
}

/* Removing the leftovers removes the ingest of the claim, too. So the claim is taken again in the
 * new namespace, unless another process was faster. */
static bool begin(struct workspace *workspace, bool exists, const struct labels *labels,
                  struct cancel *cancel, struct error *err)
{
    const struct scope outside = {workspace->scope.daemon, workspace->name_space, NULL};
    bool taken = false;

    for (; !taken; exists = true) {
        if (exists && !remove_leftovers(workspace, cancel, err))
            return false;
        workspace->touched = true;
        if (!containerd_namespace_create(&outside, labels, cancel, err) ||
            !run_claim_try(&workspace->claim, &outside, &taken, cancel, err))
            return false;
        workspace->touched = taken;
    }
    return true;
}

bool workspace_offered(const struct engine_request *request, struct cancel *cancel,
                       struct error *err)
{
    bool serving;

    return containerd_health(request->containerd, &serving, cancel, err) &&
           (serving || error_set(err, ERROR_RUNTIME_UNAVAILABLE, "containerd is not serving"));
}

bool workspace_claim(struct workspace *workspace, const struct engine_request *request,
                     struct cancel *cancel, struct error *err)
{
    char expires[24];
    struct label label = {EXPIRES_LABEL, expires};
    const struct labels labels = {&label, 1};
    bool exists;

    *workspace = (struct workspace){0};
    snprintf(workspace->name_space, sizeof(workspace->name_space), PROBE_NAMESPACE_PREFIX "%s",
             request->name);
    snprintf(workspace->lease, sizeof(workspace->lease), "%s", workspace->name_space);
    workspace->scope = (struct scope){request->containerd, workspace->name_space, workspace->lease};
    snprintf(expires, sizeof(expires), "%" PRId64, (int64_t)time(NULL) + request->lifetime_seconds);
    return choose_snapshotter(workspace, request, cancel, err) &&
           sweep(workspace, &exists, cancel, err) && begin(workspace, exists, &labels, cancel, err);
}

bool workspace_open(struct workspace *workspace, const struct engine_request *request,
                    struct cancel *cancel, struct error *err)
{
    return workspace_claim(workspace, request, cancel, err) &&
           leases_create(&workspace->scope, request->lifetime_seconds, &(struct labels){0}, cancel,
                         err);
}

void workspace_ref(const struct workspace *workspace, const char *digest,
                   char ref[WORKSPACE_REF_BYTES])
{
    snprintf(ref, WORKSPACE_REF_BYTES, "%s-%s", workspace->lease, digest);
}

bool workspace_put(const struct workspace *workspace, const struct descriptor *document,
                   const struct buf *body, const struct labels *labels, struct cancel *cancel,
                   struct error *err)
{
    const struct content_info info = {document->digest, body->size};
    char ref[WORKSPACE_REF_BYTES];

    workspace_ref(workspace, document->digest, ref);
    return content_put(&workspace->scope, ref, &info, body->data ? body->data : "", labels, cancel,
                       err);
}

/* Without the claim, only an empty namespace is removed: another run may have more there. */
static bool remove_own(const struct workspace *workspace, struct cancel *cancel, struct error *err)
{
    const struct scope outside = {workspace->scope.daemon, workspace->name_space, NULL};

    return workspace->claim.writer
               ? remove_namespace(&outside, workspace->snapshotter, cancel, err)
               : containerd_namespace_delete(&outside, cancel, err) ||
                     error_is_expected(err, STATUS_GRPC, RPC_FAILED_PRECONDITION);
}

void workspace_close(struct workspace *workspace, struct cancel *run_cancel,
                     struct engine_result *result)
{
    ENGINE_PHASE(result, PHASE_CLEANUP);
    const struct scope all = {workspace->scope.daemon, workspace->name_space, NULL};
    struct cancel cancel;
    struct error ignored; /* the clean-up reports it */
    uint64_t removal;
    bool cleared = false;

    if (!workspace->touched)
        return;
    engine_cleanup_start(&cancel, run_cancel);
    (void)!recent_blobs_note(&all, 0, &removal, &cancel, &ignored);
    /* Right after a canceled upload the daemon may still hold a lock. */
    for (size_t i = 0; i < CLEAR_ATTEMPTS && !cleared; i++)
        cleared = remove_own(workspace, &cancel, &result->cleanup_error);
    run_claim_release(&workspace->claim);
    recent_blobs_removed(removal);
    if (!cleared) {
        result->cleanup_failed = true;
        error_wrap(&result->cleanup_error, "clean-up of namespace %s", workspace->name_space);
    }
    cancel_deinit(&cancel);
    workspace->touched = false;
}
