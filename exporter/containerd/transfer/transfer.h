/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pulls and pushes that the daemon does itself: its Transfer service, since 1.7 (of worth since
 * 2.0).
 *
 * While it works it speaks on streams beside the call: what it is at (progress), who it should be
 * to the registry (auth), and, if that was asked for, what it said to the registry and was told
 * (log, since 2.1). The last is no thing to do while an image is fetched: the daemon puts every
 * body into its memory and on the stream, layers too.
 */
#ifndef CONTAINERD_TRANSFER_TRANSFER_H
#define CONTAINERD_TRANSFER_TRANSFER_H

#include "containerd/containerd.h"
#include "credentials/credentials.h"
#include "oci/manifest.h"

/* What the daemon says of its work; valid only during the visit. */
struct transfer_event {
    const char
        *what; /* "Pulling from ...", "waiting", "downloading", "uploading", "complete", ... */
    const char *name; /* "layer-sha256:..."; "" where it is about the image as a whole */
    uint64_t bytes, total;
    int64_t at_ns; /* when it came; monotonic */
};

/* Called by a thread of its own, that has ended when the transfer returns. */
typedef void transfer_visit(void *arg, const struct transfer_event *event);

/* A piece of what was said over HTTP: it begins with the first line of a request or a response, or
 * goes on in the middle of a body. A thread of its own, likewise. */
typedef void transfer_log_visit(void *arg, const char *text);

/* Between a registry and the image store of the daemon. */
struct transfer {
    const char *reference;      /* there */
    const char *name;           /* here: of the image record that it becomes, or is */
    const char *hosts_dir;      /* where the daemon finds hosts.toml; "": nowhere */
    const char *default_scheme; /* of a registry without hosts.toml: "http", "https" */
    const struct platform *platform;
    bool all_platforms; /* of an index: every one; `platform` says which is unpacked */
    bool unpack;        /* of a pull */
    const char *snapshotter;
    const struct credentials *credentials; /* never NULL; may be anonymous */
    const char *credentials_host;          /* nobody else gets them */
    transfer_visit *progress;
    transfer_log_visit *log; /* NULL: nothing is logged */
    void *arg;               /* of both */
};

/* The reason of a failure is the daemon's words' where they tell one. *ended_ns: when the daemon
 * answered; what it still has to say on the streams is listened to after that. */
bool transfer_pull(const struct scope *scope, const struct transfer *transfer, int64_t *ended_ns,
                   struct cancel *cancel, struct error *err) MUST_CHECK;

/* The same. An index goes with its entries of `platform`, though the registry may want all. */
bool transfer_push(const struct scope *scope, const struct transfer *transfer, int64_t *ended_ns,
                   struct cancel *cancel, struct error *err) MUST_CHECK;

/* What a version of the daemon can do. */
struct transfer_dialect {
    unsigned since;   /* DAEMON_VERSION() from which on it is so */
    bool transfers;   /* the service is there */
    bool reads_hosts; /* hosts.toml and default_scheme are honoured */
    bool logs;        /* tells what it said over HTTP */
};

/* What is no version gets the newest. */
const struct transfer_dialect *transfer_dialect_of(const char *version);

#endif
