/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of containerd, to be compared: what a version can do is a row of some table. */
#ifndef CONTAINERD_DAEMON_VERSION_H
#define CONTAINERD_DAEMON_VERSION_H

#define DAEMON_VERSION(major, minor) ((major)*10000U + (minor))

/* Reads "1.6.20~ds1", "v1.7.11-k3s2", "2.1.9+unknown". What is no version is newer than any. */
unsigned daemon_version(const char *text);

#endif
