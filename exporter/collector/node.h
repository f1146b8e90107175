/* SPDX-License-Identifier: Apache-2.0 */
/* What all jobs share: made by main for one configuration, given to every job when it opens. */
#ifndef COLLECTOR_NODE_H
#define COLLECTOR_NODE_H

/* What follows that name in a process that is not the node's exporter: so long that containerd
 * takes the whole. */
#define SHARED_VISITOR_BYTES 7

struct containerd;
struct ledger;
struct credential_cache;
struct docker;
struct scrub;

struct shared {
    struct containerd *containerd;
    struct docker *docker;                     /* NULL: no Docker socket is configured */
    struct scrub *scrub; /* its position outlives a job whose settings change */
    char *hosts_roots;                         /* directories of hosts.toml, joined by ":" */
    const char *node;                          /* the name of this machine */
    const char *visitor;                       /* "" or "-1a2b3" */
    struct ledger *ledger;                     /* of the process: outlives this */
    struct credential_cache *credential_cache; /* likewise */
};

#endif
