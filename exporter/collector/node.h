/* SPDX-License-Identifier: Apache-2.0 */
/* The clients and limits that all jobs share. It belongs to one configuration; open() of every job
 * receives it. */
#pragma once

/* Length of the suffix that a one-shot process (containerd_exporter probe) adds to the names that
 * it creates, so that they differ from those of the exporter. containerd limits the length of
 * names. */
#define ONE_SHOT_SUFFIX_BYTES 7

struct containerd;
struct registry_limits;
struct credential_cache;
struct docker;
struct scrub;

struct node {
    struct containerd *containerd;
    struct docker *docker; /* NULL: no Docker socket is configured */
    struct scrub *scrub;   /* keeps its position when the settings of its job change */
    char *hosts_roots;     /* directories of hosts.toml, joined by ":" */
    const char *name;      /* of this node */
    const char *one_shot;  /* suffix of a one-shot process, such as "-1a2b3"; else "" */
    struct registry_limits *registry_limits;   /* of the process: outlives this */
    struct credential_cache *credential_cache; /* likewise */
};
