/* SPDX-License-Identifier: Apache-2.0 */
/* Uses ListStream. Daemons without it get List, whose reply fails above 16 MiB. */
#include "containerd/containers.h"

#include "containerd/wire/containers_wire.h"

#define REQUEST_LIMIT_BYTES ((size_t)4096)
#define SERVICE             "/containerd.services.containers.v1.Containers/"

bool containers_list(const struct scope *scope, const char *filter, containers_visit *visit,
                     void *arg, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    struct containers_visitor visitor = {visit, arg};

    containers_wire_list(&request, filter);
    if (containerd_query_stream(scope, SERVICE "ListStream", &request, containers_wire_visit_one,
                                &visitor, cancel, err))
        return true;
    return error_is_expected(err, STATUS_GRPC, RPC_UNIMPLEMENTED) &&
           containerd_query(scope, SERVICE "List", &request, containers_wire_visit_all, NULL,
                            &visitor, cancel, err);
}
