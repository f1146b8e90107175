/* SPDX-License-Identifier: Apache-2.0 */
/* One call; the daemon looks at each ingest's file, which is cheap. */
#include "containerd/ingests.h"

#include "containerd/wire/ingests_wire.h"

#define REPLY_LIMIT_BYTES ((size_t)16 << 20)

bool ingests_list(const struct scope *scope, struct arena *arena, struct ingests *ingests,
                  struct cancel *cancel, struct error *err)
{
    const struct buf nothing = BUF_INIT(0);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    return containerd_call(scope, "/containerd.services.content.v1.Content/ListStatuses", &nothing,
                           &reply, cancel, err) &&
           ingests_wire_list(&reply, arena, ingests, err);
}
