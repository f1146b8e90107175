/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the containerd of this node where no address is configured.
 *
 * It connects to the usual sockets and asks who listens, so dead files, folders and denied sockets
 * do not count. A daemon with the namespace k8s.io comes first: it is the kubelet's. It looks again
 * while the chosen daemon does not answer, and while that has no k8s.io. Then
 *
 * - a better daemon replaces the chosen one at once;
 * - an equal one replaces it after `patience_ns` without an answer, so that a restart changes
 * nothing;
 * - a worse one never does: Docker's daemon must not hide that the kubelet's is down.
 *
 * All functions are thread-safe.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define DAEMON_PLACES_MAX   8
#define DAEMON_OTHERS_BYTES 512

struct containerd;
struct daemon_search;

/* containerd's own, k3s and RKE2, k0s, microk8s, Docker; ends with NULL. */
extern const char *const daemon_places[];

struct daemon_choice {
    const char *address;
    const char *others; /* further sockets where a process listens: "/a.sock, /b.sock"; "": none */
    bool answers;       /* the chosen daemon does */
    bool kubernetes;    /* it has the namespace k8s.io */
};

struct daemon_search_options {
    const char *const *places; /* in the order of preference; ends with NULL; must stay valid */
    /* Called when the choice or the others have changed, in the thread of the call to containerd
     * that noticed it; must not call containerd. NULL: unused. */
    void (*report)(const struct daemon_choice *choice);
    int64_t patience_ns, pause_ns; /* `pause_ns`: between two looks; 0: the defaults */
};

/* `options` is copied. No I/O. */
struct daemon_search *daemon_search_new(const struct daemon_search_options *options,
                                        struct error *err);
void daemon_search_free(struct daemon_search *search);
DEFINE_CLEANUP(struct daemon_search *, daemon_search_free)

/* Returns the daemon to call, which lives as long as the search. Looks first if that is due: this
 * may take a second for each socket that hangs. The first look blocks all callers, later ones only
 * one. */
struct containerd *daemon_search_current(struct daemon_search *search);

/* The same without a look. */
struct containerd *daemon_search_chosen(const struct daemon_search *search);

/* Makes the next look due, after a call that did not reach the daemon. Returns whether any daemon
 * has answered so far. */
bool daemon_search_failed(struct daemon_search *search);

/* Forgets how good the chosen daemon was: the next look may choose a worse one. */
void daemon_search_restart(struct daemon_search *search);

/* Copies `others` of the last choice. */
void daemon_search_others(struct daemon_search *search, char *out, size_t out_size);
