/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs that runs of this process have removed from the daemon a short time ago.
 *
 * A daemon that pulls does not fetch a blob that another run has in another namespace. Once that
 * run has cleaned up, the store no longer shows that the blob came from there. So each run records
 * its blobs here before it removes them. Process-wide and thread-safe.
 */
#pragma once

#include "containerd/containerd.h"

/* Records the blobs of the namespace that are not older than `since_unix_ns`; of a namespace that
 * several runs share, scope->lease names the lease that holds those of this run. They count as
 * present until recent_blobs_removed() is called with *removal. Must be called before their
 * removal. */
bool recent_blobs_note(const struct scope *scope, int64_t since_unix_ns, uint64_t *removal,
                       struct cancel *cancel, struct error *err) MUST_CHECK;
void recent_blobs_removed(uint64_t removal);

/* Whether another run had this blob during a pull that began at `started_unix_ns`, not later than
 * the pull, which had it at `created_unix_ns`. In one namespace both see the same record. */
bool recent_blobs_shared(const char *digest, int64_t started_unix_ns, int64_t created_unix_ns);
