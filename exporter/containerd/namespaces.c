/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/namespaces.h"

#include "base/clock.h"
#include "base/text.h"

#define NAMESPACES_LIMIT_BYTES ((size_t)16 << 20)

/* Most namespaces need milliseconds, so a large one may take most of the time. */
#define SHARE_PARTS 4
#define SHARE_TAKEN 3

bool namespace_is_probes(const char *name)
{
    return text_starts_with(name, PROBE_NAMESPACE_PREFIX);
}

int64_t deadline_share(struct cancel *cancel, size_t n_left)
{
    int64_t whole_ns = cancel->deadline_ns, now_ns = clock_now_ns();

    if (n_left > 1 && whole_ns > now_ns)
        cancel->deadline_ns = now_ns + (whole_ns - now_ns) / SHARE_PARTS * SHARE_TAKEN;
    return whole_ns;
}

bool failure_is_local(struct containerd *daemon, struct cancel *cancel, struct error *err)
{
    struct error ignored;
    bool serving;

    if (!cancel_check(cancel, &ignored) || err->code == ERROR_MEMORY)
        return false;
    if (!error_code_is_unreachable(err->code))
        return true;
    if (!containerd_health(daemon, &serving, cancel, &ignored))
        return false;
    err->code = ERROR_RUNTIME;
    return true;
}

/* One visit, with its share of the time. */
static bool visit_one(const struct scope *scope, namespace_visit *visit, void *arg, size_t n_left,
                      struct cancel *cancel, struct error *err)
{
    int64_t whole_ns = deadline_share(cancel, n_left);
    bool ok = visit(arg, scope, err);

    cancel->deadline_ns = whole_ns;
    return ok || error_is_expected(err, STATUS_GRPC, RPC_NOT_FOUND) ||
           error_wrap(err, "namespace %s", scope->name_space);
}

bool each_namespace(struct containerd *daemon, namespace_visit *visit, void *arg, size_t *n_failed,
                    struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(NAMESPACES_LIMIT_BYTES);
    struct containerd_namespaces namespaces;
    struct error failure = {0};
    size_t count = 0;
    bool local = true;

    if (!containerd_namespaces(daemon, &arena, &namespaces, cancel, err))
        return false;
    for (size_t i = 0; local && i < namespaces.count; i++) {
        const struct scope scope = {.daemon = daemon, .name_space = namespaces.items[i].name};

        if (namespace_is_probes(scope.name_space) ||
            visit_one(&scope, visit, arg, namespaces.count - i, cancel, err))
            continue;
        if (error_is_expected(err, STATUS_GRPC, RPC_UNIMPLEMENTED))
            break;
        local = failure_is_local(daemon, cancel, err);
        if (count++ == 0 || !local)
            failure = *err;
    }
    if (n_failed)
        *n_failed = count;
    if (count > 0)
        *err = failure;
    return count == 0;
}
