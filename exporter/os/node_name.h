/* SPDX-License-Identifier: Apache-2.0 */
/* The name of the node that the exporter runs on. */
#pragma once

#define NODE_NAME_BYTES 256

struct node_name {
    char text[NODE_NAME_BYTES];
    char doubt[512]; /* why it may be the name of a pod or container; "": it is the node's */
};

/* $NODE_NAME, else /etc/hostname below --path.rootfs, else the host name. In a pod or container the
 * host name is usually that of the pod or container. */
void node_name_find(struct node_name *name);
