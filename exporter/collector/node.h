/* SPDX-License-Identifier: Apache-2.0 */
/* What all jobs of this node share. main makes it for one configuration; every job gets it when it
 * opens. */
#ifndef COLLECTOR_NODE_H
#define COLLECTOR_NODE_H

/* The suffix of every name that a one-shot process (containerd_exporter probe) creates, so that it
 * differs from the names of the exporter. containerd limits the length of the whole name. */
#define ONE_SHOT_SUFFIX_BYTES 7

struct containerd;
struct registry_limits;
struct credential_cache;
struct docker;
struct scrub;

struct node {
    struct containerd *containerd;
    struct docker *docker; /* NULL: no Docker socket is configured */
    struct scrub *scrub;   /* its position outlives a job whose settings change */
    char *hosts_roots;     /* directories of hosts.toml, joined by ":" */
    const char *name;      /* the name of this machine */
    const char *one_shot;  /* suffix of a one-shot process, such as "-1a2b3"; else "" */
    struct registry_limits *registry_limits;   /* of the process: outlives this */
    struct credential_cache *credential_cache; /* likewise */
};

#endif
