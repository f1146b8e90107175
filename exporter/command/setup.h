/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every command that reads the configuration needs: the schema, process-wide state, and the
 * node that all jobs share. Process-wide state is created once, before any thread starts, and
 * outlives reloads.
 */
#pragma once

#include "config/config.h"

struct containerd;
struct daemon_choice;
struct node;

extern const struct config_schema setup_schema;

/* The flag of commands that read files of the node; for rootfs_use(). */
#define ROOTFS_FLAG(value)                                                                   \
    {                                                                                        \
        "path.rootfs", FLAG_STRING, (value), "DIR",                                          \
            "Directory that has the files of the node, such as /host in a pod: hosts.toml, " \
            "trusted certificates, docker_config, credential_provider, /etc/hostname. "      \
            "Sockets and the exporter's own files are where they are configured."            \
    }

#define SETUP_INSTALLED_FILE "/etc/containerd_exporter/containerd_exporter.yml"

/* Returns the configuration file of one-shot commands: `named`, or if that is NULL the installed
 * file, or NULL if that does not exist. */
const char *setup_config_file(const char *named);

/* Returns the address of containerd: `configured`, or if that is "" $CONTAINERD_ADDRESS. NULL: none
 * is set, so it must be searched for. */
const char *setup_containerd_address(const char *configured);

/* Returns containerd at the address `configured`, or where setup_containerd_address() says, or
 * where a search finds it; `report` is that of the search. */
struct containerd *setup_containerd(const char *configured,
                                    void (*report)(const struct daemon_choice *choice),
                                    struct error *err);

/* Initialises libraries and process-wide state. `suffix` is appended to the names of what runs of
 * probes create; it must be "" for the exporter, which runs once per node. */
bool setup_begin(const char *suffix, struct error *err) MUST_CHECK;
void setup_end(void);

/* Returns the name of this node, and why it may be another one ("": it is not): os/node_name.h. */
const char *setup_node(void);
const char *setup_node_doubt(void);

/* Copies the address of the daemon "containerd" or "docker" of the newest node; "others": further
 * sockets where a containerd may listen. The copy is "" without such a socket. Thread-safe. */
void setup_daemon_address(const char *daemon, char *out, size_t out_size);

/* Searches containerd again where no address is configured. */
void setup_refresh_node(struct node *node);

/* For struct reload_options. `globals` is the struct that setup_schema fills. */
struct node *setup_make_node(const void *globals, struct error *err);
void setup_free_node(struct node *node);
DEFINE_CLEANUP(struct node *, setup_free_node)
