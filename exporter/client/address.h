/* SPDX-License-Identifier: Apache-2.0 */
/* Where the daemon's socket is. */
#ifndef CLIENT_ADDRESS_H
#define CLIENT_ADDRESS_H

/* The path of a socket that may be written as unix:///path. For "": $CONTAINERD_ADDRESS, else the
 * first that exists of the usual ones, else the most usual one. */
const char *address_of_socket(const char *configured);

#endif
