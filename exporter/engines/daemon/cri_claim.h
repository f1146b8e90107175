/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lease of a pull by CRI, which claims a repository in the kubelet's namespace.
 *
 * Two runs must not pull one content at the same time: each would take the other's image for one
 * that existed before, and bytes that the other has fetched for its own. So a run waits for runs
 * that have claimed the same repository and, if it knows the content of its image, for runs that
 * pull the same content under another name.
 */
#pragma once

#include "containerd/leases.h"

struct cri_claim {
    const struct scope *scope;
    const char *lease;   /* its id */
    const char *image;   /* as CRI writes it */
    const char *content; /* digest of the manifest, where it is known; "": not known */
    int64_t lifetime_seconds;
    bool held;    /* the lease may exist */
    bool crowded; /* another run was at work when the claim was taken */
};

/* Waits until no other run has claimed the same, and creates the lease. Sets claim->held also if it
 * fails. */
bool cri_claim_take(struct cri_claim *claim, struct cancel *cancel, struct error *err) MUST_CHECK;

/* Whether the lease is of another run, whose deadline has not passed. */
bool cri_claim_is_others(const struct cri_claim *claim, const struct lease *lease);

/* Whether the deadline of the run that made the lease has not passed. */
bool cri_claim_is_active(const struct lease *lease);

/* What the lease says: NULL or false if it says nothing. */
const char *cri_claim_image(const struct lease *lease);
bool cri_claim_started(const struct lease *lease, int64_t *unix_ns);

/* The length of "host:port/repository" at the begin of a name. */
size_t cri_claim_repository_bytes(const char *name);
