/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells other processes that a run of a probe is alive.
 *
 * Two exporters may run one probe on one node, for example while a DaemonSet replaces its pods.
 * They do not see each other's processes. So a run holds an ingest in the namespace of its probe:
 * containerd locks an ingest as long as the connection that writes it exists. A process that dies
 * in any way loses the connection, and with it the claim.
 */
#pragma once

#include "containerd/content_writer.h"

struct run_claim {
    struct content_writer *writer; /* NULL: not held */
    struct cancel cancel;          /* outlives that of the run, for the clean-up */
};

/* *taken is false if another run holds the claim. The namespace is created if it does not exist. */
bool run_claim_try(struct run_claim *claim, const struct scope *scope, bool *taken,
                   struct cancel *cancel, struct error *err) MUST_CHECK;

/* Waits until no other run holds the claim. */
bool run_claim_wait(struct run_claim *claim, const struct scope *scope, struct cancel *cancel,
                    struct error *err) MUST_CHECK;

/* Does nothing if the claim is not held. The ingest stays: the caller removes it with the
 * namespace.
 */
void run_claim_release(struct run_claim *claim);
