/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every command that reads the configuration needs: its schema, and what all jobs share. Made
 * once per process, before any thread starts, and the same after every reload.
 */
#ifndef COMMAND_SETUP_H
#define COMMAND_SETUP_H

#include "config/config.h"

struct node;

extern const struct config_schema setup_schema;

/* The configuration file of one-shot commands: `named`, or if that is NULL the one that the package
 * installs; NULL if there is none. */
const char *setup_config_file(const char *named);

/* The libraries, the node's name, and what outlives every configuration. `suffix` follows the name
 * of a probe in the names of what its runs create: "" for the exporter, which is one per node. */
bool setup_begin(const char *suffix, struct error *err) MUST_CHECK;
void setup_end(void);

/* The name of this node: $NODE_NAME, else the host's. */
const char *setup_node(void);

/* Where the daemon "containerd" or "docker" is looked for since the last setup_make_node(), ""
 * for nowhere. From any thread. */
void setup_daemon_address(const char *daemon, char *out, size_t out_size);

/* For struct reload_options. `globals` is what setup_schema fills. */
struct node *setup_make_node(const void *globals, struct error *err);
void setup_free_node(struct node *node);
DEFINE_CLEANUP(struct node *, setup_free_node)

#endif
