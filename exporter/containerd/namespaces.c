/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/namespaces.h"

#include "base/text.h"

#define NAMESPACES_LIMIT_BYTES ((size_t)16 << 20)

bool namespace_is_probes(const char *name)
{
    return text_starts_with(name, PROBE_NAMESPACE_PREFIX);
}

bool each_namespace(struct containerd *daemon, namespace_visit *visit, void *arg,
                    struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(NAMESPACES_LIMIT_BYTES);
    struct containerd_namespaces namespaces;

    if (!containerd_namespaces(daemon, &arena, &namespaces, cancel, err))
        return false;
    for (size_t i = 0; i < namespaces.count; i++) {
        const struct scope scope = {.daemon = daemon, .name_space = namespaces.items[i].name};

        if (namespace_is_probes(scope.name_space) || visit(arg, &scope, err))
            continue;
        if (error_is_expected(err, STATUS_GRPC, RPC_UNIMPLEMENTED))
            return true;
        if (!error_is_expected(err, STATUS_GRPC, RPC_NOT_FOUND))
            return error_wrap(err, "namespace %s", scope.name_space);
    }
    return true;
}
