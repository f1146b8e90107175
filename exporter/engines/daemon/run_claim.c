/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/daemon/run_claim.h"

#include "base/clock.h"

#include <string.h>
#include <time.h>

#define REF      "containerd-exporter.alive"
#define LOCKED   " locked for " /* containerd's word for an ingest that another connection writes */
#define GRACE_NS (300 * NS_PER_SECOND) /* for the clean-up after the deadline of the run */
#define POLL_NS  (200 * NS_PER_MS)

bool run_claim_try(struct run_claim *claim, const struct scope *scope, bool *taken,
                   struct cancel *cancel, struct error *err)
{
    const struct scope outside = {scope->daemon, scope->name_space, NULL};

    *taken = false;
    if (!cancel_check(cancel, err))
        return false;
    cancel_init(&claim->cancel, cancel->deadline_ns + GRACE_NS);
    claim->writer = content_writer_open(&outside, REF, 0, &claim->cancel, err);
    *taken = claim->writer;
    if (claim->writer)
        return true;
    cancel_deinit(&claim->cancel);
    return strstr(err->message, LOCKED) && error_is_expected(err, STATUS_GRPC, RPC_UNAVAILABLE);
}

bool run_claim_wait(struct run_claim *claim, const struct scope *scope, struct cancel *cancel,
                    struct error *err)
{
    const struct timespec pause = clock_timespec(POLL_NS);
    bool taken;

    for (;;) {
        if (!run_claim_try(claim, scope, &taken, cancel, err))
            return error_wrap(err, "waiting for another exporter that runs the same probe");
        if (taken)
            return true;
        nanosleep(&pause, NULL);
    }
}

void run_claim_release(struct run_claim *claim)
{
    if (!claim->writer)
        return;
    content_writer_freep(&claim->writer);
    claim->writer = NULL;
    cancel_deinit(&claim->cancel);
}
